// The way that works everywhere: a thread that writes and then syncs.
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/journal/batch_writer.h"
#include "engine/journal/job_thread.h"
#include "engine/journal/posix_error.h"
#include "engine/journal/writer_file.h"

namespace engine {
namespace {

// The owner's calls and the thread's never overlap: JobThread hands over what lies between them.
class JournalWriterThread final : public BatchWriter {
 public:
  JournalWriterThread(bool direct, const std::string& note, FileDescriptor event)
      : direct_(direct),
        note_(note),
        event_(std::move(event)),
        thread_(
            "journal-writer", [this] { Write(); }, [this] { Ring(); }) {}

  absl::Status Use(const std::string& path) override {
    CHECK(!in_flight_);
    // Direct, so that a failed sync leaves no page behind that a later reader takes for the disk's.
    const int direct = direct_ ? O_DIRECT : 0;
    absl::StatusOr<FileDescriptor> fd = OpenForWriter(path, direct);
    if (!fd.ok()) return fd.status();
    file_ = *std::move(fd);
    path_ = path;
    return absl::OkStatus();
  }

  absl::Status Submit(std::span<const std::byte> bytes, std::uint64_t offset) override {
    CHECK(!in_flight_);
    bytes_ = bytes;
    offset_ = offset;
    in_flight_ = true;
    thread_.Start();
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Completed() override {
    if (!in_flight_ || !thread_.Finished()) return false;
    in_flight_ = false;
    if (!result_.ok()) return result_;
    return true;
  }

  int completion_fd() const override { return event_.get(); }

  std::string description() const override {
    return absl::StrCat("posix: a writer thread, pwrite", direct_ ? " with O_DIRECT" : "",
                        " and fdatasync", note_.empty() ? "" : " (", note_,
                        note_.empty() ? "" : ")");
  }

 private:
  void Write() {
    const ssize_t count =
        pwrite(file_.get(), bytes_.data(), bytes_.size(), static_cast<off_t>(offset_));
    if (count < 0) {
      result_ = PosixError(absl::StrCat("cannot write ", path_, " at byte ", offset_));
    } else if (static_cast<std::size_t>(count) != bytes_.size()) {
      result_ = absl::DataLossError(absl::StrCat(path_, ": only ", count, " of ", bytes_.size(),
                                                 " bytes were written at byte ", offset_));
    } else if (fdatasync(file_.get()) != 0) {
      result_ = PosixError(absl::StrCat("cannot sync ", path_));
    } else {
      result_ = absl::OkStatus();
    }
  }

  void Ring() {
    const std::uint64_t one = 1;
    CHECK(write(event_.get(), &one, sizeof(one)) == sizeof(one));
  }

  const bool direct_;
  const std::string note_;
  FileDescriptor file_;
  const FileDescriptor event_;
  std::string path_;
  std::span<const std::byte> bytes_;
  std::uint64_t offset_ = 0;
  bool in_flight_ = false;
  absl::Status result_;
  JobThread thread_;  // Last: it ends before what it uses.
};

}  // namespace

absl::StatusOr<std::unique_ptr<BatchWriter>> MakePosixWriter(bool direct, const std::string& note) {
  FileDescriptor event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event.valid()) return PosixError("cannot make an eventfd");
  return std::make_unique<JournalWriterThread>(direct, note, std::move(event));
}

}  // namespace engine
