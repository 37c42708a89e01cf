// A disk that says "written" or "synced" and is not: what recovery then finds, and what it cannot.
#include <cerrno>
#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

#include "engine/journal/journal.h"
#include "tests/support/journal_records.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

using Kind = DiskFault::Kind;

constexpr std::uint64_t kRecords = 40;

TestRecord RecordOf(std::uint64_t sequence) {
  return TestRecord(sequence, static_cast<std::uint32_t>(sequence * 37 % 130));
}

RecordBytes AllRecords(std::uint64_t last) {
  RecordBytes records;
  for (std::uint64_t next = 1; next <= last; ++next) records.push_back(RecordOf(next).bytes());
  return records;
}

// Two lives over several segments, each with a closed window at its end. Ensures: what was on disk,
// as far as the disk said so.
std::uint64_t Live(SimDisk& disk) {
  std::uint64_t durable = 0;
  for (const std::uint64_t last : {kRecords / 2, kRecords}) {
    const ReadBack read = ReadAll(disk);
    if (!read.status.ok()) return durable;  // Found already.
    auto journal = OpenInMemory(disk, read.tail);
    if (!journal.ok()) return durable;
    for (std::uint64_t next = read.tail.next_sequence; next <= last; ++next) {
      WriteBatch(**journal, {RecordOf(next)});
    }
    EXPECT_TRUE((*journal)->Settle().ok());
    durable = (*journal)->durable_sequence();
  }
  return durable;
}

// Every write of the journal's life in turn is the one that lies.
void LieOnceEverywhere(Kind kind) {
  std::uint64_t refused = 0;
  bool met = true;
  for (std::uint64_t at = 0; met; ++at) {
    SCOPED_TRACE(testing::Message() << "kind " << static_cast<int>(kind) << ", operation " << at);
    SimDisk disk(at);
    disk.SetFault({.kind = kind, .at = at});
    const std::uint64_t durable = Live(disk);
    met = disk.lied();
    const ReadBack read = ReadAll(disk);
    if (!read.status.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(read.status)) << read.status;
      ++refused;
      continue;
    }
    // The batch that should have closed the window went over the one that it was for.
    const bool closed_nothing =
        kind == Kind::kMisdirects && read.tail.cut && read.records == AllRecords(durable - 1);
    EXPECT_TRUE(read.records == AllRecords(durable) || closed_nothing);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(refused, kRecords);
}

TEST(LyingDisk, AShortWriteIsFoundOrLostNothingOnceTheWindowIsClosed) {
  LieOnceEverywhere(Kind::kWritesShort);
}

TEST(LyingDisk, AMisdirectedWriteIsFoundOrLostNothingOnceTheWindowIsClosed) {
  LieOnceEverywhere(Kind::kMisdirects);
}

TEST(LyingDisk, ALostWriteIsFoundOrLostNothingOnceTheWindowIsClosed) {
  LieOnceEverywhere(Kind::kLosesWrite);
}

// The sync of a batch fails; the process stops, another starts on the same machine and goes on from
// what it reads; then the machine loses its power.
struct FailedSync {
  explicit FailedSync(WriterWay way) {
    auto journal = Open({}, way);
    WriteBatch(*journal, {RecordOf(1)});
    EXPECT_TRUE(journal->Settle().ok());
    // Two sectors or more, so that some are lost.
    journal->Append(TestRecord(2, 100).view());
    EXPECT_TRUE(journal->Turn(0).ok());
    disk.SetFault({.kind = Kind::kFailsOnce, .at = disk.operations(), .error = EIO});
    EXPECT_FALSE(journal->Turn(0).ok());
    EXPECT_FALSE(journal->Turn(0).ok());  // Never tried again.
    EXPECT_EQ(journal->durable_sequence(), 1u);
    journal.reset();

    const ReadBack read = ReadAll(disk);
    EXPECT_TRUE(read.status.ok()) << read.status;
    next = read.tail.next_sequence;
    journal = Open(read.tail, way);
    WriteBatch(*journal, {TestRecord(next, 3)});
    EXPECT_TRUE(journal->Settle().ok());
  }
  std::unique_ptr<Journal> Open(const JournalTail& tail, WriterWay way) {
    auto journal =
        Journal::Open(disk, std::make_unique<SimBatchWriter>(disk, way), SmallJournal(), tail);
    EXPECT_TRUE(journal.ok()) << journal.status();
    while ((*journal)->next_turn_ns() != INT64_MAX) EXPECT_TRUE((*journal)->Turn(0).ok());
    return *std::move(journal);
  }

  SimDisk disk;
  std::uint64_t next = 0;  // The first sequence of the second process.
};

TEST(LyingDisk, ASyncThatFailsAndThenLiesLosesNothingPastTheCache) {
  FailedSync failed(WriterWay::kDirect);
  EXPECT_EQ(failed.next, 2u);  // The medium does not hold it, and the reader does not see it.
  SimDisk after(failed.disk, PowerCut::kLosesUnsynced, 1);
  const ReadBack read = ReadAll(after);
  ASSERT_TRUE(read.status.ok()) << read.status;
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records.back(), TestRecord(2, 3).bytes());
}

// FORMAT.md, "What is not found": the second process reads out of the cache what is not on disk.
TEST(LyingDisk, ASyncThatFailsAndThenLiesIsRefusedAfterAPowerCutWhereWritesWereCached) {
  FailedSync failed(WriterWay::kCached);
  EXPECT_EQ(failed.next, 3u);
  SimDisk after(failed.disk, PowerCut::kLosesUnsynced, 1);
  const ReadBack read = ReadAll(after);
  EXPECT_TRUE(absl::IsDataLoss(read.status)) << read.status;
}

}  // namespace
}  // namespace engine
