#include "engine/journal/batch_writer.h"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/journal/posix_error.h"

namespace engine {
namespace {

constexpr int kProbeTimeoutMs = 30'000;

// Then the system has taken the way it was asked to write, and no start needs more of the probe.
bool IsFull(int error) { return error == ENOSPC || error == EDQUOT; }

// A block of zeros under a name of its own, removed at the end.
class ProbeFile {
 public:
  explicit ProbeFile(const std::string& folder)
      : path_(absl::StrCat(folder, "/probe-", getpid(), ".tmp")) {}
  ~ProbeFile() { unlink(path_.c_str()); }
  ProbeFile(const ProbeFile&) = delete;
  ProbeFile& operator=(const ProbeFile&) = delete;

  absl::Status Make() {
    const FileDescriptor fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.valid()) return PosixError(absl::StrCat("cannot write in the data directory: ", path_));
    const AlignedBuffer zeros(kBlockBytes);
    const bool fails = write(fd.get(), zeros.data(), zeros.size()) < 0;
    if (!fails || IsFull(errno)) return absl::OkStatus();
    return PosixError(absl::StrCat("cannot write in the data directory: ", path_));
  }

  bool TakesDirectWrites() const {
    const FileDescriptor fd(open(path_.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    if (!fd.valid()) return false;
    const AlignedBuffer zeros(kBlockBytes);
    const ssize_t count = pwrite(fd.get(), zeros.data(), zeros.size(), 0);
    return count == static_cast<ssize_t>(zeros.size()) || (count < 0 && IsFull(errno));
  }

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// Writes the probe's block by `writer` and waits for it.
absl::Status TryWriter(BatchWriter& writer, const std::string& path) {
  if (absl::Status status = writer.Use(path); !status.ok()) return status;
  static const AlignedBuffer zeros(kBlockBytes);  // Outlives a write that never ends.
  if (absl::Status status = writer.Submit(zeros.span(), 0); !status.ok()) return status;
  pollfd wait{.fd = writer.completion_fd(), .events = POLLIN, .revents = 0};
  if (poll(&wait, 1, kProbeTimeoutMs) != 1) {
    return absl::DeadlineExceededError("a block took more than 30 s to write");
  }
  const absl::StatusOr<bool> completed = writer.Completed();
  if (!completed.ok() && !absl::IsResourceExhausted(completed.status())) return completed.status();
  if (completed.ok() && !*completed) {
    return absl::InternalError("io_uring rang without a completion");
  }
  std::uint64_t count = 0;
  if (read(wait.fd, &count, sizeof(count)) != sizeof(count)) return PosixError("cannot read");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BatchWriter>> MakeBatchWriter(const std::string& folder,
                                                             WriterChoice choice) {
  ProbeFile probe(folder);
  if (absl::Status status = probe.Make(); !status.ok()) return status;
  const bool direct = probe.TakesDirectWrites();
  if (choice == WriterChoice::kPosix) return MakePosixWriter(direct, "");

  absl::Status refusal = absl::UnimplementedError("the filesystem takes no O_DIRECT");
  if (direct) {
    absl::StatusOr<std::unique_ptr<BatchWriter>> writer = MakeIoUringWriter();
    refusal = writer.ok() ? TryWriter(**writer, probe.path()) : writer.status();
    if (refusal.ok()) return writer;
  }
  if (choice == WriterChoice::kIoUring) return refusal;
  return MakePosixWriter(direct, std::string(refusal.message()));
}

}  // namespace engine
