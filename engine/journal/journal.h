// The shard's log for writing: gathers records while the batch before them is on its way to disk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/command.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/batch_writer.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"
#include "engine/journal/reader.h"
#include "engine/journal/segment_maker.h"

namespace engine {

struct JournalOptions {
  std::string folder;
  JournalIdentity identity;
  std::uint64_t segment_bytes = kSegmentBytesDefault;
  std::size_t batch_bytes = std::size_t{1} << 20;  // Header and padding included.
  std::int64_t idle_ns = 10'000'000;  // Then an empty batch says that the last one is on disk.
  // Where the next segment is made: false (for a simulator), in pieces in Turn().
  bool make_segments_in_thread = true;
  // Where the disk has no space for a new segment a start may go on without one.
  bool takes_spare = true;
};

// One batch is in flight at a time. An error of Turn() is final: the owner stops the process, and
// the next start recovers.
//
// Thread: one owner; the thread that opens it may be another.
// Cost: Append copies; Turn is one checksum pass and one submission a batch. Nothing is allocated
//       but names when a segment is changed.
class Journal {
 public:
  // Goes on where `tail`, which recovery has just returned, says: in a new segment; where the disk
  // has no space for one, in the spare that a life before has made ahead, or behind the last batch;
  // and then is disk_full().
  // Requires: whole blocks in segment_bytes and batch_bytes, room for one batch in a segment.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(Disk& disk,
                                                       std::unique_ptr<BatchWriter> writer,
                                                       JournalOptions options,
                                                       const JournalTail& tail);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Whether the gathering batch takes `bytes` more. False for ever only where
  // bytes > batch_bytes - sizeof(BatchHeader).
  bool HasRoom(std::size_t bytes) const { return gathered_ + bytes <= options_.batch_bytes; }

  // Requires: HasRoom(length); the header's sequence is appended_sequence() + 1, its time not
  // before
  //           the last one's; a type that belongs into a journal, with bodies of its size.
  void Append(CommandView command);

  // Takes a completion, starts the next write. Never waits.
  // `now_ns`: any monotonic clock of real nanoseconds.
  absl::Status Turn(std::int64_t now_ns);

  // When Turn() wants to be called though nothing happens; 0: at once, INT64_MAX: never.
  std::int64_t next_turn_ns() const;

  // For a sleeping owner: readable after a completion. Empty it after waking, before Turn().
  int completion_fd() const { return writer_->completion_fd(); }
  void ClearCompletionFd();

  // Blocks until all that was appended is on disk and said to be. Leaves the journal usable.
  // Ensures: ResourceExhausted, which is not final, where it would wait for space.
  absl::Status Settle();

  std::uint64_t durable_sequence() const { return durable_; }
  std::uint64_t appended_sequence() const { return appended_; }
  // There is no space for the next segment, and what is left of the current one is a reserve: take
  // no new orders. When it is full too, what was appended waits in memory. It is tried again each
  // second, and false once there is space.
  bool disk_full() const { return absl::IsResourceExhausted(next_status_); }
  // And not half of a segment is left: that is for what time asks for.
  bool reserve_low() const { return disk_full() && offset_ > segment_bytes_ / 2; }
  std::uint64_t segment() const { return segment_; }
  std::uint64_t batches_written() const { return batches_written_; }
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  enum class Flight : std::uint8_t { kNone, kBatch, kSegmentHeader };

  Journal(Disk& disk, std::unique_ptr<BatchWriter> writer, JournalOptions options);
  absl::Status Begin(const JournalTail& tail);
  absl::Status RemoveLeftovers();
  absl::Status MakeFirstSegment();
  absl::Status GoOnWithoutSpace(const absl::Status& no_space, const JournalTail& tail);
  absl::Status GoOnInSpare(const absl::Status& no_space);
  absl::Status GoOnInLast(const absl::Status& no_space, const JournalTail& tail);
  absl::Status WriteHeaderNow();
  void WaitForCompletion();
  absl::Status Work(std::int64_t now_ns);
  absl::Status TakeCompletion(std::int64_t now_ns);
  absl::Status StartBatch();
  absl::Status RollSegment(std::int64_t now_ns);
  void PrepareSegment();
  void TakeSegment(std::int64_t now_ns);
  bool empty() const { return gathered_ == sizeof(BatchHeader); }

  Disk& disk_;
  const JournalOptions options_;
  std::array<AlignedBuffer, 2> buffers_;  // One gathers, one is in flight.
  AlignedBuffer header_block_;
  std::unique_ptr<BatchWriter> writer_;  // Dies before the buffers that it writes from.
  std::unique_ptr<SegmentMaker> maker_;
  std::unique_ptr<SegmentMakerThread> maker_thread_;
  absl::Status status_;

  std::size_t gathering_ = 0;                   // Index of the buffer.
  std::size_t gathered_ = sizeof(BatchHeader);  // Bytes in it, header included.
  std::uint32_t gathered_records_ = 0;
  std::uint64_t appended_ = 0;
  std::int64_t last_time_ns_ = 0;  // Of the last record appended.

  Flight flight_ = Flight::kNone;
  std::uint64_t flight_last_ = 0;  // Last sequence in flight.
  std::uint64_t flight_bytes_ = 0;
  bool flight_has_records_ = false;
  std::uint64_t durable_ = 0;
  bool window_open_ = false;  // Nothing on disk says yet that the last batch is.
  std::int64_t last_completion_ns_ = 0;

  std::uint64_t segment_ = 0;
  std::uint64_t segment_bytes_ = 0;
  std::uint64_t seed_ = 0;
  std::uint64_t offset_ = kBlockBytes;  // Of the next batch.
  std::uint64_t batch_ = 0;             // Its number in the segment.
  bool making_ = false;                 // The next segment is being made;
  bool next_made_ = false;              // it is ready;
  absl::Status next_status_;            // it cannot be made.
  std::int64_t retry_ns_ = 0;           // On a full disk: when to try, or to look, again.
  std::int64_t look_again_ns_ = 0;      // Not 0: a write waits for the next segment.
  std::uint64_t batches_written_ = 0;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace engine
