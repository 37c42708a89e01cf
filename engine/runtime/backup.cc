#include "engine/runtime/backup.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/exchange.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/journal_copy.h"
#include "engine/journal/registered_readers.h"
#include "engine/outbox/event_copy.h"
#include "engine/outbox/event_store.h"
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

struct CopiedFiles {
  CopiedJournal journal;
  std::optional<CopiedEvents> events;
};

// Where a daemon goes on it is held meanwhile. The outbox comes last: whatever snapshot was copied,
// its events were in there before.
absl::StatusOr<CopiedFiles> CopyFiles(Disk& disk, const ReadOptions& from, const std::string& to) {
  std::unique_ptr<FileLock> held;
  if (from.being_written) {
    absl::StatusOr<std::unique_ptr<FileLock>> taken = HoldStill(disk, from.folder);
    if (!taken.ok()) return taken.status();
    held = *std::move(taken);
  }
  const absl::StatusOr<CopiedJournal> journal = CopyJournal(disk, from, to);
  if (!journal.ok()) return journal.status();
  CopiedFiles copied{.journal = *journal, .events = std::nullopt};
  if (journal->first_sequence == 1) return copied;  // A start makes them all again.
  auto events = CopyEvents(disk, from.folder, *from.identity, journal->next_sequence - 1, to);
  if (!events.ok()) return events.status();
  copied.events = *std::move(events);
  return copied;
}

// Whether the copy of the outbox reads as it was written.
absl::Status ReadBack(Disk& disk, const CopiedEvents& events, const ReadOptions& copy) {
  EventStoreOptions options;
  options.folder = copy.folder;
  options.identity = *copy.identity;
  const auto store = EventStore::Open(disk, std::move(options));
  if (!store.ok()) return store.status();
  if ((*store)->damaged().empty() && (*store)->covered() == events.covered) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(copy.folder, ": the copied outbox has the events of the ",
                                          "commands to ", (*store)->covered(), ", not to ",
                                          events.covered, ": make it again, on another disk"));
}

// One that no daemon goes on with is judged as a start would.
absl::Status CheckEvents(const ReadOptions& from, std::uint64_t sequence,
                         const CopiedEvents& events) {
  if (from.being_written || events.newest <= sequence) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      from.folder, ": the outbox knows of sequence ", events.newest, ", and the journal ends at ",
      sequence, ". If an older journal was restored here, remove the ", "outbox-*.log files"));
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
  absl::StatusOr<CopiedFiles> copied = CopyFiles(disk, from, to);
  if (!copied.ok()) return copied.status();
  const ReadOptions copy{.folder = to, .identity = from.identity};
  Exchange exchange;
  const absl::StatusOr<Recovery> recovery = RecoverExchange(disk, copy, exchange);
  if (!recovery.ok()) return recovery.status();
  if (recovery->tail.next_sequence != copied->journal.next_sequence) {
    return absl::DataLossError(absl::StrCat(
        to, " ends before sequence ", recovery->tail.next_sequence, ", what it was copied ",
        "from before ", copied->journal.next_sequence, ": make it again, on another disk"));
  }
  absl::Status status = CopyReaders(disk, from.folder, recovery->sequence, to);
  if (!status.ok()) return status;
  CopiedShard shard{.sequence = recovery->sequence,
                    .digest = recovery->digest,
                    .bytes = copied->journal.bytes,
                    .damaged = {}};
  if (!copied->events) return shard;
  status = CheckEvents(from, recovery->sequence, *copied->events);
  if (status.ok()) status = ReadBack(disk, *copied->events, copy);
  if (!status.ok()) return status;
  const bool begins_behind = recovery->snapshot_sequence > copied->events->covered;
  shard.events_gone_to = begins_behind ? recovery->snapshot_sequence : 0;
  shard.damaged = std::move(copied->events->damaged);
  return shard;
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
    shards.push_back(*std::move(copied));
  }
  if (absl::Status status = copy->Commit(disk); !status.ok()) return status;
  return shards;
}

}  // namespace engine
