#include "engine/journal/reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/journal/journal_error.h"
#include "engine/journal/record.h"

namespace engine {

std::uint64_t JournalReader::newest_first() const {
  std::uint64_t first = 1;
  for (const Segment& segment : segments_) {
    if (segment.begun) first = segment.header.first_sequence;
  }
  return first;
}

absl::Status JournalReader::EnterSegment(std::size_t index) {
  index_ = index;
  absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(current().path);
  if (absl::IsNotFound(file.status())) return SayWhetherRemoved(file.status());
  if (!file.ok()) return file.status();
  reader_.emplace(*std::move(file), current().header.segment_bytes);
  seed_ = ChecksumSeed(*options_.identity, current().number);
  offset_ = kBlockBytes;
  batch_ = 0;
  expected_ = current().header.first_sequence;
  return absl::OkStatus();
}

absl::Status JournalReader::SayWhetherRemoved(const absl::Status& missing) const {
  const auto beginning = ReadBeginning(disk_, options_.folder, options_.identity);
  if (!beginning.ok() || current().number >= beginning->segment) return missing;
  return absl::AbortedError(absl::StrCat(current().path, ": the daemon has removed it meanwhile, ",
                                         "as its journal.keep_days says: begin again"));
}

// Whether this reader reads it: another one has begun behind it, or it need not be closed.
bool JournalReader::IsClosed(std::size_t index) const {
  if (!options_.closed_segments_only) return true;
  return index + 1 < segments_.size() && segments_[index + 1].begun;
}

std::optional<std::uint64_t> JournalReader::NextSegmentsFirst() const {
  if (index_ + 1 >= segments_.size() || !segments_[index_ + 1].begun) return std::nullopt;
  return segments_[index_ + 1].header.first_sequence;
}

absl::StatusOr<std::optional<CommandView>> JournalReader::Next() {
  while (true) {
    while (records_left_ == 0) {
      absl::StatusOr<bool> more = NextBatch();
      if (!more.ok()) return more.status();
      if (!*more) return std::optional<CommandView>();
    }
    absl::StatusOr<CommandView> record = NextRecord();
    if (!record.ok()) return record.status();
    if (record->header().sequence >= options_.from_sequence) {
      return std::optional<CommandView>(*record);
    }
  }
}

// Ensures: false at the end of the journal.
absl::StatusOr<bool> JournalReader::NextBatch() {
  if (ended_) return false;
  // A segment ends where the next one begins, whatever lies behind: it was left out by a recovery.
  while (NextSegmentsFirst() == expected_) {
    ended_ = !IsClosed(index_ + 1);
    if (ended_) return false;
    if (absl::Status status = EnterSegment(index_ + 1); !status.ok()) return status;
  }
  absl::StatusOr<bool> read = ReadBatch();
  if (!read.ok() || *read) return read;
  if (expected_ < options_.from_sequence) {
    return LostAt(current().path, offset_,
                  absl::StrCat("the journal ends before sequence ", expected_, ", but ",
                               options_.from_sequence, " is needed"));
  }
  return false;
}

absl::StatusOr<bool> JournalReader::ReadBatch() {
  BatchHeader header;
  BlockState state = BlockState::kZero;
  if (offset_ < reader_->bytes()) {
    const absl::StatusOr<std::span<const std::byte>> block = reader_->View(offset_, kBlockBytes);
    if (!block.ok()) return block.status();
    state = ReadBatchHeader(seed_, block->first(sizeof(header)), header);
  }
  std::uint64_t extent = kBatchBytesMax;
  if (state == BlockState::kValid) {
    extent = RoundUpToBlock(header.bytes);
    absl::StatusOr<bool> taken = TakeBatch(header);
    if (!taken.ok() || *taken) return taken;
  }
  if (const std::optional<std::uint64_t> first = NextSegmentsFirst()) {
    return LostAt(current().path, offset_,
                  absl::StrCat("the batch with sequence ", expected_,
                               " is damaged or missing, but the next segment begins with ", *first,
                               ", so it was on disk"));
  }
  if (options_.being_written) {
    End(/*cut=*/false);
    return false;
  }
  if (absl::Status status = JudgeTail(extent); !status.ok()) return status;
  return false;
}

// Ensures: false where the header holds, but not what is behind it.
absl::StatusOr<bool> JournalReader::TakeBatch(const BatchHeader& header) {
  if (absl::Status status = CheckBatch(header); !status.ok()) return status;
  const std::uint64_t extent = RoundUpToBlock(header.bytes);
  const auto batch = reader_->View(offset_, static_cast<std::size_t>(extent));
  if (!batch.ok()) return batch.status();
  if (!RecordsAreIntact(seed_, header, *batch)) return false;
  if (!IsZero(batch->subspan(header.bytes))) {
    return ErrorAt(absl::StatusCode::kInvalidArgument, current().path, offset_ + header.bytes,
                   "the batch's padding is not zero, though its checksum holds");
  }
  records_ = batch->first(header.bytes).subspan(sizeof(header));
  records_left_ = header.records;
  records_end_ = offset_ + header.bytes;
  offset_ += extent;
  ++batch_;
  ++batches_;
  return true;
}

absl::Status JournalReader::CheckBatch(const BatchHeader& header) const {
  if (header.format_version != kJournalFormatVersion) {
    return ErrorAt(absl::StatusCode::kFailedPrecondition, current().path, offset_,
                   absl::StrCat("batch format version ", header.format_version, kNewerJournal));
  }
  const std::optional<std::uint64_t> next_first = NextSegmentsFirst();
  std::string wrong;
  if (header.segment != current().number || header.batch != batch_) {
    wrong = absl::StrCat("batch ", header.batch, " of segment ", header.segment, ", not batch ",
                         batch_);
  } else if (header.first_sequence != expected_) {
    wrong =
        absl::StrCat("the batch begins with sequence ", header.first_sequence, ", not with ",
                     expected_, header.first_sequence > expected_ ? ": a gap" : ": a duplicate");
  } else if (header.durable_sequence >= header.first_sequence) {
    wrong = "the batch says that its own records were on disk before it";
  } else if (header.bytes < sizeof(header) + header.records * sizeof(CommandHeader) ||
             header.bytes > kBatchBytesMax ||
             (header.records == 0 && header.bytes != sizeof(header)) ||
             offset_ + RoundUpToBlock(header.bytes) > reader_->bytes()) {
    wrong = absl::StrCat("a batch of ", header.bytes, " bytes and ", header.records,
                         " records cannot be here");
  } else if (next_first && expected_ + header.records > *next_first) {
    wrong = absl::StrCat("the batch ends with sequence ", expected_ + header.records - 1,
                         ", but the next segment begins with ", *next_first);
  }
  if (wrong.empty()) return absl::OkStatus();
  return LostAt(current().path, offset_, wrong);
}

absl::StatusOr<CommandView> JournalReader::NextRecord() {
  absl::Status status = CheckRecord(records_);
  const auto* header = reinterpret_cast<const CommandHeader*>(records_.data());
  if (status.ok() && header->sequence != expected_) {
    status = absl::InvalidArgumentError(
        absl::StrCat("a record has sequence ", header->sequence, ", not ", expected_));
  } else if (status.ok() && header->time_ns < tail_.last_time_ns) {
    status = absl::InvalidArgumentError(absl::StrCat("the time steps back from ",
                                                     tail_.last_time_ns, " to ", header->time_ns,
                                                     " at sequence ", expected_));
  } else if (status.ok() && records_left_ == 1 && header->length != records_.size()) {
    status = absl::InvalidArgumentError("the batch holds more bytes than its records");
  }
  if (!status.ok()) {
    return ErrorAt(status.code(), current().path, records_end_ - records_.size(),
                   std::string(status.message()));
  }
  records_ = records_.subspan(header->length);
  --records_left_;
  ++expected_;
  tail_.last_time_ns = header->time_ns;
  return CommandView(header);
}

absl::Status JournalReader::JudgeTail(std::uint64_t extent) {
  bool remains = false;
  for (std::uint64_t offset = offset_; offset < reader_->bytes(); offset += kBlockBytes) {
    const absl::StatusOr<std::span<const std::byte>> block = reader_->View(offset, kBlockBytes);
    if (!block.ok()) return block.status();
    if (IsZero(*block)) continue;
    remains = true;
    BatchHeader later;
    if (offset > offset_ && ReadBatchHeader(seed_, *block, later) == BlockState::kValid) {
      return LostAt(current().path, offset_,
                    absl::StrCat("the batch with sequence ", expected_,
                                 " is damaged or missing, but a later one at byte ", offset,
                                 " was written when everything to sequence ",
                                 later.durable_sequence, " was on disk"));
    }
    if (offset >= offset_ + extent) {
      return LostAt(current().path, offset_,
                    absl::StrCat("the batch with sequence ", expected_,
                                 " is damaged, and so is what lies far behind it at byte ", offset,
                                 ": no torn write reaches so far"));
    }
  }
  End(remains);
  return absl::OkStatus();
}

void JournalReader::End(bool cut) {
  ended_ = true;
  tail_.next_sequence = expected_;
  tail_.last_file = current().path;
  tail_.last_end = offset_;
  tail_.last_batches = batch_;
  tail_.last_segment_bytes = current().header.segment_bytes;
  // A segment with nothing in it is replaced, so that starts alone do not fill the disk.
  const bool unused = batch_ == 0 && !cut;
  tail_.next_segment = current().number + (unused ? 0 : 1);
  if (cut) tail_.cut = CutBatch{.file = current().path, .offset = offset_};
}

absl::StatusOr<JournalTail> Recover(Disk& disk, const ReadOptions& options,
                                    const std::function<absl::Status(CommandView)>& apply) {
  absl::StatusOr<std::unique_ptr<JournalReader>> reader = JournalReader::Open(disk, options);
  if (!reader.ok()) return reader.status();
  while (true) {
    const absl::StatusOr<std::optional<CommandView>> record = (*reader)->Next();
    if (!record.ok()) return record.status();
    if (!*record) return (*reader)->tail();
    if (absl::Status status = apply(**record); !status.ok()) return status;
  }
}

}  // namespace engine
