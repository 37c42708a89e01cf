#include "engine/journal/format.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdio>
#include <cstring>

#include <xxhash.h>

#include "engine/core/check.h"

namespace engine {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr std::uint64_t kSegmentMagic = 0x47'45'53'54'54'41'57'50;  // "PWATTSEG"
constexpr std::uint32_t kBatchMagic = 0x48'43'54'42;                // "BTCH"
constexpr std::string_view kSegmentSuffix = ".seg";
constexpr std::size_t kNumberDigits = 16;

std::uint64_t SegmentHeaderChecksum(std::span<const std::byte> block, SegmentHeader header) {
  const std::uint64_t seed =
      ChecksumSeed({.cluster_id = header.cluster_id, .shard = header.shard}, header.segment);
  header.checksum = 0;
  return HeaderBlockChecksum(block, std::as_bytes(std::span(&header, 1)), seed);
}

std::uint64_t BatchHeaderChecksum(const BatchHeader& header, std::uint64_t seed) {
  constexpr std::size_t kCovered = offsetof(BatchHeader, header_checksum);
  return Checksum(std::as_bytes(std::span(&header, 1)).first(kCovered), seed);
}

}  // namespace

bool IsZero(std::span<const std::byte> bytes) {
  return bytes.empty() || (bytes.front() == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::uint64_t Checksum(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint64_t ChecksumSeed(const JournalIdentity& identity, std::uint64_t segment) {
  std::array<std::byte, 32> key{};
  const std::uint64_t shard = identity.shard;
  std::memcpy(key.data(), identity.cluster_id.data(), 16);
  std::memcpy(key.data() + 16, &shard, 8);
  std::memcpy(key.data() + 24, &segment, 8);
  return Checksum(key, 0);
}

void WriteSegmentHeader(const JournalIdentity& identity, std::uint64_t segment,
                        std::uint64_t first_sequence, std::uint64_t segment_bytes,
                        std::span<std::byte> block) {
  CHECK(block.size() == kBlockBytes);
  std::ranges::fill(block, std::byte{0});
  SegmentHeader header{.magic = kSegmentMagic,
                       .format_version = kJournalFormatVersion,
                       .shard = identity.shard,
                       .cluster_id = identity.cluster_id,
                       .segment = segment,
                       .first_sequence = first_sequence,
                       .segment_bytes = segment_bytes,
                       .checksum = 0};
  header.checksum = SegmentHeaderChecksum(block, header);
  std::memcpy(block.data(), &header, sizeof(header));
}

BlockState ReadSegmentHeader(std::span<const std::byte> block, SegmentHeader& header) {
  CHECK(block.size() == kBlockBytes);
  std::memcpy(&header, block.data(), sizeof(header));
  if (header.magic == kSegmentMagic && header.checksum == SegmentHeaderChecksum(block, header)) {
    return BlockState::kValid;
  }
  return IsZero(block) ? BlockState::kZero : BlockState::kDamaged;
}

void SealBatch(std::uint64_t seed, BatchHeader header, std::span<std::byte> batch) {
  CHECK(batch.size() == RoundUpToBlock(header.bytes));
  header.magic = kBatchMagic;
  header.format_version = kJournalFormatVersion;
  header.records_checksum = Checksum(batch.subspan(sizeof(header)), seed);
  header.header_checksum = BatchHeaderChecksum(header, seed);
  std::memcpy(batch.data(), &header, sizeof(header));
}

BlockState ReadBatchHeader(std::uint64_t seed, std::span<const std::byte> bytes,
                           BatchHeader& header) {
  CHECK(bytes.size() >= sizeof(header));
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic == kBatchMagic && header.header_checksum == BatchHeaderChecksum(header, seed)) {
    return BlockState::kValid;
  }
  return IsZero(bytes) ? BlockState::kZero : BlockState::kDamaged;
}

bool RecordsAreIntact(std::uint64_t seed, const BatchHeader& header,
                      std::span<const std::byte> batch) {
  return header.records_checksum == Checksum(batch.subspan(sizeof(header)), seed);
}

std::uint64_t HeaderBlockChecksum(std::span<const std::byte> block,
                                  std::span<const std::byte> header, std::uint64_t seed) {
  std::array<std::byte, kBlockBytes> copy;
  std::ranges::copy(block, copy.begin());
  std::ranges::copy(header, copy.begin());
  return Checksum(copy, seed);
}

std::string NumberedName(std::string_view prefix, std::uint64_t number, std::string_view suffix) {
  std::array<char, kNumberDigits + 1> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(number));
  return std::string(prefix).append(digits.data(), kNumberDigits).append(suffix);
}

std::optional<std::uint64_t> NumberInName(std::string_view name, std::string_view prefix,
                                          std::string_view suffix) {
  if (name.size() != prefix.size() + kNumberDigits + suffix.size()) return {};
  std::uint64_t number = 0;
  const char* digits = name.data() + prefix.size();
  const auto [end, error] = std::from_chars(digits, digits + kNumberDigits, number, 16);
  if (error != std::errc() || end != digits + kNumberDigits) return {};
  if (NumberedName(prefix, number, suffix) != name || number == 0) return {};
  return number;
}

std::string SegmentName(std::uint64_t segment) {
  return NumberedName(kJournalPrefix, segment, kSegmentSuffix);
}

std::optional<std::uint64_t> SegmentNumber(std::string_view name) {
  return NumberInName(name, kJournalPrefix, kSegmentSuffix);
}

}  // namespace engine
