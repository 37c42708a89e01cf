#include "engine/journal/data_directory.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/hex.h"
#include "engine/journal/checked_text.h"
#include "engine/journal/posix_error.h"

namespace engine {
namespace {

constexpr char kClusterFile[] = "/peerwatt.cluster";
constexpr char kLockFile[] = "/peerwatt.lock";
constexpr char kLotteryKeyFile[] = "/lottery.key";
constexpr char kTitle[] = "peerwatt data directory, format ";
constexpr std::uint32_t kFormat = 1;

std::string Encode(const ClusterDescription& description) {
  const std::string text =
      absl::StrCat(kTitle, kFormat, "\ncluster_id ", ToHex(description.cluster_id),
                   "\nshard_count ", description.shard_count, "\nclock_origin_ns ",
                   description.clock_origin_ns, "\nclock_wall_ns ", description.clock_wall_ns,
                   "\nclock_factor ", description.clock_factor, "\n");
  return absl::StrCat(text, ChecksumLine(text));
}

absl::StatusOr<ClusterDescription> Decode(const std::string& path, const std::string& text) {
  const auto refuse = [&](const char* what) {
    return absl::DataLossError(absl::StrCat(path, ": ", what, "; restore it from a backup"));
  };
  TextLines lines(text);
  std::uint32_t format = 0;
  if (!lines.Read(kTitle, format)) return refuse("not a data directory's file");
  if (format != kFormat) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": format ", format,
                                                      ", but this program reads format ", kFormat,
                                                      ": run the program that wrote it"));
  }
  ClusterDescription description;
  if (!lines.ReadBytes("cluster_id ", description.cluster_id) ||
      !lines.Read("shard_count ", description.shard_count) ||
      !lines.Read("clock_origin_ns ", description.clock_origin_ns) ||
      !lines.Read("clock_wall_ns ", description.clock_wall_ns) ||
      !lines.Read("clock_factor ", description.clock_factor)) {
    return refuse("the file is damaged");
  }
  // Written again it must be the same bytes: one checksum, no second spelling.
  if (Encode(description) != text) return refuse("the file is damaged: its checksum does not hold");
  if (description.shard_count == 0 || description.shard_count > kShardCountMax ||
      description.clock_factor < 1) {
    return refuse("a value is out of its range");
  }
  return description;
}

// Not valid: another process holds it.
absl::StatusOr<FileDescriptor> TryLock(const std::string& path) {
  const std::string file = absl::StrCat(path, kLockFile);
  FileDescriptor fd(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  // A backup on a medium that nobody can write is read all the same.
  if (!fd.valid() && errno == EROFS) fd = FileDescriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return PosixError(absl::StrCat("cannot open ", file));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return PosixError(absl::StrCat("cannot lock ", file));
  return FileDescriptor();
}

absl::Status InUse(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat("the data directory ", path, " is in use by another peerwattd: stop that one, ",
                   "or give this one a directory of its own"));
}

absl::Status FillRandomly(std::span<std::byte> bytes) {
  if (getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())) {
    return absl::OkStatus();
  }
  return PosixError("the system gives no random bytes");
}

absl::Status WriteLotteryKey(Disk& disk, const std::string& folder, const LotteryBytes& key) {
  return WriteWholeFile(disk, absl::StrCat(folder, kLotteryKeyFile),
                        absl::StrCat(ToHex(key), "\n"));
}

// Unset where there is none.
absl::StatusOr<std::optional<LotteryBytes>> ReadLotteryKey(Disk& disk, const std::string& folder) {
  const std::string file = absl::StrCat(folder, kLotteryKeyFile);
  const absl::StatusOr<std::string> text = ReadSmallFile(disk, file);
  if (absl::IsNotFound(text.status())) return std::optional<LotteryBytes>();
  if (!text.ok()) return text.status();
  LotteryBytes key{};
  // A key of zeros everybody knows.
  if (text->ends_with('\n') && FromHex(text->substr(0, text->size() - 1), key) &&
      key != LotteryBytes{}) {
    return std::optional(key);
  }
  return absl::DataLossError(absl::StrCat(
      file, ": allowed is a line of 64 hex digits, not all zero; restore it from a backup, or ",
      "remove it: then rounds with a lottery that are open now will be void"));
}

absl::Status RefuseJournals(Disk& disk, const std::string& folder) {
  absl::StatusOr<std::vector<std::string>> names = disk.List(folder);
  if (!names.ok()) return names.status();
  const bool any = std::ranges::any_of(
      *names, [](const auto& name) { return name.starts_with(kJournalPrefix); });
  if (!any) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(folder, " holds a journal, but the data directory has no ", kClusterFile + 1,
                   ": restore that file; or, if this is left of an init or a backup that was "
                   "interrupted, remove ",
                   folder));
}

}  // namespace

absl::StatusOr<std::array<std::byte, 16>> MakeClusterId() {
  std::array<std::byte, 16> id{};
  if (absl::Status status = FillRandomly(id); !status.ok()) return status;
  return id;
}

std::string FolderOfShard(const std::string& path, std::uint32_t shard) {
  return absl::StrCat(path, "/shard-", shard);
}

DataDirectory::DataDirectory(std::string path, const ClusterDescription& description,
                             FileDescriptor lock)
    : path_(std::move(path)), description_(description), lock_(std::move(lock)) {}

absl::StatusOr<DataDirectory> DataDirectory::Create(Disk& disk, const std::string& path,
                                                    const ClusterDescription& description) {
  CHECK(description.shard_count >= 1 && description.shard_count <= kShardCountMax);
  CHECK(description.clock_factor >= 1);
  if (absl::Status status = disk.CreateFolder(path); !status.ok()) return status;
  absl::StatusOr<FileDescriptor> lock = TryLock(path);
  if (!lock.ok()) return lock.status();
  if (!lock->valid()) return InUse(path);
  const std::string file = absl::StrCat(path, kClusterFile);
  if (const auto old = disk.OpenForReading(file); !absl::IsNotFound(old.status())) {
    if (!old.ok()) return old.status();
    return absl::AlreadyExistsError(absl::StrCat(path, " is a data directory already"));
  }
  DataDirectory directory(path, description, *std::move(lock));
  for (std::uint32_t shard = 0; shard < description.shard_count; ++shard) {
    const std::string folder = directory.ShardFolder(shard);
    if (absl::Status status = disk.CreateFolder(folder); !status.ok()) return status;
    if (absl::Status status = RefuseJournals(disk, folder); !status.ok()) return status;
  }
  if (absl::Status status = disk.SyncFolder(path); !status.ok()) return status;
  if (absl::Status status = disk.SyncFolder(absl::StrCat(path, "/..")); !status.ok()) return status;
  return directory;
}

absl::Status DataDirectory::Commit(Disk& disk) const {
  return WriteWholeFile(disk, absl::StrCat(path_, kClusterFile), Encode(description_));
}

absl::StatusOr<DataDirectory::LotteryKeyFile> DataDirectory::OpenLotteryKey(Disk& disk) const {
  const absl::StatusOr<std::optional<LotteryBytes>> key = ReadLotteryKey(disk, path_);
  if (!key.ok()) return key.status();
  if (key->has_value()) return LotteryKeyFile{.key = **key};
  LotteryKeyFile made{.made = true};
  absl::Status status = FillRandomly(made.key);
  if (status.ok()) status = WriteLotteryKey(disk, path_, made.key);
  if (!status.ok()) return status;
  return made;
}

absl::Status DataDirectory::CopyLotteryKey(Disk& disk, const std::string& from) const {
  const absl::StatusOr<std::optional<LotteryBytes>> key = ReadLotteryKey(disk, from);
  if (!key.ok() || !key->has_value()) return key.status();
  return WriteLotteryKey(disk, path_, **key);
}

absl::StatusOr<DataDirectory> DataDirectory::Open(Disk& disk, const std::string& path) {
  absl::StatusOr<std::optional<DataDirectory>> opened = OpenUnlessInUse(disk, path);
  if (!opened.ok()) return opened.status();
  if (!opened->has_value()) return InUse(path);
  return **std::move(opened);
}

absl::StatusOr<std::optional<DataDirectory>> DataDirectory::OpenUnlessInUse(
    Disk& disk, const std::string& path) {
  // First without the lock, so that a wrong path is not littered with a lock file.
  absl::StatusOr<ClusterDescription> description = Read(disk, path);
  if (!description.ok()) return description.status();
  absl::StatusOr<FileDescriptor> lock = TryLock(path);
  if (!lock.ok()) return lock.status();
  if (!lock->valid()) return std::optional<DataDirectory>();
  return std::optional(DataDirectory(path, *description, *std::move(lock)));
}

absl::StatusOr<bool> DataDirectory::IsInUse(const std::string& path) {
  const std::string file = absl::StrCat(path, kLockFile);
  const FileDescriptor fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return false;
  if (!fd.valid()) return PosixError(absl::StrCat("cannot open ", file));
  if (flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return false;
  if (errno != EWOULDBLOCK) return PosixError(absl::StrCat("cannot lock ", file));
  return true;
}

absl::StatusOr<ClusterDescription> DataDirectory::Read(Disk& disk, const std::string& path) {
  const std::string file = absl::StrCat(path, kClusterFile);
  const absl::StatusOr<std::string> text = ReadSmallFile(disk, file);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        absl::StrCat(path, " is not a data directory: `peerwattd init` makes one"));
  }
  if (!text.ok()) return text.status();
  return Decode(file, *text);
}

std::string DataDirectory::ShardFolder(std::uint32_t shard) const {
  CHECK(shard < description_.shard_count);
  return FolderOfShard(path_, shard);
}

JournalIdentity DataDirectory::Identity(std::uint32_t shard) const {
  CHECK(shard < description_.shard_count);
  return {.cluster_id = description_.cluster_id, .shard = shard};
}

}  // namespace engine
