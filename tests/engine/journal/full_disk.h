// A disk that was filled while a daemon wrote its journal there, as a start finds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "engine/journal/journal.h"
#include "tests/support/journal_records.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline constexpr std::int64_t kSecond = 1'000'000'000;

inline std::string PathOf(std::uint64_t segment) { return "shard-0/" + SegmentName(segment); }

// Until its spare is there. What it wrote is acknowledged.
inline void Live(SimDisk& disk, std::uint64_t first, std::uint64_t last) {
  auto journal = OpenInMemory(disk, ReadAll(disk).tail);
  ASSERT_TRUE(journal.ok()) << journal.status();
  for (std::uint64_t next = first; next <= last; ++next) {
    WriteBatch(**journal, {TestRecord(next, 2)});
  }
  for (int turn = 0; turn < 50; ++turn) ASSERT_TRUE((*journal)->Turn(100).ok());
}

// A daemon has written three records to segment 1 and made segment 2 ahead; then the disk was
// filled, and the daemon killed.
struct FullDisk {
  FullDisk() {
    Live(disk, 1, 3);
    EXPECT_EQ(disk.names().size(), 2u);
    disk.SetFreeBytes(0);
  }

  absl::StatusOr<std::unique_ptr<Journal>> Start(const JournalOptions& options = SmallJournal()) {
    const ReadBack read = ReadAll(disk);
    EXPECT_TRUE(read.status.ok()) << read.status;
    return OpenInMemory(disk, read.tail, options);
  }
  void RemoveSpare() { ASSERT_TRUE(disk.Remove(PathOf(2)).ok()); }
  void TearLastBatch() { disk.Bytes(PathOf(1))[3 * kBlockBytes + 100] ^= std::byte{1}; }

  SimDisk disk;
};

inline void ExpectRecords(SimDisk& disk, std::uint64_t last) {
  const ReadBack read = ReadAll(disk);
  ASSERT_TRUE(read.status.ok()) << read.status;
  ASSERT_EQ(read.records.size(), last);
  for (std::uint64_t next = 1; next <= last; ++next) {
    EXPECT_EQ(read.records[next - 1], TestRecord(next, 2).bytes());
  }
}

}  // namespace engine
