// A daemon's data directory: who it is, its lock, and where its shards' journals lie.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/command.h"
#include "engine/journal/disk.h"
#include "engine/journal/file_descriptor.h"
#include "engine/journal/format.h"

namespace engine {

// Fixed when the directory is made.
struct ClusterDescription {
  std::array<std::byte, 16> cluster_id{};
  std::uint32_t shard_count = 1;
  // The exchange's time is clock_origin_ns + (wall - clock_wall_ns) * clock_factor; UTC.
  std::int64_t clock_origin_ns = 0;
  std::int64_t clock_wall_ns = 0;
  std::int64_t clock_factor = 1;

  friend bool operator==(const ClusterDescription&, const ClusterDescription&) = default;
};

inline constexpr std::uint32_t kShardCountMax = 256;

// Random, from the operating system.
absl::StatusOr<std::array<std::byte, 16>> MakeClusterId();

// Where a shard's journal lies in the data directory `path`.
std::string FolderOfShard(const std::string& path, std::uint32_t shard);

// While it lives no other process can open the directory. Files: `peerwatt.cluster`, text with a
// checksum; `peerwatt.lock`; `lottery.key`; a folder `shard-<n>` for each shard's journal.
class DataDirectory {
 public:
  // Makes and locks a directory with its shard folders; the file that makes it a data directory
  // comes last, by Commit(). Ensures: an error where it is one already, or holds a journal.
  static absl::StatusOr<DataDirectory> Create(Disk& disk, const std::string& path,
                                              const ClusterDescription& description);
  absl::Status Commit(Disk& disk) const;

  // Locks and reads it. Ensures: an error that says what is wrong, and what to do.
  static absl::StatusOr<DataDirectory> Open(Disk& disk, const std::string& path);

  // The same, but unset where a daemon holds it.
  static absl::StatusOr<std::optional<DataDirectory>> OpenUnlessInUse(Disk& disk,
                                                                      const std::string& path);

  // The key that the secrets of lotteries are made of (engine/core/lottery_key.h): 32 random bytes,
  // made where the file is missing. Ensures: an error where the file is damaged.
  struct LotteryKeyFile {
    LotteryBytes key{};
    bool made = false;  // Now.
  };
  absl::StatusOr<LotteryKeyFile> OpenLotteryKey(Disk& disk) const;

  // The key of the directory `from`, where that has one: it has none before its daemon's first
  // start.
  absl::Status CopyLotteryKey(Disk& disk, const std::string& from) const;

  // For tools that only read: no lock; a daemon may be writing.
  static absl::StatusOr<ClusterDescription> Read(Disk& disk, const std::string& path);

  // Whether a process holds it now. Takes a lock for a moment, and so needs to read its file alone.
  static absl::StatusOr<bool> IsInUse(const std::string& path);

  const std::string& path() const { return path_; }
  const ClusterDescription& description() const { return description_; }

  // Requires: shard < shard_count.
  std::string ShardFolder(std::uint32_t shard) const;
  JournalIdentity Identity(std::uint32_t shard) const;

 private:
  DataDirectory(std::string path, const ClusterDescription& description, FileDescriptor lock);

  std::string path_;
  ClusterDescription description_;
  FileDescriptor lock_;
};

}  // namespace engine
