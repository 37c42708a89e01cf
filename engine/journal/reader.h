// Reads a journal from its first record to its last; changes nothing on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/command.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"
#include "engine/journal/journal_beginning.h"
#include "engine/journal/segment_reader.h"

namespace engine {

// For ReadOptions: wherever the journal begins.
inline constexpr std::uint64_t kFromTheBeginning = 0;

struct ReadOptions {
  std::string folder;
  // Unset: the first segment says whose journal it is, and the others must agree.
  std::optional<JournalIdentity> identity = std::nullopt;
  std::uint64_t from_sequence = 1;  // Records before it are not handed out.
  // The journal ends, for this reader, where its last segment begins: what lies before that does
  // not change while a daemon writes.
  bool closed_segments_only = false;
  // A daemon is writing: the journal ends where a batch is not there as a whole yet, and what lies
  // behind that is not judged.
  bool being_written = false;
};

// A batch at the end that was never acknowledged, and that recovery leaves out.
struct CutBatch {
  std::string file;
  std::uint64_t offset = 0;
};

// Where a journal ends and goes on.
struct JournalTail {
  std::uint64_t next_sequence = 1;
  std::int64_t last_time_ns = INT64_MIN;  // Of the last record read.
  std::uint64_t next_segment = 1;         // The one that the next writer makes, or replaces.
  std::string last_file;                  // The last segment that began; empty: there is none.
  std::uint64_t last_end = 0;             // The byte in it behind its last batch.
  std::uint64_t last_batches = 0;         // In it.
  std::uint64_t last_segment_bytes = 0;   // As its header says.
  std::optional<CutBatch> cut;
};

// Errors name the file, the byte and what to do. DataLoss: something that was on disk is not there
// as it was written. FailedPrecondition: the journal is another's or a newer program's, or begins
// behind what is asked for. InvalidArgument: a checksum holds but what it covers cannot be.
// Aborted: a daemon has removed what is to be read next.
//
// Memory: the longest batch read. Thread: one owner.
class JournalReader {
 public:
  static absl::StatusOr<std::unique_ptr<JournalReader>> Open(Disk& disk,
                                                             const ReadOptions& options);

  // The next record; unset at the end. Valid until the next call.
  absl::StatusOr<std::optional<CommandView>> Next();

  // Requires: Next() has returned unset.
  const JournalTail& tail() const { return tail_; }

  std::uint64_t segments() const { return segments_.size(); }
  std::uint64_t batches() const { return batches_; }  // Read so far, empty ones too.
  const JournalBeginning& beginning() const { return beginning_; }
  // The first sequence of the last segment that has begun; 1 where none has.
  std::uint64_t newest_first() const;

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::string path;
    bool begun = false;  // Its header is valid.
    SegmentHeader header;
  };

  JournalReader(Disk& disk, ReadOptions options) : disk_(disk), options_(std::move(options)) {}

  absl::Status Find();
  absl::Status IsGone() const;
  absl::Status FindSegments();
  absl::Status ReadHeader(Segment& segment, bool last);
  static absl::Status CheckThatNothingWasWritten(const Segment& segment, std::unique_ptr<File> file,
                                                 std::uint64_t size);
  absl::Status CheckHeader(const Segment& segment, const SegmentHeader& header);
  absl::Status CheckOrder() const;
  absl::Status EnterSegment(std::size_t index);
  absl::Status SayWhetherRemoved(const absl::Status& missing) const;
  absl::StatusOr<bool> NextBatch();
  absl::StatusOr<bool> ReadBatch();
  absl::StatusOr<bool> TakeBatch(const BatchHeader& header);
  absl::Status CheckBatch(const BatchHeader& header) const;
  absl::StatusOr<CommandView> NextRecord();
  // The batch at offset_ is not there as written: the end, or damage. `extent`: its bytes at most.
  absl::Status JudgeTail(std::uint64_t extent);
  bool IsClosed(std::size_t index) const;
  // The first sequence of the segment behind the current one; unset: none has begun.
  std::optional<std::uint64_t> NextSegmentsFirst() const;
  void End(bool cut);
  const Segment& current() const { return segments_[index_]; }

  Disk& disk_;
  ReadOptions options_;
  JournalBeginning beginning_;
  std::vector<Segment> segments_;
  std::size_t index_ = 0;
  std::optional<SegmentReader> reader_;
  std::uint64_t seed_ = 0;
  std::uint64_t offset_ = 0;            // Of the next batch.
  std::uint64_t records_end_ = 0;       // Where the current batch's records end.
  std::uint64_t batch_ = 0;             // The next batch's number.
  std::span<const std::byte> records_;  // Of the current batch, not yet handed out.
  std::uint64_t records_left_ = 0;
  std::uint64_t expected_ = 1;  // The next record's sequence.
  std::uint64_t batches_ = 0;
  bool ended_ = false;
  JournalTail tail_;
};

// Hands every record to `apply`, in order, and says where the journal goes on. An error of `apply`
// stops it and is returned.
absl::StatusOr<JournalTail> Recover(Disk& disk, const ReadOptions& options,
                                    const std::function<absl::Status(CommandView)>& apply);

}  // namespace engine
