#include "engine/journal/segment_remover.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/command.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/numbered_files.h"
#include "engine/journal/segment_reader.h"

namespace engine {
namespace {

constexpr std::size_t kSegmentsSeen = 64;

// When the first record of the segment was made; unset where it has none that is whole.
absl::StatusOr<std::optional<std::int64_t>> FirstTimeOf(SegmentReader& reader, std::uint64_t seed) {
  std::optional<std::int64_t> time_ns;
  if (reader.bytes() < 2 * kBlockBytes) return time_ns;
  absl::StatusOr<std::span<const std::byte>> bytes = reader.View(kBlockBytes, kBlockBytes);
  if (!bytes.ok()) return bytes.status();
  BatchHeader batch;
  if (ReadBatchHeader(seed, *bytes, batch) != BlockState::kValid) return time_ns;
  const std::uint64_t extent = RoundUpToBlock(batch.bytes);
  const bool fits = batch.records > 0 && batch.bytes >= sizeof(batch) + sizeof(CommandHeader) &&
                    extent <= reader.bytes() - kBlockBytes;
  if (!fits) return time_ns;
  bytes = reader.View(kBlockBytes, static_cast<std::size_t>(extent));
  if (!bytes.ok()) return bytes.status();
  if (!RecordsAreIntact(seed, batch, *bytes)) return time_ns;
  time_ns = reinterpret_cast<const CommandHeader*>(bytes->data() + sizeof(batch))->time_ns;
  return time_ns;
}

// Unset where it has not begun, or is none of ours.
absl::StatusOr<std::optional<BegunSegment>> LookAt(Disk& disk, const std::string& folder,
                                                   std::uint64_t number,
                                                   const JournalIdentity& identity) {
  std::optional<BegunSegment> segment;
  absl::StatusOr<std::unique_ptr<File>> file =
      disk.OpenForReading(absl::StrCat(folder, "/", SegmentName(number)));
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  SegmentReader reader(*std::move(file), std::max<std::uint64_t>(*size, kBlockBytes));
  const absl::StatusOr<std::span<const std::byte>> block = reader.View(0, kBlockBytes);
  if (!block.ok()) return block.status();
  SegmentHeader header;
  const bool is_begun = ReadSegmentHeader(*block, header) == BlockState::kValid &&
                        header.segment == number && header.first_sequence > 0 &&
                        header.cluster_id == identity.cluster_id && header.shard == identity.shard;
  if (!is_begun) return segment;
  const auto time_ns = FirstTimeOf(reader, ChecksumSeed(identity, number));
  if (!time_ns.ok()) return time_ns.status();
  segment = {.number = number, .first_sequence = header.first_sequence, .first_time_ns = *time_ns};
  return segment;
}

}  // namespace

SegmentRemover::SegmentRemover(Disk& disk, std::string folder, const JournalIdentity& identity)
    : disk_(disk), folder_(std::move(folder)), identity_(identity) {}

absl::StatusOr<Removable> SegmentRemover::Look(Passed passed) {
  if (!beginning_) {
    const absl::StatusOr<JournalBeginning> read = ReadBeginning(disk_, folder_, identity_);
    if (!read.ok()) return read.status();
    beginning_ = *read;
    has_leftovers_ = true;
  }
  if (has_leftovers_) {
    absl::Status status = RemoveLeftovers(disk_, folder_, identity_, *beginning_);
    if (!status.ok()) return status;
    has_leftovers_ = false;
  }
  if (absl::Status status = FindSegments(); !status.ok()) return status;
  passed_ = std::move(passed);
  Removable removable = FindRemovable(segments_, passed_);
  if (removable.segments == 0) return removable;
  removable = FindWithReaders();
  if (removable.segments == 0) return removable;
  const auto lock = disk_.TryLock(CopyLock(folder_));
  if (lock.ok()) return removable;
  if (!absl::IsAborted(lock.status())) return lock.status();
  return Removable{.segments = 0, .held_by = "a backup that is being made"};
}

Removable SegmentRemover::FindWithReaders() {
  absl::StatusOr<std::vector<RegisteredReader>> readers = ListReaders(disk_, folder_);
  if (!readers.ok()) {
    return Removable{.segments = 0, .held_by = std::string(readers.status().message())};
  }
  passed_.readers = *std::move(readers);
  return FindRemovable(segments_, passed_);
}

// So many that, if all may go, the next call sees others; the last one may get records later.
absl::Status SegmentRemover::FindSegments() {
  const absl::StatusOr<std::vector<std::uint64_t>> numbers =
      ListNumbers(disk_, folder_, SegmentNumber);
  if (!numbers.ok()) return numbers.status();
  if (!segments_.empty() && !segments_.back().first_time_ns) segments_.pop_back();
  std::uint64_t next = beginning_->segment + segments_.size();
  for (auto at = std::ranges::lower_bound(*numbers, next); at != numbers->end() && *at == next;
       ++at, ++next) {
    if (segments_.size() >= kSegmentsSeen && segments_.back().first_time_ns) break;
    const auto segment = LookAt(disk_, folder_, next, identity_);
    if (!segment.ok()) return segment.status();
    if (!segment->has_value()) break;
    segments_.push_back(**segment);
  }
  return absl::OkStatus();
}

// Under the locks, so that nobody registers or begins a copy between the look and the mark; who
// does so then finds the new beginning.
absl::StatusOr<std::size_t> SegmentRemover::MoveBeginning(std::size_t segments) {
  const auto lock = disk_.TryLock(ReadersLock(folder_));
  if (absl::IsAborted(lock.status())) return std::size_t{0};
  if (!lock.ok()) return lock.status();
  const auto no_copy = disk_.TryLock(CopyLock(folder_));
  if (absl::IsAborted(no_copy.status())) return std::size_t{0};
  if (!no_copy.ok()) return no_copy.status();
  segments = std::min(segments, FindWithReaders().segments);
  if (segments == 0) return segments;
  const JournalBeginning beginning{.segment = segments_[segments].number,
                                   .sequence = segments_[segments].first_sequence};
  if (absl::Status status = WriteBeginning(disk_, folder_, identity_, beginning); !status.ok()) {
    // Whether it is on disk or not, readers may find it.
    beginning_.reset();
    segments_.clear();
    return status;
  }
  beginning_ = beginning;
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(segments));
  return segments;
}

absl::StatusOr<std::size_t> SegmentRemover::Remove(std::size_t segments) {
  CHECK(segments > 0 && segments < segments_.size());
  absl::StatusOr<std::size_t> moved = MoveBeginning(segments);
  if (!moved.ok() || *moved == 0) return moved;
  absl::Status status = RemoveSegmentsBefore(disk_, folder_, *beginning_);
  has_leftovers_ = !status.ok();
  if (!status.ok()) return status;
  return moved;
}

}  // namespace engine
