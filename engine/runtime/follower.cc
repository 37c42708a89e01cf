#include "engine/runtime/follower.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/journal/journal_beginning.h"
#include "engine/journal/numbered_files.h"
#include "engine/journal/reader.h"
#include "engine/journal/registered_readers.h"
#include "engine/runtime/recovery.h"
#include "engine/runtime/snapshots.h"

namespace engine {
namespace {

constexpr std::int64_t kTryAgainNs = std::int64_t{60} * 1'000'000'000;

}  // namespace

Follower::Follower(Disk& disk, FollowerOptions options)
    : disk_(disk),
      options_(std::move(options)),
      remover_(disk, options_.folder, options_.identity) {}

absl::StatusOr<Follower::Step> Follower::Follow(const std::atomic<bool>& stop) {
  Step step;
  if (exchange_ == nullptr) {
    if (absl::Status status = Start(step); !status.ok()) return status;
  }
  const absl::StatusOr<std::uint64_t> newest = NewestSegment();
  if (!newest.ok()) return newest.status();
  if (*newest != newest_segment_) {
    const std::uint64_t before = exchange_->sequence();
    if (absl::Status status = Apply(stop); !status.ok()) return status;
    step.applied = exchange_->sequence() != before;
    newest_segment_ = *newest;
  }
  SnapshotIfItIsTime(step);
  RemoveSegments(step);
  return step;
}

void Follower::SnapshotIfItIsTime(Step& step) {
  const bool is_time = newest_segment_ >= snapshot_segment_ + options_.segments_a_snapshot;
  if (!is_time || exchange_->sequence() == snapshot_sequence_) return;
  const absl::Status outbox = WaitForOutbox();
  if (absl::IsUnavailable(outbox)) return;
  snapshot_segment_ = newest_segment_;
  const absl::StatusOr<SnapshotHeader> snapshot = outbox.ok() ? MakeSnapshot() : outbox;
  step.snapshot_status = snapshot.status();
  if (snapshot.ok()) step.snapshot = *snapshot;
}

absl::Status Follower::Start(Step& step) {
  auto loaded =
      LoadNewestSnapshot(disk_, options_.folder, options_.identity, options_.before_sequence);
  if (!loaded.ok()) return loaded.status();
  if (loaded->sequence == 0) {
    absl::Status status = CheckThatAllIsKept(loaded->damaged);
    if (!status.ok()) return status;
  }
  exchange_ = std::move(loaded->exchange);
  snapshot_sequence_ = loaded->sequence;
  older_sequence_ = loaded->older_sequence;
  step.damaged = std::move(loaded->damaged);
  return absl::OkStatus();
}

// Without a snapshot it can begin only with the first record. Not DataLoss: the shard goes on, and
// while it does nothing is lost.
absl::Status Follower::CheckThatAllIsKept(const std::vector<std::string>& damaged) const {
  const auto beginning = ReadBeginning(disk_, options_.folder, options_.identity);
  if (!beginning.ok()) return beginning.status();
  if (beginning->sequence == 1) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      options_.folder, ": the journal begins with sequence ", beginning->sequence,
      ", and there is no whole snapshot to follow it from, so that no start can recover from it ",
      "either", damaged.empty() ? "" : ": ", absl::StrJoin(damaged, "; "),
      ". Leave the daemon running, and put back a snapshot-*.snap file of this folder"));
}

// Files are made ahead, one of them, when the one before begins: so a new name says that a segment
// was closed.
absl::StatusOr<std::uint64_t> Follower::NewestSegment() {
  const absl::StatusOr<std::vector<std::uint64_t>> segments =
      ListNumbers(disk_, options_.folder, SegmentNumber);
  if (!segments.ok()) return segments.status();
  return segments->empty() ? 0 : segments->back();
}

absl::Status Follower::Apply(const std::atomic<bool>& stop) {
  const ReadOptions closed{.folder = options_.folder,
                           .identity = options_.identity,
                           .from_sequence = exchange_->sequence() + 1,
                           .closed_segments_only = true};
  absl::Status replayed;
  const auto replay = [&](CommandView command) {
    if (stop.load(std::memory_order_relaxed)) return absl::UnavailableError("stopped");
    replayed = Replay(command, *exchange_);
    return replayed;
  };
  const absl::Status read = Recover(disk_, closed, replay).status();
  if (!replayed.ok()) return replayed;
  return absl::IsDataLoss(read) ? absl::UnavailableError(read.message()) : read;
}

// Unavailable: not yet; the next step looks again.
absl::Status Follower::WaitForOutbox() {
  Outbox* const outbox = options_.outbox;
  if (outbox == nullptr || outbox->synced() >= exchange_->sequence()) return absl::OkStatus();
  if (outbox->gone_bad()) {
    return absl::FailedPreconditionError(
        "the outbox keeps nothing more, so that a start must go on from before");
  }
  outbox->WantSynced(exchange_->sequence());
  return absl::UnavailableError("not yet");
}

absl::StatusOr<SnapshotHeader> Follower::MakeSnapshot() {
  const absl::StatusOr<std::uint64_t> free_bytes = disk_.FreeBytes(options_.folder);
  if (!free_bytes.ok()) return free_bytes.status();
  const std::uint64_t needed = StateBytes(*exchange_) + options_.keep_free_bytes;
  if (*free_bytes < needed) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the disk of ", options_.folder, " has ", *free_bytes,
                     " bytes left; a snapshot and the ", "journal behind it need ", needed));
  }
  absl::StatusOr<SnapshotHeader> header =
      WriteSnapshot(disk_, options_.folder, options_.identity, *exchange_);
  if (!header.ok()) return header.status();
  older_sequence_ = std::exchange(snapshot_sequence_, header->sequence);
  RemoveOtherSnapshots();
  return header;
}

// Than the newest and the one before. Whether they can be removed or not, they do no harm; who
// copies the journal may want one of those that he found when he began.
void Follower::RemoveOtherSnapshots() {
  const auto no_copy = disk_.TryLock(CopyLock(options_.folder));
  const absl::StatusOr<std::vector<std::uint64_t>> sequences =
      ListSnapshots(disk_, options_.folder);
  if (!sequences.ok()) return;
  if (no_copy.ok()) kept_for_copy_.clear();
  if (!no_copy.ok() && kept_for_copy_.empty()) kept_for_copy_ = *sequences;
  for (const std::uint64_t sequence : *sequences) {
    if (sequence == snapshot_sequence_ || sequence == older_sequence_) continue;
    if (std::ranges::count(kept_for_copy_, sequence) > 0) continue;
    disk_.Remove(absl::StrCat(options_.folder, "/", SnapshotName(sequence))).IgnoreError();
  }
}

// As the shard's clock has it, which may be behind the last record after a step back.
std::int64_t Follower::NowNs() const {
  const std::int64_t replayed_ns = exchange_->time_ns();
  return options_.clock == nullptr ? replayed_ns : std::max(replayed_ns, options_.clock->NowNs());
}

// Those that are older than exchange time says, and that a start can do without even where the
// newest snapshot is damaged then.
void Follower::RemoveSegments(Step& step) {
  if (options_.keep_ns == 0 || older_sequence_ == 0) return;
  const std::int64_t now_ns = NowNs();
  if (now_ns < not_removed_before_ns_ && !step.snapshot) return;
  const Outbox* const outbox = options_.outbox;
  const auto removable = remover_.Look({.before_ns = now_ns - options_.keep_ns,
                                        .snapshot = older_sequence_,
                                        .outbox = outbox == nullptr ? UINT64_MAX : outbox->synced(),
                                        .readers = {}});
  step.removal_status = removable.status();
  if (removable.ok()) {
    if (step.snapshot || removable->held_by != said_held_by_) step.held_by = removable->held_by;
    said_held_by_ = removable->held_by;
    if (removable->segments > 0) step.removal_status = CheckSnapshots();
    if (removable->segments > 0 && step.removal_status.ok()) {
      const absl::StatusOr<std::size_t> removed = remover_.Remove(removable->segments);
      step.removal_status = removed.status();
      step.removed = removed.value_or(0);
    }
    step.begins_with = remover_.beginning().sequence;
  }
  not_removed_before_ns_ = step.removal_status.ok() ? INT64_MIN : now_ns + kTryAgainNs;
}

// What is removed now nothing brings back: both snapshots are read once more, and the older one,
// which every start can then rest on, has been loaded at least once.
absl::Status Follower::CheckSnapshots() {
  for (const std::uint64_t sequence : {snapshot_sequence_, older_sequence_}) {
    absl::Status status = CheckSnapshot(disk_, options_.folder, sequence, options_.identity);
    if (!status.ok()) return status;
  }
  if (loaded_sequence_ == older_sequence_) return absl::OkStatus();
  absl::Status status =
      LoadSnapshot(disk_, options_.folder, older_sequence_, options_.identity).status();
  if (status.ok()) loaded_sequence_ = older_sequence_;
  return status;
}

}  // namespace engine
