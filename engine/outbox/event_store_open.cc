// What an event store finds in its folder.
#include <algorithm>
#include <optional>
#include <utility>

#include "engine/journal/numbered_files.h"
#include "engine/outbox/event_store.h"
#include "engine/outbox/outbox_file.h"

namespace engine {

// The files lie one behind the other: what a later one says of the one before is how far that goes.
absl::Status EventStore::ReadFiles() {
  const absl::StatusOr<std::vector<std::uint64_t>> numbers =
      ListNumbers(disk_, options_.folder, OutboxFileNumber);
  if (!numbers.ok()) return numbers.status();
  std::optional<OutboxFile> before;
  for (const std::uint64_t number : *numbers) {
    absl::StatusOr<OutboxFile> found =
        ReadOutboxFile(disk_, options_.folder, number, options_.identity);
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
void EventStore::TakeFile(const OutboxFile& found, std::optional<std::uint64_t> end, bool is_last) {
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

void EventStore::TakeBlocks(const OutboxFile& found, std::uint64_t end, FileState& file) {
  ForEachBlock(found, end, SeedOf(found.number), [&](const EventBlockHeader& header, auto block) {
    ForEachEvent(block, [&](const Event& event) { Index(event, end_block()); });
    blocks_.push_back({.file = file.number,
                       .offset = static_cast<std::uint32_t>(header.offset),
                       .bytes = header.bytes});
    file.bytes = header.offset + header.bytes;
    file.blocks_end = end_block();
    file.newest_ns = header.written_ns;
    covered_ = std::max(covered_, header.covered);
  });
}

}  // namespace engine
