#include "engine/journal/reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/digest.h"
#include "engine/journal/record.h"

namespace engine {
namespace {

constexpr char kRestore[] =
    ". Acknowledged records may be lost: leave the files as they are and restore this one from a "
    "backup.";
constexpr char kNewer[] = ", but this program reads version 1: run the program that wrote it";

absl::Status At(absl::StatusCode code, const std::string& path, std::uint64_t offset,
                const std::string& text) {
  return absl::Status(code, absl::StrCat(path, ", byte ", offset, ": ", text));
}

absl::Status Lost(const std::string& path, std::uint64_t offset, const std::string& text) {
  return At(absl::StatusCode::kDataLoss, path, offset, absl::StrCat(text, kRestore));
}

}  // namespace

absl::StatusOr<std::unique_ptr<JournalReader>> JournalReader::Open(Disk& disk,
                                                                   ReadOptions options) {
  // The constructor is private: make_unique cannot call it.
  std::unique_ptr<JournalReader> reader(new JournalReader(disk, std::move(options)));
  if (absl::Status status = reader->FindSegments(); !status.ok()) return status;
  std::vector<Segment>& segments = reader->segments_;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    if (absl::Status status = reader->ReadHeader(segments[i], last); !status.ok()) return status;
  }
  if (absl::Status status = reader->CheckOrder(); !status.ok()) return status;
  reader->ended_ = segments.empty();
  if (segments.empty()) return reader;

  const std::uint64_t from = reader->options_.from_sequence;
  std::size_t first = 0;
  while (first + 1 < segments.size() && segments[first + 1].begun &&
         segments[first + 1].header.first_sequence <= from) {
    ++first;
  }
  reader->ended_ = !reader->IsClosed(first);
  if (reader->ended_) return reader;
  if (absl::Status status = reader->EnterSegment(first); !status.ok()) return status;
  return reader;
}

absl::Status JournalReader::FindSegments() {
  absl::StatusOr<std::vector<std::string>> names = disk_.List(options_.folder);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!name.starts_with(kJournalPrefix) || name.ends_with(kUnfinishedSuffix)) continue;
    const std::string path = absl::StrCat(options_.folder, "/", name);
    const std::optional<std::uint64_t> number = SegmentNumber(name);
    if (!number) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": not the name of a journal segment; move the file elsewhere"));
    }
    segments_.push_back({.number = *number, .path = path, .begun = false, .header = {}});
  }
  std::ranges::sort(segments_, {}, &Segment::number);
  return absl::OkStatus();
}

absl::Status JournalReader::ReadHeader(Segment& segment, bool last) {
  absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(segment.path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  const AlignedBuffer block(kBlockBytes);
  const absl::StatusOr<std::size_t> read = (*file)->ReadAt(block.span(), 0);
  if (!read.ok()) return read.status();
  SegmentHeader header;
  const BlockState state = ReadSegmentHeader(block.span(), header);
  segment.begun = state == BlockState::kValid;
  if (segment.begun) {
    if (*size > header.segment_bytes) {
      return Lost(segment.path, 0,
                  absl::StrCat("the file has ", *size, " bytes, not ", header.segment_bytes,
                               " as its header says"));
    }
    segment.header = header;
    return CheckHeader(segment, header);
  }

  // A segment begins with the write of its header, and nothing else is written before that is on
  // disk: the last one may be prepared, or its header torn, but then there is nothing behind it.
  if (!last || segment.number == segments_.front().number) {
    return Lost(segment.path, 0, "the segment's header is damaged or missing");
  }
  // A daemon may begin it this moment, and write behind it.
  if (options_.closed_segments_only || options_.being_written) return absl::OkStatus();
  return CheckThatNothingWasWritten(segment, *std::move(file), *size);
}

absl::Status JournalReader::CheckThatNothingWasWritten(const Segment& segment,
                                                       std::unique_ptr<File> file,
                                                       std::uint64_t size) {
  SegmentReader reader(std::move(file), std::max<std::uint64_t>(size, kBlockBytes));
  for (std::uint64_t offset = kBlockBytes; offset < reader.bytes();) {
    const std::size_t piece =
        static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, reader.bytes() - offset));
    const absl::StatusOr<std::span<const std::byte>> bytes = reader.View(offset, piece);
    if (!bytes.ok()) return bytes.status();
    if (!IsZero(*bytes)) {
      return Lost(segment.path, 0,
                  absl::StrCat("the segment's header is damaged or missing, but something was "
                               "written behind it at byte ",
                               offset));
    }
    offset += piece;
  }
  return absl::OkStatus();
}

absl::Status JournalReader::CheckHeader(const Segment& segment, const SegmentHeader& header) {
  constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;
  if (header.format_version != kJournalFormatVersion) {
    return At(kRefused, segment.path, 0,
              absl::StrCat("journal format version ", header.format_version, kNewer));
  }
  const JournalIdentity identity{.cluster_id = header.cluster_id, .shard = header.shard};
  if (!options_.identity) options_.identity = identity;
  if (identity.cluster_id != options_.identity->cluster_id) {
    return At(kRefused, segment.path, 0,
              absl::StrCat("the segment belongs to cluster ", ToHex(header.cluster_id), ", not to ",
                           ToHex(options_.identity->cluster_id), ": put back the right file"));
  }
  if (identity.shard != options_.identity->shard) {
    return At(kRefused, segment.path, 0,
              absl::StrCat("the segment belongs to shard ", header.shard, ", not to ",
                           options_.identity->shard, ": put back the right file"));
  }
  if (header.segment != segment.number) {
    return At(kRefused, segment.path, 0,
              absl::StrCat("the file is segment ", header.segment,
                           " under another's name: give it back its own"));
  }
  if (header.segment_bytes % kBlockBytes != 0 || header.first_sequence == 0 ||
      header.first_sequence > kSequenceMax) {
    return At(absl::StatusCode::kInvalidArgument, segment.path, 0,
              "the segment's header cannot be, though its checksum holds");
  }
  return absl::OkStatus();
}

absl::Status JournalReader::CheckOrder() const {
  for (std::size_t i = 1; i < segments_.size(); ++i) {
    const Segment& before = segments_[i - 1];
    const Segment& segment = segments_[i];
    if (segment.number != before.number + 1) {
      return Lost(absl::StrCat(options_.folder, "/", SegmentName(before.number + 1)), 0,
                  "the segment is missing");
    }
    if (segment.begun && segment.header.first_sequence < before.header.first_sequence) {
      return At(absl::StatusCode::kInvalidArgument, segment.path, 0,
                absl::StrCat("the segment begins with sequence ", segment.header.first_sequence,
                             ", the one before it with ", before.header.first_sequence));
    }
  }
  if (!segments_.empty() && segments_.front().header.first_sequence > options_.from_sequence) {
    return Lost(
        segments_.front().path, 0,
        absl::StrCat("the journal begins with sequence ", segments_.front().header.first_sequence,
                     ", but ", options_.from_sequence, " is needed: earlier segments are missing"));
  }
  return absl::OkStatus();
}

absl::Status JournalReader::EnterSegment(std::size_t index) {
  index_ = index;
  absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(current().path);
  if (!file.ok()) return file.status();
  reader_.emplace(*std::move(file), current().header.segment_bytes);
  seed_ = ChecksumSeed(*options_.identity, current().number);
  offset_ = kBlockBytes;
  batch_ = 0;
  expected_ = current().header.first_sequence;
  return absl::OkStatus();
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
    return Lost(current().path, offset_,
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
    return Lost(current().path, offset_,
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
    return At(absl::StatusCode::kInvalidArgument, current().path, offset_ + header.bytes,
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
    return At(absl::StatusCode::kFailedPrecondition, current().path, offset_,
              absl::StrCat("batch format version ", header.format_version, kNewer));
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
  return Lost(current().path, offset_, wrong);
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
    return At(status.code(), current().path, records_end_ - records_.size(),
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
      return Lost(current().path, offset_,
                  absl::StrCat("the batch with sequence ", expected_,
                               " is damaged or missing, but a later one at byte ", offset,
                               " was written when everything to sequence ", later.durable_sequence,
                               " was on disk"));
    }
    if (offset >= offset_ + extent) {
      return Lost(current().path, offset_,
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
  // A segment with nothing in it is replaced, so that starts alone do not fill the disk.
  const bool unused = batch_ == 0 && !cut;
  tail_.next_segment = current().number + (unused ? 0 : 1);
  if (cut) tail_.cut = CutBatch{.file = current().path, .offset = offset_};
}

absl::StatusOr<JournalTail> Recover(Disk& disk, ReadOptions options,
                                    const std::function<absl::Status(CommandView)>& apply) {
  absl::StatusOr<std::unique_ptr<JournalReader>> reader =
      JournalReader::Open(disk, std::move(options));
  if (!reader.ok()) return reader.status();
  while (true) {
    const absl::StatusOr<std::optional<CommandView>> record = (*reader)->Next();
    if (!record.ok()) return record.status();
    if (!*record) return (*reader)->tail();
    if (absl::Status status = apply(**record); !status.ok()) return status;
  }
}

}  // namespace engine
