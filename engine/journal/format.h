// The bytes of a journal segment, as FORMAT.md states them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace engine {

inline constexpr std::size_t kBlockBytes = 4'096;  // Every batch begins on such a boundary.
inline constexpr std::uint32_t kJournalFormatVersion = 1;
inline constexpr std::size_t kBatchBytesMax = std::size_t{4} << 20;  // Header and padding included.
inline constexpr std::uint64_t kSegmentBytesDefault = std::uint64_t{64} << 20;

// Whose journal it is.
struct JournalIdentity {
  std::array<std::byte, 16> cluster_id{};
  std::uint32_t shard = 0;

  friend bool operator==(const JournalIdentity&, const JournalIdentity&) = default;
};

// The first bytes of a segment; zeros fill its block.
struct SegmentHeader {
  std::uint64_t magic = 0;
  std::uint32_t format_version = 0;
  std::uint32_t shard = 0;
  std::array<std::byte, 16> cluster_id{};
  std::uint64_t segment = 0;         // From 1; as in the file's name.
  std::uint64_t first_sequence = 0;  // Of the first record in it, whether it has one or not.
  std::uint64_t segment_bytes = 0;   // A multiple of the block.
  std::uint64_t checksum = 0;        // Of the block with this field zero.
};
static_assert(sizeof(SegmentHeader) == 64 && std::is_trivially_copyable_v<SegmentHeader>);

// Followed by `records` records and zeros to the next block.
struct BatchHeader {
  std::uint32_t magic = 0;
  std::uint32_t format_version = 0;
  std::uint64_t segment = 0;
  std::uint64_t batch = 0;             // Place in the segment, from 0.
  std::uint64_t first_sequence = 0;    // Of its first record, or of the next one where it has none.
  std::uint64_t durable_sequence = 0;  // What was on disk before this was written.
  std::uint32_t records = 0;
  std::uint32_t bytes = 0;             // Header and records, without the padding.
  std::uint64_t records_checksum = 0;  // Of everything behind the header, padding included.
  std::uint64_t header_checksum = 0;   // Of the header before this field.
};
static_assert(sizeof(BatchHeader) == 64 && std::is_trivially_copyable_v<BatchHeader>);

// What a block looks like.
enum class BlockState : std::uint8_t { kZero, kValid, kDamaged };

constexpr std::uint64_t RoundUpToBlock(std::uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

bool IsZero(std::span<const std::byte> bytes);

// XXH3-64, as all checksums are.
std::uint64_t Checksum(std::span<const std::byte> bytes, std::uint64_t seed);

// The seed of a segment's checksums: bytes of another cluster, shard or segment never look valid,
// and who does not know the cluster id cannot make a record that reads as a batch.
std::uint64_t ChecksumSeed(const JournalIdentity& identity, std::uint64_t segment);

// Fills `block` with a segment's header. Requires: block.size() == kBlockBytes.
void WriteSegmentHeader(const JournalIdentity& identity, std::uint64_t segment,
                        std::uint64_t first_sequence, std::uint64_t segment_bytes,
                        std::span<std::byte> block);

// Ensures: where kValid, `header` is filled. Whether it is the expected one is not judged.
// Requires: block.size() == kBlockBytes.
BlockState ReadSegmentHeader(std::span<const std::byte> block, SegmentHeader& header);

// Writes `header`, its magic, version and checksums before the records that lie in `batch`.
// Requires: batch.size() == RoundUpToBlock(header.bytes); zeros behind the records.
void SealBatch(std::uint64_t seed, BatchHeader header, std::span<std::byte> batch);

// Judges the 64 bytes of a batch's header alone. Requires: bytes.size() >= sizeof(BatchHeader).
BlockState ReadBatchHeader(std::uint64_t seed, std::span<const std::byte> bytes,
                           BatchHeader& header);

// Requires: `batch` is header, records and padding.
bool RecordsAreIntact(std::uint64_t seed, const BatchHeader& header,
                      std::span<const std::byte> batch);

// Of a block that begins with a header, with that header in place of what lies there: it is given
// with its own checksum zero.
std::uint64_t HeaderBlockChecksum(std::span<const std::byte> block,
                                  std::span<const std::byte> header, std::uint64_t seed);

// "<prefix><16 lower-case hex digits><suffix>", and back: unset for every other name, and for 0.
std::string NumberedName(std::string_view prefix, std::uint64_t number, std::string_view suffix);
std::optional<std::uint64_t> NumberInName(std::string_view name, std::string_view prefix,
                                          std::string_view suffix);

// "journal-<16 hex digits>.seg"
std::string SegmentName(std::uint64_t segment);
std::optional<std::uint64_t> SegmentNumber(std::string_view name);
inline constexpr char kUnfinishedSuffix[] = ".new";  // While a segment is being made.
inline constexpr std::string_view kJournalPrefix = "journal-";

}  // namespace engine
