// An outbox file as it is found: what a start, and a backup, read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"
#include "engine/outbox/event_block.h"

namespace engine {

struct OutboxFile {
  std::uint64_t number = 0;
  bool has_header = false;  // One that is whole, and this file's.
  OutboxFileHeader header;
  std::vector<std::byte> bytes;
};

// Ensures: NotFound where there is none; FailedPrecondition where it is another's or a newer
// program's. Memory: the file.
absl::StatusOr<OutboxFile> ReadOutboxFile(Disk& disk, const std::string& folder,
                                          std::uint64_t number, const JournalIdentity& identity);

// Calls take(header, block) for each whole block, one behind the other, of the file's first `end`
// bytes. Ensures: where the last one of them ends. Requires: file.has_header.
template <typename Take>
std::uint64_t ForEachBlock(const OutboxFile& file, std::uint64_t end, std::uint64_t seed,
                           Take take);

template <typename Take>
std::uint64_t ForEachBlock(const OutboxFile& file, std::uint64_t end, std::uint64_t seed,
                           Take take) {
  std::uint64_t offset = sizeof(OutboxFileHeader);
  const auto bytes = std::span(file.bytes).first(std::min<std::size_t>(end, file.bytes.size()));
  while (offset <= bytes.size()) {
    EventBlockHeader header;
    const auto block = BlockAt(seed, bytes.subspan(offset), header);
    if (block.empty() || header.file != file.number || header.offset != offset) return offset;
    if (!ForEachEvent(block, [](const Event&) {})) return offset;
    take(header, block);
    offset += header.bytes;
  }
  return offset;
}

}  // namespace engine
