#include "engine/journal/journal.h"

#include <gtest/gtest.h>

#include "tests/support/journal_records.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

TEST(Journal, ReadsBackWhatWasAppendedOverManySegments) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok()) << journal.status();
  RecordBytes expected;
  std::int64_t now_ns = 0;
  for (std::uint64_t sequence = 1; sequence <= 300; ++sequence) {
    const TestRecord record(sequence, static_cast<std::uint32_t>(1 + sequence % 50));
    while (!(*journal)->HasRoom(record.bytes().size())) {
      ASSERT_TRUE((*journal)->Turn(++now_ns).ok());
    }
    (*journal)->Append(record.view());
    if (sequence % 3 == 0) {
      ASSERT_TRUE((*journal)->Turn(++now_ns).ok());
    }
    expected.push_back(record.bytes());
  }
  ASSERT_TRUE((*journal)->Settle().ok());
  EXPECT_EQ((*journal)->durable_sequence(), 300u);
  EXPECT_GT((*journal)->segment(), 5u);

  const ReadBack read = ReadAll(disk);
  ASSERT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(read.records, expected);
  EXPECT_EQ(read.tail.next_sequence, 301u);
  EXPECT_FALSE(read.tail.cut.has_value());
}

TEST(Journal, IsDurableOnlyAfterTheCompletionIsTaken) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  (*journal)->Append(TestRecord(1, 1).view());
  ASSERT_TRUE((*journal)->Turn(0).ok());
  EXPECT_EQ((*journal)->durable_sequence(), 0u);
  (*journal)->Append(TestRecord(2, 1).view());  // Gathers while the first is in flight.
  ASSERT_TRUE((*journal)->Turn(0).ok());
  EXPECT_EQ((*journal)->durable_sequence(), 1u);
  ASSERT_TRUE((*journal)->Turn(0).ok());
  EXPECT_EQ((*journal)->durable_sequence(), 2u);
}

TEST(Journal, ClosesTheWindowWithOneEmptyBatchAfterTheIdleTime) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  while ((*journal)->next_turn_ns() != INT64_MAX) ASSERT_TRUE((*journal)->Turn(0).ok());
  (*journal)->Append(TestRecord(1, 1).view());
  ASSERT_TRUE((*journal)->Turn(100).ok());
  ASSERT_TRUE((*journal)->Turn(200).ok());
  EXPECT_EQ((*journal)->batches_written(), 1u);
  EXPECT_EQ((*journal)->next_turn_ns(), 10'000'200);
  ASSERT_TRUE((*journal)->Turn(10'000'199).ok());
  ASSERT_TRUE((*journal)->Turn(10'000'199).ok());
  EXPECT_EQ((*journal)->batches_written(), 1u);
  for (int turn = 0; turn < 5; ++turn) ASSERT_TRUE((*journal)->Turn(10'000'200).ok());
  EXPECT_EQ((*journal)->batches_written(), 2u);
  EXPECT_EQ((*journal)->next_turn_ns(), INT64_MAX);
  for (int turn = 0; turn < 5; ++turn) ASSERT_TRUE((*journal)->Turn(99'000'000'000).ok());
  EXPECT_EQ((*journal)->batches_written(), 2u);
}

TEST(Journal, HasNoRoomInAFullBatch) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  const std::size_t room = SmallJournal().batch_bytes - sizeof(BatchHeader);
  EXPECT_TRUE((*journal)->HasRoom(room));
  EXPECT_FALSE((*journal)->HasRoom(room + 1));
  (*journal)->Append(TestRecord(1, 1).view());
  EXPECT_FALSE((*journal)->HasRoom(room));
  EXPECT_TRUE((*journal)->HasRoom(room - 80));
}

TEST(Journal, StartsThatWriteNothingDoNotFillTheDisk) {
  SimDisk disk;
  for (int start = 0; start < 5; ++start) {
    const ReadBack read = ReadAll(disk);
    ASSERT_TRUE(read.status.ok()) << read.status;
    ASSERT_TRUE(OpenInMemory(disk, read.tail).ok());
  }
  EXPECT_LE(disk.names().size(), 2u);
}

TEST(Journal, RemovesWhatACrashLeftOfASegmentInTheMaking) {
  SimDisk disk;
  const std::string left = "shard-0/" + SegmentName(9) + kUnfinishedSuffix;
  ASSERT_TRUE(disk.Create(left).ok());
  ASSERT_TRUE(OpenInMemory(disk, ReadAll(disk).tail).ok());
  EXPECT_FALSE(disk.names().contains(left));
}

TEST(Journal, GoesOnInANewSegmentAfterEachStart) {
  SimDisk disk;
  for (std::uint64_t start = 1; start <= 3; ++start) {
    const ReadBack read = ReadAll(disk);
    ASSERT_TRUE(read.status.ok()) << read.status;
    auto journal = OpenInMemory(disk, read.tail);
    ASSERT_TRUE(journal.ok());
    EXPECT_EQ((*journal)->segment(), start);
    WriteBatch(**journal, {TestRecord(start, 2)});
  }
  EXPECT_EQ(ReadAll(disk).tail.next_sequence, 4u);
}

TEST(Journal, WaitsForSpaceOnAFullDiskAndLosesNothing) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  while ((*journal)->next_turn_ns() != INT64_MAX) ASSERT_TRUE((*journal)->Turn(0).ok());
  disk.SetFreeBytes(4'000);
  std::uint64_t next = 1;
  for (; (*journal)->HasRoom(1'640); ++next) {
    ASSERT_LT(next, 100u);
    (*journal)->Append(TestRecord(next, 40).view());
    for (int turn = 0; turn < 20; ++turn) ASSERT_TRUE((*journal)->Turn(100).ok());
  }
  EXPECT_TRUE((*journal)->disk_full());
  EXPECT_EQ((*journal)->next_turn_ns(), 1'000'000'100);
  EXPECT_TRUE(absl::IsResourceExhausted((*journal)->Settle()));
  const ReadBack full = ReadAll(disk);
  ASSERT_TRUE(full.status.ok()) << full.status;
  EXPECT_EQ(full.tail.next_sequence, (*journal)->durable_sequence() + 1);

  disk.SetFreeBytes(UINT64_MAX);
  for (int turn = 0; turn < 20; ++turn) ASSERT_TRUE((*journal)->Turn(1'000'000'099).ok());
  EXPECT_TRUE((*journal)->disk_full());
  for (int turn = 0; turn < 20; ++turn) ASSERT_TRUE((*journal)->Turn(1'000'000'100).ok());
  EXPECT_FALSE((*journal)->disk_full());
  ASSERT_TRUE((*journal)->Settle().ok());
  EXPECT_EQ(ReadAll(disk).tail.next_sequence, next);
}

TEST(Journal, StopsWhereTheNextSegmentCannotBeMadeForAnotherReason) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  disk.CutFrom(disk.operations());
  for (int turn = 0; turn < 20; ++turn) ASSERT_TRUE((*journal)->Turn(0).ok());
  disk.CutFrom(UINT64_MAX);
  EXPECT_FALSE((*journal)->disk_full());
  const std::uint64_t changes = disk.changes();
  for (int turn = 0; turn < 20; ++turn) ASSERT_TRUE((*journal)->Turn(5'000'000'000).ok());
  EXPECT_EQ(disk.changes(), changes);  // Only space is worth another try.
  absl::Status status;
  for (std::uint64_t next = 1; status.ok(); ++next) {
    ASSERT_LT(next, 100u);
    (*journal)->Append(TestRecord(next, 40).view());
    status = (*journal)->Settle();
  }
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ((*journal)->Turn(0), status);  // Final.
}

TEST(Journal, StopsForAllTimeWhenAWriteFails) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  while ((*journal)->next_turn_ns() != INT64_MAX) ASSERT_TRUE((*journal)->Turn(0).ok());
  (*journal)->Append(TestRecord(1, 1).view());
  ASSERT_TRUE((*journal)->Turn(0).ok());
  disk.CutFrom(disk.operations());
  EXPECT_FALSE((*journal)->Turn(0).ok());
  disk.CutFrom(UINT64_MAX);
  EXPECT_FALSE((*journal)->Turn(0).ok());
  EXPECT_EQ((*journal)->durable_sequence(), 0u);
}

TEST(Journal, FillsUpItsBlocksWithZeros) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  for (std::uint64_t next = 1; next <= 4; ++next) {  // Each buffer is used again, for less.
    WriteBatch(**journal, {TestRecord(next, next < 3 ? 90 : 1)});
  }
  ASSERT_TRUE(ReadAll(disk).status.ok());
  const std::vector<std::byte>& bytes = disk.Bytes("shard-0/" + SegmentName(1));
  const std::size_t end = sizeof(BatchHeader) + TestRecord(4, 1).bytes().size();
  EXPECT_TRUE(IsZero(std::span(bytes).subspan(4 * kBlockBytes + end, kBlockBytes - end)));
}

TEST(Journal, RefusesSizesThatAreNotWholeBlocks) {
  SimDisk disk;
  JournalOptions options = SmallJournal();
  options.batch_bytes = 5'000;
  EXPECT_TRUE(absl::IsInvalidArgument(OpenInMemory(disk, {}, options).status()));
  options.batch_bytes = options.segment_bytes;
  EXPECT_TRUE(absl::IsInvalidArgument(OpenInMemory(disk, {}, options).status()));
}

TEST(JournalDeathTest, StopsOnARecordThatItCouldNotReadBack) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  EXPECT_DEATH((*journal)->Append(TestRecord(2, 1).view()), "CHECK failed");
  TestRecord record(1, 1);
  record.header().type = CommandType::kLogon;
  EXPECT_DEATH((*journal)->Append(record.view()), "CHECK failed");
}

}  // namespace
}  // namespace engine
