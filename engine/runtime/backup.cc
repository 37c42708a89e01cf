#include "engine/runtime/backup.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/exchange.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/journal_copy.h"
#include "engine/journal/registered_readers.h"
#include "engine/runtime/recovery.h"

namespace engine {
namespace {

// Again where the daemon removed segments that were to be copied: it seldom does.
absl::StatusOr<CopiedJournal> CopyBesideADaemon(Disk& disk, const ReadOptions& from,
                                                const std::string& to) {
  constexpr int kTries = 3;
  absl::StatusOr<CopiedJournal> copied = CopyJournal(disk, from, to);
  for (int tries = 1; absl::IsAborted(copied.status()) && tries < kTries; ++tries) {
    copied = CopyJournal(disk, from, to);
  }
  return copied;
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
  const absl::StatusOr<CopiedJournal> copied = CopyBesideADaemon(disk, from, to);
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
