// What an event store finds in its folder.
#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/limits.h"
#include "engine/journal/numbered_files.h"
#include "engine/outbox/event_store.h"

namespace engine {
namespace {

// Ensures: an error where the file is whole and not ours; false where it is not whole.
absl::StatusOr<bool> CheckHeader(const OutboxFileHeader& header, const JournalIdentity& identity,
                                 const std::string& path) {
  if (!IsFileHeader(header)) return false;
  if (header.format_version != kOutboxFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": format ", header.format_version, ", but this program reads format ",
                     kOutboxFormatVersion, ": run the program that wrote it"));
  }
  if (header.cluster_id == identity.cluster_id && header.shard == identity.shard) return true;
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": of another data directory or shard: remove it"));
}

}  // namespace

absl::StatusOr<EventStore::FoundFile> EventStore::Find(std::uint64_t number) const {
  absl::StatusOr<std::unique_ptr<File>> file = disk_.OpenForReading(PathOf(number));
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  FoundFile found;
  found.number = number;
  found.bytes.resize(static_cast<std::size_t>(*size));
  const absl::StatusOr<std::size_t> read = (*file)->ReadAt(found.bytes, 0);
  if (!read.ok()) return read.status();
  found.bytes.resize(*read);
  if (found.bytes.size() < sizeof(found.header)) return found;
  std::memcpy(&found.header, found.bytes.data(), sizeof(found.header));
  const absl::StatusOr<bool> is_whole =
      CheckHeader(found.header, options_.identity, PathOf(number));
  if (!is_whole.ok()) return is_whole.status();
  found.has_header =
      *is_whole && found.header.file == number && found.header.covered <= kSequenceMax;
  return found;
}

// The files lie one behind the other: what a later one says of the one before is how far that goes.
absl::Status EventStore::ReadFiles() {
  const absl::StatusOr<std::vector<std::uint64_t>> numbers =
      ListNumbers(disk_, options_.folder, OutboxFileNumber);
  if (!numbers.ok()) return numbers.status();
  std::optional<FoundFile> before;
  for (const std::uint64_t number : *numbers) {
    absl::StatusOr<FoundFile> found = Find(number);
    if (!found.ok()) return found.status();
    // One that was begun and is made anew, or one whose header is damaged.
    if (!found->has_header && number == numbers->back()) {
      headless_ = found->bytes.empty() ? 0 : number;
      break;
    }
    if (before) {
      const bool follows = found->has_header && number == before->number + 1;
      TakeFile(*before, follows ? std::optional(found->header.previous) : std::nullopt,
               /*is_last=*/false);
    }
    before = *std::move(found);
  }
  if (!before) return absl::OkStatus();
  TakeFile(*before, std::nullopt, /*is_last=*/true);
  synced_ = written_covered_ = covered_;
  // What was read may be in the system's memory alone.
  absl::StatusOr<std::unique_ptr<File>> last = disk_.OpenForReading(PathOf(before->number));
  return last.ok() ? (*last)->Sync() : last.status();
}

// `end`: how long it is, as the next file says.
void EventStore::TakeFile(const FoundFile& found, std::optional<std::uint64_t> end, bool is_last) {
  last_file_ = found.number;
  FileState file{.number = found.number,
                 .bytes = sizeof(OutboxFileHeader),
                 .blocks_end = end_block(),
                 .newest_ns = 0};
  if (found.has_header) {
    covered_ = std::max(covered_, found.header.covered);
    TakeBlocks(found, end.value_or(found.bytes.size()), file);
  }
  const bool is_whole = found.has_header && (is_last || end == file.bytes);
  files_.push_back(std::move(file));
  if (is_whole || is_last) return;
  damaged_.push_back(PathOf(found.number));
  LeaveOutWhatIsThere();
}

void EventStore::TakeBlocks(const FoundFile& found, std::uint64_t end, FileState& file) {
  const std::uint64_t seed = SeedOf(found.number);
  const auto bytes = std::span(found.bytes).first(std::min<std::size_t>(end, found.bytes.size()));
  while (file.bytes <= bytes.size()) {
    EventBlockHeader header;
    const auto block = BlockAt(seed, bytes.subspan(file.bytes), header);
    if (block.empty() || header.file != file.number || header.offset != file.bytes) return;
    if (!ForEachEvent(block, [](const Event&) {})) return;
    ForEachEvent(block, [&](const Event& event) { Index(event, end_block()); });
    blocks_.push_back({.file = file.number,
                       .offset = static_cast<std::uint32_t>(file.bytes),
                       .bytes = header.bytes});
    file.bytes += header.bytes;
    file.blocks_end = end_block();
    file.newest_ns = header.written_ns;
    covered_ = std::max(covered_, header.covered);
  }
}

}  // namespace engine
