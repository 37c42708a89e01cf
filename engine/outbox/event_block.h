// The bytes of an outbox file: a header, then blocks of numbered events.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/core/event.h"
#include "engine/journal/format.h"

namespace engine {

inline constexpr std::uint32_t kOutboxFormatVersion = 1;
inline constexpr std::string_view kOutboxPrefix = "outbox-";
inline constexpr std::size_t kEventBlockBytesMax = std::size_t{1} << 16;

// The first bytes of a file; its first block follows.
struct OutboxFileHeader {
  std::uint64_t magic = 0;
  std::uint32_t format_version = kOutboxFormatVersion;
  std::uint32_t shard = 0;
  std::array<std::byte, 16> cluster_id{};
  std::uint64_t file = 0;      // From 1; as in the file's name.
  std::uint64_t covered = 0;   // As in a block, by the files before.
  std::uint64_t previous = 0;  // Bytes of the file before: what lies behind them is none of it.
  std::uint64_t checksum = 0;  // Of the header before this field.
};
static_assert(sizeof(OutboxFileHeader) == 64 && std::is_trivially_copyable_v<OutboxFileHeader>);

// Followed by records.
struct EventBlockHeader {
  std::uint32_t magic = 0;
  std::uint32_t bytes = 0;  // Header and records.
  std::uint64_t file = 0;
  std::uint64_t offset = 0;     // Of the block, in the file.
  std::uint64_t covered = 0;    // Every numbered event of the commands up to this one is here or
                                // before; of later ones some may be.
  std::int64_t written_ns = 0;  // Exchange time.
  std::uint64_t checksum = 0;   // Of the header before this field and of the records.
};
static_assert(sizeof(EventBlockHeader) == 48 && std::is_trivially_copyable_v<EventBlockHeader>);

// Followed by the event's body, padded to 8 bytes.
struct EventRecord {
  std::uint64_t sequence = 0;
  std::uint64_t event_number = 0;
  CredentialId credential{};
  EventType type{};
  std::uint16_t bytes = 0;  // Of the padded body.
};
static_assert(sizeof(EventRecord) == 24 && std::is_trivially_copyable_v<EventRecord>);
inline constexpr std::size_t kEventRecordBytesMax = sizeof(EventRecord) + 56;

// "outbox-<16 hex digits>.log"
std::string OutboxFileName(std::uint64_t file);
std::optional<std::uint64_t> OutboxFileNumber(std::string_view name);

// The seed of a file's blocks. Bytes that read as a batch of the journal's never read as a block.
std::uint64_t BlockSeed(const JournalIdentity& identity, std::uint64_t file);

// Writes magic and checksum.
void SealFileHeader(OutboxFileHeader& header);
// Whether it is one, whole. Whose it is and of which format is not judged.
bool IsFileHeader(const OutboxFileHeader& header);

// Appends the event as a record. Requires: it is numbered.
void AppendRecord(const Event& event, std::vector<std::byte>& block);

// Writes magic, size and checksum of the header that `block` begins with.
// Requires: room for the header, then whole records; kEventBlockBytesMax at most.
void SealBlock(std::uint64_t seed, EventBlockHeader header, std::span<std::byte> block);

// The block that begins with `bytes`, header and records; empty where none is there as it was
// written. `header` is filled where it is not empty.
std::span<const std::byte> BlockAt(std::uint64_t seed, std::span<const std::byte> bytes,
                                   EventBlockHeader& header);

// Calls take(event) for each record of a block that BlockAt() has found. Ensures: false where a
// record cannot be under a checksum that holds.
template <typename Take>
bool ForEachEvent(std::span<const std::byte> block, Take take);

// The next record of `rest`, which is cut; unset where it cannot be.
std::optional<Event> NextEvent(std::span<const std::byte>& rest);

template <typename Take>
bool ForEachEvent(std::span<const std::byte> block, Take take) {
  for (std::span<const std::byte> rest = block.subspan(sizeof(EventBlockHeader)); !rest.empty();) {
    const std::optional<Event> event = NextEvent(rest);
    if (!event) return false;
    take(*event);
  }
  return true;
}

}  // namespace engine
