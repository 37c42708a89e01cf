// Without a spare a start on a full disk goes on behind the last batch.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "engine/journal/journal.h"
#include "tests/engine/journal/full_disk.h"
#include "tests/support/journal_records.h"

namespace engine {
namespace {

TEST(LastSegment, IsGoneOnInWhereThereIsNoSpare) {
  FullDisk full;
  full.RemoveSpare();
  for (std::uint64_t next = 4; next <= 6; ++next) {
    auto journal = full.Start();
    ASSERT_TRUE(journal.ok()) << journal.status();
    EXPECT_EQ((*journal)->segment(), 1u);
    EXPECT_TRUE((*journal)->disk_full());
    WriteBatch(**journal, {TestRecord(next, 2)});
    ExpectRecords(full.disk, next);
  }
  auto journal = full.Start();
  ASSERT_TRUE(journal.ok()) << journal.status();
  full.disk.SetFreeBytes(UINT64_MAX);
  for (std::uint64_t next = 7; next <= 20; ++next) WriteBatch(**journal, {TestRecord(next, 2)});
  EXPECT_GT((*journal)->segment(), 2u);
  ExpectRecords(full.disk, 20);
}

// Full too, it takes what is appended once there is space.
TEST(LastSegment, WaitsForSpaceWhereItHasNone) {
  FullDisk full;
  full.RemoveSpare();
  for (std::uint64_t next = 4; next <= 7; ++next) {
    WriteBatch(**full.Start(), {TestRecord(next, 2)});
  }
  ASSERT_EQ(ReadAll(full.disk).tail.last_end, SmallJournal().segment_bytes);
  auto journal = full.Start();
  ASSERT_TRUE(journal.ok()) << journal.status();
  (*journal)->Append(TestRecord(8, 2).view());
  for (int turn = 0; turn < 50; ++turn) ASSERT_TRUE((*journal)->Turn(100).ok());
  EXPECT_EQ((*journal)->durable_sequence(), 7u);
  full.disk.SetFreeBytes(UINT64_MAX);
  for (int turn = 0; turn < 50; ++turn) ASSERT_TRUE((*journal)->Turn(2 * kSecond).ok());
  EXPECT_EQ((*journal)->durable_sequence(), 8u);
  EXPECT_EQ((*journal)->segment(), 2u);
  ExpectRecords(full.disk, 8);
}

// Before it is built upon: then a bit that flips in what was read is found.
TEST(LastSegment, SaysFirstThatItsLastBatchIsOnDisk) {
  FullDisk full;
  full.RemoveSpare();
  auto journal = full.Start();
  ASSERT_TRUE(journal.ok());
  for (int turn = 0; turn < 5; ++turn) ASSERT_TRUE((*journal)->Turn(kSecond).ok());
  EXPECT_EQ((*journal)->batches_written(), 1u);
  full.TearLastBatch();
  EXPECT_TRUE(absl::IsDataLoss(ReadAll(full.disk).status));
}

// Whoever reads it later may find that the batch was acknowledged.
TEST(LastSegment, IsLeftAsItIsWhereABatchWasCut) {
  FullDisk full;
  full.RemoveSpare();
  full.TearLastBatch();
  const std::vector<std::byte> before = full.disk.Bytes(PathOf(1));
  EXPECT_TRUE(absl::IsResourceExhausted(full.Start().status()));
  EXPECT_EQ(full.disk.Bytes(PathOf(1)), before);
}

TEST(LastSegment, IsRefusedWhereSomethingHasArrivedInItOrItIsShort) {
  for (const bool is_short : {false, true}) {
    FullDisk full;
    full.RemoveSpare();
    const JournalTail tail = ReadAll(full.disk).tail;
    std::vector<std::byte>& bytes = full.disk.Bytes(PathOf(1));
    if (is_short) {
      bytes.resize(static_cast<std::size_t>(tail.last_end));
    } else {
      bytes[static_cast<std::size_t>(tail.last_end) + kBlockBytes] ^= std::byte{1};
    }
    const std::vector<std::byte> before = bytes;
    EXPECT_TRUE(absl::IsResourceExhausted(OpenInMemory(full.disk, tail).status()));
    EXPECT_EQ(full.disk.Bytes(PathOf(1)), before);
  }
}

}  // namespace
}  // namespace engine
