// The disk seam over the operating system's files.
#include <cerrno>
#include <cstdio>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/journal/disk.h"
#include "engine/journal/file_descriptor.h"
#include "engine/journal/posix_error.h"

namespace engine {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;

class PosixFile final : public File {
 public:
  PosixFile(std::string path, FileDescriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  // The journal reads and writes each byte once: its pages need not stay in the cache.
  ~PosixFile() override { posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED); }

  absl::StatusOr<std::size_t> ReadAt(std::span<std::byte> into, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t count = pread(fd_.get(), into.data() + done, into.size() - done,
                                  static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return PosixError(absl::StrCat("cannot read ", path_));
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  absl::Status WriteAt(std::span<const std::byte> bytes, std::uint64_t offset) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t count = pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return PosixError(absl::StrCat("cannot write ", path_));
      done += static_cast<std::size_t>(count);
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (fdatasync(fd_.get()) != 0) return PosixError(absl::StrCat("cannot sync ", path_));
    return absl::OkStatus();
  }

  absl::StatusOr<std::uint64_t> Size() override {
    struct stat status {};
    if (fstat(fd_.get(), &status) != 0) return PosixError(absl::StrCat("cannot stat ", path_));
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  const std::string path_;
  const FileDescriptor fd_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(FileDescriptor fd) : fd_(std::move(fd)) {}

 private:
  const FileDescriptor fd_;
};

absl::StatusOr<std::unique_ptr<File>> OpenFile(const std::string& path, int flags) {
  FileDescriptor fd(open(path.c_str(), flags | O_CLOEXEC, kFileMode));
  if (!fd.valid()) return PosixError(absl::StrCat("cannot open ", path));
  return std::make_unique<PosixFile>(path, std::move(fd));
}

class OperatingSystemDisk final : public Disk {
 public:
  absl::StatusOr<std::unique_ptr<File>> OpenForReading(const std::string& path) override {
    return OpenFile(path, O_RDONLY);
  }

  absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) override {
    return OpenFile(path, O_RDWR | O_CREAT | O_TRUNC);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(folder.c_str()), closedir);
    if (stream == nullptr) return PosixError(absl::StrCat("cannot list ", folder));
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(stream.get())) {
      const std::string name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") names.push_back(name);
    }
    if (errno != 0) return PosixError(absl::StrCat("cannot list ", folder));
    return names;
  }

  absl::Status CreateFolder(const std::string& folder) override {
    if (mkdir(folder.c_str(), kFolderMode) == 0 || errno == EEXIST) return absl::OkStatus();
    return PosixError(absl::StrCat("cannot make the folder ", folder));
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return PosixError(absl::StrCat("cannot rename ", from, " to ", to));
  }

  absl::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) == 0) return absl::OkStatus();
    return PosixError(absl::StrCat("cannot remove ", path));
  }

  absl::Status SyncFolder(const std::string& folder) override {
    const FileDescriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() || fsync(fd.get()) != 0) {
      return PosixError(absl::StrCat("cannot sync the folder ", folder));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<FileLock>> TryLock(const std::string& path) override {
    FileDescriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
    if (!fd.valid()) return PosixError(absl::StrCat("cannot open ", path));
    if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return std::make_unique<PosixLock>(std::move(fd));
    if (errno == EWOULDBLOCK) return absl::AbortedError(absl::StrCat(path, " is locked"));
    return PosixError(absl::StrCat("cannot lock ", path));
  }

  absl::StatusOr<std::uint64_t> FreeBytes(const std::string& folder) override {
    struct statvfs status {};
    if (statvfs(folder.c_str(), &status) != 0) {
      return PosixError(absl::StrCat("cannot ask for the free space of ", folder));
    }
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }
};

}  // namespace

Disk& PosixDisk() {
  static OperatingSystemDisk disk;
  return disk;
}

}  // namespace engine
