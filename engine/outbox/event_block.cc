#include "engine/outbox/event_block.h"

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "engine/core/check.h"
#include "engine/core/limits.h"

namespace engine {
namespace {

constexpr std::uint64_t kFileMagic = 0x584F425457525000;  // "\0PRWTBOX"
constexpr std::uint32_t kBlockMagic = 0x4B4C4245;         // "EBLK"
constexpr std::uint64_t kSeedMask = 0x786F6274756F;       // "outbox"
constexpr std::string_view kSuffix = ".log";

// 0: not a numbered event.
std::size_t BodyBytes(EventType type) {
  switch (type) {
    case EventType::kRoundCleared:
      return sizeof(RoundClearedEvent);
    case EventType::kFill:
      return sizeof(FillEvent);
    case EventType::kRoundVoid:
      return sizeof(RoundVoidEvent);
    case EventType::kOrderCancelled:
      return sizeof(OrderCancelledEvent);
    default:
      return 0;
  }
}
constexpr std::size_t Padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }
static_assert(sizeof(RoundClearedEvent) == 56 && sizeof(FillEvent) == 56);
static_assert(sizeof(RoundVoidEvent) == 20 && sizeof(OrderCancelledEvent) == 40);
// They are kept as they are: no byte of them is what lay there before.
static_assert(std::has_unique_object_representations_v<RoundClearedEvent> &&
              std::has_unique_object_representations_v<FillEvent> &&
              std::has_unique_object_representations_v<RoundVoidEvent> &&
              std::has_unique_object_representations_v<OrderCancelledEvent>);

std::uint64_t HeaderChecksum(const OutboxFileHeader& header) {
  const auto bytes = std::as_bytes(std::span(&header, 1));
  return Checksum(bytes.first(offsetof(OutboxFileHeader, checksum)), 0);
}

// Of the records, and with it of the header before the checksum.
std::uint64_t BlockChecksum(std::uint64_t seed, const EventBlockHeader& header,
                            std::span<const std::byte> block) {
  const std::uint64_t records = Checksum(block.subspan(sizeof(header)), seed);
  const auto bytes = std::as_bytes(std::span(&header, 1));
  return Checksum(bytes.first(offsetof(EventBlockHeader, checksum)), records);
}

}  // namespace

std::string OutboxFileName(std::uint64_t file) {
  return NumberedName(kOutboxPrefix, file, kSuffix);
}
std::optional<std::uint64_t> OutboxFileNumber(std::string_view name) {
  return NumberInName(name, kOutboxPrefix, kSuffix);
}

std::uint64_t BlockSeed(const JournalIdentity& identity, std::uint64_t file) {
  return ChecksumSeed(identity, file) ^ kSeedMask;
}

void SealFileHeader(OutboxFileHeader& header) {
  header.magic = kFileMagic;
  header.checksum = HeaderChecksum(header);
}

bool IsFileHeader(const OutboxFileHeader& header) {
  return header.magic == kFileMagic && header.checksum == HeaderChecksum(header);
}

void AppendRecord(const Event& event, std::vector<std::byte>& block) {
  const std::size_t body = BodyBytes(event.type);
  CHECK(body != 0 && event.event_number != 0);
  const EventRecord record{.sequence = event.sequence,
                           .event_number = event.event_number,
                           .credential = event.credential,
                           .type = event.type,
                           .bytes = static_cast<std::uint16_t>(Padded(body))};
  const std::size_t begin = block.size();
  block.resize(begin + sizeof(record) + record.bytes);
  std::memcpy(block.data() + begin, &record, sizeof(record));
  std::memcpy(block.data() + begin + sizeof(record), &event.answer, body);  // Of the union.
}

void SealBlock(std::uint64_t seed, EventBlockHeader header, std::span<std::byte> block) {
  CHECK(block.size() >= sizeof(header) && block.size() <= kEventBlockBytesMax);
  header.magic = kBlockMagic;
  header.bytes = static_cast<std::uint32_t>(block.size());
  header.checksum = BlockChecksum(seed, header, block);
  std::memcpy(block.data(), &header, sizeof(header));
}

std::span<const std::byte> BlockAt(std::uint64_t seed, std::span<const std::byte> bytes,
                                   EventBlockHeader& header) {
  if (bytes.size() < sizeof(header)) return {};
  EventBlockHeader found;
  std::memcpy(&found, bytes.data(), sizeof(found));
  const bool fits = found.magic == kBlockMagic && found.bytes >= sizeof(found) &&
                    found.bytes <= kEventBlockBytesMax && found.bytes <= bytes.size() &&
                    found.covered <= kSequenceMax;
  if (!fits || BlockChecksum(seed, found, bytes.first(found.bytes)) != found.checksum) return {};
  header = found;
  return bytes.first(found.bytes);
}

std::optional<Event> NextEvent(std::span<const std::byte>& rest) {
  EventRecord record;
  if (rest.size() < sizeof(record)) return std::nullopt;
  std::memcpy(&record, rest.data(), sizeof(record));
  const std::size_t body = BodyBytes(record.type);
  const bool can_be = body != 0 && record.bytes == Padded(body) && record.event_number != 0 &&
                      record.event_number < UINT64_MAX && record.sequence <= kSequenceMax &&
                      record.credential != CredentialId{} &&
                      rest.size() >= sizeof(record) + record.bytes;
  if (!can_be) return std::nullopt;
  Event event;
  event.sequence = record.sequence;
  event.event_number = record.event_number;
  event.credential = record.credential;
  event.type = record.type;
  std::memcpy(&event.answer, rest.data() + sizeof(record), body);
  rest = rest.subspan(sizeof(record) + record.bytes);
  return event;
}

}  // namespace engine
