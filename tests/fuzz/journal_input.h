// One input of the journal reader's fuzzer. Checksums keep a fuzzer out, so that some inputs are
// put under sound ones: as what follows a segment's header, or as the records of a batch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/core/check.h"
#include "engine/journal/format.h"
#include "engine/journal/reader.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline constexpr JournalIdentity kFuzzIdentity{.cluster_id = {std::byte{7}}, .shard = 0};

// A segment whose only batch has these records, so many of them as it says.
inline std::vector<std::byte> SegmentWithRecords(std::uint32_t count,
                                                 std::span<const std::byte> records) {
  const auto bytes = static_cast<std::uint32_t>(sizeof(BatchHeader) + records.size());
  std::vector<std::byte> segment(kBlockBytes + RoundUpToBlock(bytes));
  const std::span<std::byte> all(segment);
  WriteSegmentHeader(kFuzzIdentity, 1, 1, segment.size(), all.first(kBlockBytes));
  const std::span<std::byte> batch = all.subspan(kBlockBytes);
  std::ranges::copy(records, batch.begin() + sizeof(BatchHeader));
  SealBatch(ChecksumSeed(kFuzzIdentity, 1),
            {.segment = 1, .first_sequence = 1, .records = count, .bytes = bytes}, batch);
  return segment;
}

inline std::vector<std::byte> SegmentWithBlocks(std::span<const std::byte> blocks) {
  std::vector<std::byte> segment(kBlockBytes + RoundUpToBlock(blocks.size()));
  WriteSegmentHeader(kFuzzIdentity, 1, 1, segment.size(),
                     std::span<std::byte>(segment).first(kBlockBytes));
  std::ranges::copy(blocks, segment.begin() + kBlockBytes);
  return segment;
}

// What is read is in order and as long as it says.
inline void ReadSegment(const std::vector<std::byte>& segment, bool being_written) {
  SimDisk disk;
  CHECK(disk.CreateFolder("shard-0").ok());
  auto file = disk.Create("shard-0/" + SegmentName(1));
  CHECK(file.ok() && (*file)->WriteAt(segment, 0).ok());
  std::uint64_t sequence = 0;
  std::int64_t time_ns = INT64_MIN;
  const auto tail = Recover(disk, {.folder = "shard-0", .being_written = being_written},
                            [&](CommandView command) {
                              const CommandHeader& header = command.header();
                              CHECK(sequence == 0 || header.sequence == sequence + 1);
                              CHECK(header.time_ns >= time_ns && !IsQuery(header.type));
                              CHECK(command.bytes().size() == header.length);
                              sequence = header.sequence;
                              time_ns = header.time_ns;
                              return absl::OkStatus();
                            });
  CHECK(!tail.ok() || sequence == 0 || tail->next_sequence == sequence + 1);
}

// The first byte says what the others are.
inline void TakeJournal(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const std::uint8_t kind = input[0];
  const std::span<const std::byte> bytes = std::as_bytes(input.subspan(1));
  const bool being_written = kind % 2 == 1;
  switch (kind / 2 % 3) {
    case 0:
      ReadSegment({bytes.begin(), bytes.end()}, being_written);
      break;
    case 1:
      ReadSegment(SegmentWithBlocks(bytes), being_written);
      break;
    default:
      if (bytes.size() > kBatchBytesMax - sizeof(BatchHeader)) return;
      ReadSegment(SegmentWithRecords(1 + kind / 6, bytes), being_written);
  }
}

}  // namespace engine
