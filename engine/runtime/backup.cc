#include "engine/runtime/backup.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/exchange.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/journal_copy.h"
#include "engine/journal/registered_readers.h"
#include "engine/runtime/recovery.h"

namespace engine {
namespace {

// While it is held the daemon removes nothing that is to be copied.
absl::StatusOr<std::unique_ptr<FileLock>> HoldStill(Disk& disk, const std::string& folder) {
  constexpr std::chrono::milliseconds kPause(10);
  constexpr int kTries = 300;
  auto held = disk.TryLock(CopyLock(folder));
  for (int tries = 1; absl::IsAborted(held.status()) && tries < kTries; ++tries) {
    std::this_thread::sleep_for(kPause);  // The daemon removes something, which takes moments.
    held = disk.TryLock(CopyLock(folder));
  }
  if (!absl::IsAborted(held.status())) return held;
  return absl::FailedPreconditionError(
      absl::StrCat(folder, ": another backup of it is being made: try again when it is done"));
}

// Where a daemon goes on it is held meanwhile.
absl::StatusOr<CopiedJournal> CopyFiles(Disk& disk, const ReadOptions& from,
                                        const std::string& to) {
  std::unique_ptr<FileLock> held;
  if (from.being_written) {
    absl::StatusOr<std::unique_ptr<FileLock>> taken = HoldStill(disk, from.folder);
    if (!taken.ok()) return taken.status();
    held = *std::move(taken);
  }
  return CopyJournal(disk, from, to);
}

// Records behind the copy's end will be others than those that a reader has passed in the original.
absl::Status CopyReaders(Disk& disk, const std::string& from, std::uint64_t end,
                         const std::string& to) {
  const absl::StatusOr<std::vector<RegisteredReader>> readers = ListReaders(disk, from);
  if (!readers.ok()) return readers.status();
  for (const RegisteredReader& reader : *readers) {
    absl::Status status =
        WriteReader(disk, to, {.name = reader.name, .passed = std::min(reader.passed, end)});
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<CopiedShard> CopyShard(Disk& disk, const ReadOptions& from, const std::string& to) {
  const absl::StatusOr<CopiedJournal> copied = CopyFiles(disk, from, to);
  if (!copied.ok()) return copied.status();
  Exchange exchange;
  const absl::StatusOr<Recovery> recovery =
      RecoverExchange(disk, {.folder = to, .identity = from.identity}, exchange);
  if (!recovery.ok()) return recovery.status();
  if (recovery->tail.next_sequence != copied->next_sequence) {
    return absl::DataLossError(absl::StrCat(
        to, " ends before sequence ", recovery->tail.next_sequence, ", what it was copied ",
        "from before ", copied->next_sequence, ": make it again, on another disk"));
  }
  absl::Status status = CopyReaders(disk, from.folder, recovery->sequence, to);
  if (!status.ok()) return status;
  return CopiedShard{
      .sequence = recovery->sequence, .digest = recovery->digest, .bytes = copied->bytes};
}

// A copy in what it is made of would be lost with it, and one of itself is none.
absl::Status RefuseWithin(const std::string& from, const std::string& to) {
  std::error_code error;
  const auto source = std::filesystem::weakly_canonical(from, error);
  const auto copy = std::filesystem::weakly_canonical(to, error);
  const auto [left, unused] = std::ranges::mismatch(source, copy);
  if (error || left != source.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(to, " lies in ", from, ", which it is to be a copy of: name a folder outside"));
}

}  // namespace

absl::StatusOr<std::vector<CopiedShard>> CopyDataDirectory(Disk& disk, const std::string& from,
                                                           const std::string& to) {
  if (absl::Status status = RefuseWithin(from, to); !status.ok()) return status;
  const absl::StatusOr<std::optional<DataDirectory>> unused =
      DataDirectory::OpenUnlessInUse(disk, from);
  if (!unused.ok()) return unused.status();
  const absl::StatusOr<ClusterDescription> cluster = DataDirectory::Read(disk, from);
  if (!cluster.ok()) return cluster.status();
  const absl::StatusOr<DataDirectory> copy = DataDirectory::Create(disk, to, *cluster);
  if (!copy.ok()) return copy.status();
  if (absl::Status status = copy->CopyLotteryKey(disk, from); !status.ok()) return status;
  std::vector<CopiedShard> shards;
  for (std::uint32_t shard = 0; shard < cluster->shard_count; ++shard) {
    const ReadOptions source{.folder = FolderOfShard(from, shard),
                             .identity = copy->Identity(shard),
                             .being_written = !unused->has_value()};
    absl::StatusOr<CopiedShard> copied = CopyShard(disk, source, copy->ShardFolder(shard));
    if (!copied.ok()) return copied.status();
    shards.push_back(*copied);
  }
  if (absl::Status status = copy->Commit(disk); !status.ok()) return status;
  return shards;
}

}  // namespace engine
