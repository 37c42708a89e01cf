// What a journal's reader finds in its folder.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/hex.h"
#include "engine/core/limits.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/journal_error.h"
#include "engine/journal/reader.h"

namespace engine {

// Where a daemon removes segments meanwhile, what is found is judged anew.
absl::StatusOr<std::unique_ptr<JournalReader>> JournalReader::Open(Disk& disk,
                                                                   const ReadOptions& options) {
  absl::StatusOr<JournalBeginning> beginning =
      ReadBeginning(disk, options.folder, options.identity);
  for (;;) {
    if (!beginning.ok()) return beginning.status();
    // The constructor is private: make_unique cannot call it.
    std::unique_ptr<JournalReader> reader(new JournalReader(disk, options));
    reader->beginning_ = *beginning;
    absl::Status status = reader->Find();
    if (status.ok()) return reader;
    beginning = ReadBeginning(disk, options.folder, options.identity);
    if (beginning.ok() && *beginning == reader->beginning_) return status;
  }
}

absl::Status JournalReader::Find() {
  if (options_.from_sequence == kFromTheBeginning) options_.from_sequence = beginning_.sequence;
  if (options_.from_sequence < beginning_.sequence) return IsGone();
  if (absl::Status status = FindSegments(); !status.ok()) return status;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const bool last = i + 1 == segments_.size();
    if (absl::Status status = ReadHeader(segments_[i], last); !status.ok()) return status;
  }
  if (absl::Status status = CheckOrder(); !status.ok()) return status;
  ended_ = segments_.empty();
  if (ended_) return absl::OkStatus();

  std::size_t first = 0;
  while (first + 1 < segments_.size() && segments_[first + 1].begun &&
         segments_[first + 1].header.first_sequence <= options_.from_sequence) {
    ++first;
  }
  ended_ = !IsClosed(first);
  return ended_ ? absl::OkStatus() : EnterSegment(first);
}

absl::Status JournalReader::IsGone() const {
  return absl::FailedPreconditionError(absl::StrCat(
      options_.folder, ": the journal begins with sequence ", beginning_.sequence,
      ": what was before it was removed, as journal.keep_days of peerwattd's configuration says; ",
      "sequence ", options_.from_sequence, " is asked for"));
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
    if (*number < beginning_.segment) continue;  // It goes this moment, or with the next.
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
      return LostAt(segment.path, 0,
                    absl::StrCat("the file has ", *size, " bytes, not ", header.segment_bytes,
                                 " as its header says"));
    }
    segment.header = header;
    return CheckHeader(segment, header);
  }

  // A segment begins with the write of its header, and nothing else is written before that is on
  // disk: the last one may be prepared, or its header torn, but then there is nothing behind it.
  if (!last || segment.number == segments_.front().number) {
    return LostAt(segment.path, 0, "the segment's header is damaged or missing");
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
      return LostAt(segment.path, 0,
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
    return ErrorAt(kRefused, segment.path, 0,
                   absl::StrCat("journal format version ", header.format_version, kNewerJournal));
  }
  const JournalIdentity identity{.cluster_id = header.cluster_id, .shard = header.shard};
  if (!options_.identity) options_.identity = identity;
  if (identity.cluster_id != options_.identity->cluster_id) {
    return ErrorAt(
        kRefused, segment.path, 0,
        absl::StrCat("the segment belongs to cluster ", ToHex(header.cluster_id), ", not to ",
                     ToHex(options_.identity->cluster_id), ": put back the right file"));
  }
  if (identity.shard != options_.identity->shard) {
    return ErrorAt(kRefused, segment.path, 0,
                   absl::StrCat("the segment belongs to shard ", header.shard, ", not to ",
                                options_.identity->shard, ": put back the right file"));
  }
  if (header.segment != segment.number) {
    return ErrorAt(kRefused, segment.path, 0,
                   absl::StrCat("the file is segment ", header.segment,
                                " under another's name: give it back its own"));
  }
  if (header.segment_bytes % kBlockBytes != 0 || header.first_sequence == 0 ||
      header.first_sequence > kSequenceMax) {
    return ErrorAt(absl::StatusCode::kInvalidArgument, segment.path, 0,
                   "the segment's header cannot be, though its checksum holds");
  }
  return absl::OkStatus();
}

absl::Status JournalReader::CheckOrder() const {
  const bool has_first = !segments_.empty() &&
                         segments_.front().header.first_sequence == beginning_.sequence &&
                         segments_.front().number == beginning_.segment;
  if (!segments_.empty() && !has_first) {
    return LostAt(
        segments_.front().path, 0,
        absl::StrCat("the journal begins with sequence ", segments_.front().header.first_sequence,
                     ", but ", beginning_.sequence, " is needed: earlier segments are missing"));
  }
  if (segments_.empty() && beginning_.segment > 1) {
    return LostAt(absl::StrCat(options_.folder, "/", SegmentName(beginning_.segment)), 0,
                  "the segment is missing");
  }
  for (std::size_t i = 1; i < segments_.size(); ++i) {
    const Segment& before = segments_[i - 1];
    const Segment& segment = segments_[i];
    if (segment.number != before.number + 1) {
      return LostAt(absl::StrCat(options_.folder, "/", SegmentName(before.number + 1)), 0,
                    "the segment is missing");
    }
    if (segment.begun && segment.header.first_sequence < before.header.first_sequence) {
      return ErrorAt(
          absl::StatusCode::kInvalidArgument, segment.path, 0,
          absl::StrCat("the segment begins with sequence ", segment.header.first_sequence,
                       ", the one before it with ", before.header.first_sequence));
    }
  }
  return absl::OkStatus();
}

}  // namespace engine
