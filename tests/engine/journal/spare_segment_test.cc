// A start on a full disk goes on in the segment that the life before has made ahead.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/journal/journal.h"
#include "tests/engine/journal/full_disk.h"
#include "tests/support/journal_records.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

using testing::HasSubstr;

constexpr PowerCut kCuts[] = {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced,
                              PowerCut::kMixesSectors};

TEST(SpareSegment, IsGoneOnInByAStartOnAFullDiskUntilThereIsSpace) {
  FullDisk full;
  auto journal = full.Start();
  ASSERT_TRUE(journal.ok()) << journal.status();
  EXPECT_EQ((*journal)->segment(), 2u);
  EXPECT_TRUE((*journal)->disk_full());  // Before the first turn.
  EXPECT_FALSE((*journal)->reserve_low());
  WriteBatch(**journal, {TestRecord(4, 2)});
  EXPECT_TRUE((*journal)->disk_full());
  ExpectRecords(full.disk, 4);

  full.disk.SetFreeBytes(UINT64_MAX);
  for (int turn = 0; turn < 50; ++turn) ASSERT_TRUE((*journal)->Turn(2 * kSecond).ok());
  EXPECT_FALSE((*journal)->disk_full());
  for (std::uint64_t next = 5; next <= 20; ++next) WriteBatch(**journal, {TestRecord(next, 2)});
  EXPECT_GT((*journal)->segment(), 2u);
  ExpectRecords(full.disk, 20);
}

TEST(SpareSegment, IsGoneOnInAgainWhereAStartHasWrittenNothing) {
  FullDisk full;
  for (int starts = 0; starts < 4; ++starts) {
    auto journal = full.Start();
    ASSERT_TRUE(journal.ok()) << journal.status();
    EXPECT_EQ((*journal)->segment(), 2u);
    EXPECT_TRUE((*journal)->disk_full());
  }
  auto journal = full.Start();
  ASSERT_TRUE(journal.ok());
  WriteBatch(**journal, {TestRecord(4, 2)});
  ExpectRecords(full.disk, 4);
}

TEST(SpareSegment, IsReplacedWhereThereIsSpace) {
  FullDisk full;
  full.disk.SetFreeBytes(UINT64_MAX);
  JournalOptions larger = SmallJournal();
  larger.segment_bytes *= 2;
  auto journal = full.Start(larger);
  ASSERT_TRUE(journal.ok());
  EXPECT_FALSE((*journal)->disk_full());
  EXPECT_EQ(full.disk.Bytes(PathOf(2)).size(), larger.segment_bytes);
}

// The sizes of the configuration may have changed.
TEST(SpareSegment, KeepsItsSizeWhereItHoldsABatch) {
  for (const std::uint64_t blocks : {4u, 16u}) {
    FullDisk full;
    JournalOptions options = SmallJournal();
    options.segment_bytes = blocks * kBlockBytes;
    auto journal = full.Start(options);
    ASSERT_TRUE(journal.ok()) << journal.status();
    std::uint64_t last = 3;
    for (; (*journal)->segment() == 2 && (*journal)->HasRoom(200) && last < 40; ++last) {
      (*journal)->Append(TestRecord(last + 1, 2).view());
      for (int turn = 0; turn < 5; ++turn) ASSERT_TRUE((*journal)->Turn(100).ok());
    }
    // A batch in each block behind the header, and none behind the end.
    EXPECT_EQ((*journal)->durable_sequence(), 3u + 7u);
    EXPECT_TRUE((*journal)->reserve_low());
    EXPECT_EQ(full.disk.Bytes(PathOf(2)).size(), SmallJournal().segment_bytes);
    ExpectRecords(full.disk, 10);
  }
}

TEST(SpareSegment, IsRefusedWhereItHasNoRoomForABatch) {
  FullDisk full;
  JournalOptions options = SmallJournal();
  options.segment_bytes = 32 * kBlockBytes;
  options.batch_bytes = 8 * kBlockBytes;
  const auto journal = full.Start(options);
  EXPECT_TRUE(absl::IsResourceExhausted(journal.status()));
  EXPECT_THAT(journal.status().ToString(), HasSubstr("no room for a batch"));
}

TEST(SpareSegment, IsRefusedWhereAnyBitOfItIsNotZero) {
  for (const std::size_t byte :
       {std::size_t{0}, std::size_t{63}, std::size_t{64}, kBlockBytes - 1, kBlockBytes,
        5 * kBlockBytes + 100, static_cast<std::size_t>(SmallJournal().segment_bytes) - 1}) {
    SCOPED_TRACE(byte);
    FullDisk full;
    const JournalTail tail = ReadAll(full.disk).tail;
    full.disk.Bytes(PathOf(2))[byte] ^= std::byte{4};
    const std::vector<std::byte> before = full.disk.Bytes(PathOf(2));
    const auto journal = OpenInMemory(full.disk, tail);
    EXPECT_TRUE(absl::IsResourceExhausted(journal.status())) << journal.status();
    EXPECT_THAT(journal.status().ToString(), HasSubstr("the next journal segment needs"));
    EXPECT_THAT(journal.status().ToString(), HasSubstr("is not as it was made"));
    EXPECT_EQ(full.disk.Bytes(PathOf(2)), before);
  }
}

// It was in flight when its daemon was killed, and has arrived since recovery read the segment.
TEST(SpareSegment, IsRefusedWhereABatchHasArrivedInIt) {
  FullDisk full;
  ASSERT_TRUE(full.Start().ok());
  const JournalTail tail = ReadAll(full.disk).tail;
  const std::vector<std::byte> empty = full.disk.Bytes(PathOf(2));
  WriteBatch(**full.Start(), {TestRecord(4, 2)});
  const std::vector<std::byte> arrived = full.disk.Bytes(PathOf(2));
  ASSERT_NE(arrived, empty);
  EXPECT_TRUE(absl::IsResourceExhausted(OpenInMemory(full.disk, tail).status()));
  EXPECT_EQ(full.disk.Bytes(PathOf(2)), arrived);
}

// As a real writer does whose file another process may still write to.
class RefusingWriter final : public BatchWriter {
 public:
  absl::Status Use(const std::string&) override { return absl::UnavailableError("under way"); }
  absl::Status Submit(std::span<const std::byte>, std::uint64_t) override {
    return absl::InternalError("nothing is to be written");
  }
  absl::StatusOr<bool> Completed() override { return false; }
  int completion_fd() const override { return -1; }
  std::string description() const override { return "refusing"; }
};

TEST(SpareSegment, IsNotTouchedWhileAWriteToItMayBeUnderWay) {
  FullDisk full;
  const JournalTail tail = ReadAll(full.disk).tail;
  const std::vector<std::byte> before = full.disk.Bytes(PathOf(2));
  const auto journal =
      Journal::Open(full.disk, std::make_unique<RefusingWriter>(), SmallJournal(), tail);
  EXPECT_TRUE(absl::IsUnavailable(journal.status())) << journal.status();
  EXPECT_EQ(full.disk.Bytes(PathOf(2)), before);
}

TEST(SpareSegment, IsLeftByWhoCanWaitForSpace) {
  FullDisk full;
  JournalOptions options = SmallJournal();
  options.takes_spare = false;
  EXPECT_TRUE(absl::IsResourceExhausted(full.Start(options).status()));
  EXPECT_TRUE(full.Start().ok());
}

TEST(SpareSegment, IsNoneWhereItWasHalfMade) {
  FullDisk full;
  full.TearLastBatch();
  ASSERT_TRUE(full.disk.Rename(PathOf(2), PathOf(2) + kUnfinishedSuffix).ok());
  const absl::Status status = full.Start().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_EQ(status.message(),
            "the disk of shard-0 has 0 bytes left; the next journal segment needs 32768");
  EXPECT_FALSE(full.disk.names().contains(PathOf(2) + kUnfinishedSuffix));
}

TEST(SpareSegment, MarksWhereTheSegmentBeforeWasCut) {
  FullDisk full;
  const std::vector<std::byte> whole = full.disk.Bytes(PathOf(1));
  full.TearLastBatch();
  ASSERT_TRUE(ReadAll(full.disk).tail.cut.has_value());
  ASSERT_TRUE(full.Start().ok());
  full.disk.Bytes(PathOf(1)) = whole;  // It arrives late.
  EXPECT_EQ(ReadAll(full.disk).records.size(), 2u);
}

// A record in segment 1, and the sync of the folder has failed behind segment 2.
void LiveUntilTheNameIsNotSynced(SimDisk& disk, std::uint64_t steps) {
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  WriteBatch(**journal, {TestRecord(1, 2)});
  disk.SetFault(
      {.kind = DiskFault::Kind::kFailsOnce, .at = disk.operations() + steps, .error = ENOSPC});
  for (int turn = 0; turn < 50; ++turn) ASSERT_TRUE((*journal)->Turn(100).ok());
  disk.Heal();
}

// Whatever is synced later, such a name may be lost.
TEST(SpareSegment, HasItsNameOnDiskThoughASyncOfItHadFailed) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {  // What a sync that fails has kept.
    std::unique_ptr<SimDisk> disk;
    for (std::uint64_t steps = 0; steps < 50; ++steps) {
      disk = std::make_unique<SimDisk>(seed);
      LiveUntilTheNameIsNotSynced(*disk, steps);
      if (!disk->failed().empty() && disk->failed().front().call == DiskCall::kSyncFolder) break;
    }
    ASSERT_TRUE(disk->names().contains(PathOf(2)));
    disk->SetFreeBytes(0);
    auto journal = OpenInMemory(*disk, ReadAll(*disk).tail);
    ASSERT_TRUE(journal.ok()) << journal.status();
    WriteBatch(**journal, {TestRecord(2, 2)});
    SimDisk after(*disk, PowerCut::kLosesUnsynced, 1);
    ExpectRecords(after, 2);
  }
}

struct Life {
  std::uint64_t durable = 0;
  bool started = false;
};

// Starts, and writes up to two records.
Life StartAndWrite(SimDisk& disk) {
  const ReadBack read = ReadAll(disk);
  Life life{.durable = read.tail.next_sequence - 1};
  if (!read.status.ok()) return {};
  auto journal = OpenInMemory(disk, read.tail);
  life.started = journal.ok();
  if (!life.started) return life;
  for (int i = 0; i < 2; ++i) {
    (*journal)->Append(TestRecord((*journal)->appended_sequence() + 1, 2).view());
    for (int turn = 0; turn < 5; ++turn) {
      if (!(*journal)->Turn(100).ok()) return life;
      life.durable = (*journal)->durable_sequence();
    }
  }
  return life;
}

// The power is cut before each operation of such a start, and of the start behind it; then there is
// space.
TEST(SpareSegment, LosesNothingWhereAStartInItIsCutAtAnyOperation) {
  const FullDisk full;
  SimDisk whole(full.disk, PowerCut::kKeepsUnsynced, 1);
  whole.SetFreeBytes(0);
  ASSERT_TRUE(StartAndWrite(whole).started);
  const std::uint64_t most = whole.operations();
  std::uint64_t started_again = 0;
  for (std::uint64_t at = 0; at <= most; ++at) {
    for (const PowerCut cut : kCuts) {
      SCOPED_TRACE(testing::Message() << "operation " << at << ", cut " << static_cast<int>(cut));
      SimDisk first(full.disk, PowerCut::kKeepsUnsynced, at);
      first.SetFreeBytes(0);
      first.CutFrom(at);
      const std::uint64_t durable = std::max<std::uint64_t>(3, StartAndWrite(first).durable);
      for (std::uint64_t again = 0; again <= most; again += 3) {
        SimDisk second(first, cut, at);
        second.SetFreeBytes(0);
        second.CutFrom(again);
        const Life life = StartAndWrite(second);
        started_again += life.started ? 1 : 0;
        SimDisk third(second, cut, at + again);
        const ReadBack read = ReadAll(third);
        ASSERT_TRUE(read.status.ok()) << read.status;
        ASSERT_GE(read.records.size(), std::max(durable, life.durable));
        ASSERT_TRUE(StartAndWrite(third).started);
        ExpectRecords(third, read.records.size() + 2);
      }
    }
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(started_again, most);
}

// Whatever of such a start fails, once: it goes on, or is refused and may be tried again.
TEST(SpareSegment, LosesNothingWhereAnyOperationOfAStartInItFails) {
  const FullDisk full;
  for (const int error : {EIO, ENOSPC}) {
    bool met = true;
    for (std::uint64_t at = 0; met; ++at) {
      SCOPED_TRACE(testing::Message() << "operation " << at << ", error " << error);
      SimDisk disk(full.disk, PowerCut::kKeepsUnsynced, at);
      disk.SetFreeBytes(0);
      disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = at, .error = error});
      const std::uint64_t durable = std::max<std::uint64_t>(3, StartAndWrite(disk).durable);
      met = !disk.failed().empty();
      disk.Heal();
      const Life again = StartAndWrite(disk);
      SimDisk after(disk, PowerCut::kLosesUnsynced, at);
      const ReadBack read = ReadAll(after);
      ASSERT_TRUE(read.status.ok()) << read.status;
      ASSERT_GE(read.records.size(), std::max(durable, again.durable));
    }
  }
}

}  // namespace
}  // namespace engine
