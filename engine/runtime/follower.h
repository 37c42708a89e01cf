// Does behind the shard what the shard has done: applies the journal's closed segments, finds out
// whether it comes to the same, keeps what it comes to as snapshots, and removes segments that
// nobody needs any more.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/exchange.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"
#include "engine/journal/segment_remover.h"
#include "engine/journal/snapshot_file.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/outbox.h"

namespace engine {

struct FollowerOptions {
  std::string folder;
  JournalIdentity identity;
  std::uint64_t segments_a_snapshot = 1;
  // It starts from none of this sequence or later: a recovery found them wrong.
  std::uint64_t before_sequence = UINT64_MAX;
  std::uint64_t keep_free_bytes = 0;  // Of the disk, for the journal: a snapshot waits for more.
  // No snapshot is made before all that was told until then is on disk here: null, none is kept.
  Outbox* outbox = nullptr;
  // Of exchange time: segments that are older go, once the older of two whole snapshots, the outbox
  // and every registered reader have passed them. 0: none ever goes.
  std::int64_t keep_ns = 0;
  // Whose time says how old a segment is: on a full disk no record does. Null: the newest record's.
  Clock* clock = nullptr;
};

// Thread: one owner at a time, not the shard's: a step reads a whole segment and blocks on the
// disk. Memory: an exchange as large as the shard's; two where segments are removed.
class Follower {
 public:
  Follower(Disk& disk, FollowerOptions options);

  // What a step came to.
  struct Step {
    bool applied = false;                    // There was something new.
    std::vector<std::string> damaged;        // Snapshots that were passed over, at the first step.
    std::optional<SnapshotHeader> snapshot;  // That was written.
    absl::Status snapshot_status;            // Why none could be; the next closed segment has one.
    std::size_t removed = 0;                 // Segments, so that the journal
    std::uint64_t begins_with = 0;           // begins with this sequence now.
    absl::Status removal_status;             // Why not; it is tried again after a minute.
    std::string held_by;                     // The registered reader for which old segments stay,
                                             // where it is another, and with each snapshot.
  };

  // Applies all segments that are closed and not applied yet, then writes a snapshot if it is time:
  // the one before it is kept, older ones and those that were passed over go. Then removes
  // segments, once the snapshots that they rest on were loaded. Ensures: DataLoss, which is final,
  // where this exchange comes to something else than the shard
  //          did: no start of this program can recover from the journal then. Any other error says
  //          that something cannot be read now, such as a snapshot to begin with where the
  //          journal's beginning was removed, or that `stop` is true: it may be called again.
  absl::StatusOr<Step> Follow(const std::atomic<bool>& stop);

  std::uint64_t sequence() const { return exchange_ ? exchange_->sequence() : 0; }

 private:
  absl::Status Start(Step& step);
  absl::Status CheckThatAllIsKept(const std::vector<std::string>& damaged) const;
  absl::StatusOr<std::uint64_t> NewestSegment();
  void SnapshotIfItIsTime(Step& step);
  void RemoveSegments(Step& step);
  absl::Status CheckSnapshots();
  std::int64_t NowNs() const;
  absl::Status WaitForOutbox();
  absl::StatusOr<SnapshotHeader> MakeSnapshot();
  absl::Status Apply(const std::atomic<bool>& stop);
  void RemoveOtherSnapshots();

  Disk& disk_;
  const FollowerOptions options_;
  std::unique_ptr<Exchange> exchange_;
  std::uint64_t newest_segment_ = 0;          // That was seen; a new one says that one was closed.
  std::uint64_t snapshot_segment_ = 0;        // That was the newest when a snapshot was last tried.
  std::uint64_t snapshot_sequence_ = 0;       // Of the last one.
  std::uint64_t older_sequence_ = 0;          // Of the one before it; 0: there was none.
  std::vector<std::uint64_t> kept_for_copy_;  // Snapshots that who copies the journal may want.
  std::uint64_t loaded_sequence_ = 0;         // Of the last one that was loaded before a removal.
  SegmentRemover remover_;
  std::int64_t not_removed_before_ns_ = INT64_MIN;  // By NowNs(): the last removal failed.
  std::string said_held_by_;
};

}  // namespace engine
