// A copy of a journal is what a recovery would read, whatever its daemon does meanwhile.
#include "engine/journal/journal_copy.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/journal/registered_readers.h"
#include "engine/journal/segment_remover.h"
#include "engine/journal/snapshot_file.h"
#include "tests/support/busy_disk.h"
#include "tests/support/journal_records.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

using testing::HasSubstr;

constexpr char kCopy[] = "copy";

ReadOptions Source(bool being_written) {
  return {.folder = "shard-0", .identity = kTestIdentity, .being_written = being_written};
}

// A journal with records in several segments.
class WrittenJournal {
 public:
  explicit WrittenJournal(std::uint64_t records) {
    EXPECT_TRUE(disk.CreateFolder("shard-0").ok() && disk.CreateFolder(kCopy).ok());
    Open();
    for (std::uint64_t i = 0; i < records; ++i) Write();
  }
  void Open() { journal = *OpenInMemory(disk, ReadAll(disk).tail); }
  void Append() {
    const std::uint64_t sequence = journal->appended_sequence() + 1;
    journal->Append(TestRecord(sequence, static_cast<std::uint32_t>(sequence * 37 % 120)).view());
  }
  void Write() {
    Append();
    while (journal->durable_sequence() != journal->appended_sequence()) Turn();
  }
  void Turn() { ASSERT_TRUE(journal->Turn(now_ns += 1'000'000).ok()); }

  SimDisk disk;
  std::unique_ptr<Journal> journal;
  std::int64_t now_ns = 0;
};

TEST(JournalCopy, IsWhatTheJournalHolds) {
  for (const bool being_written : {false, true}) {
    WrittenJournal source(40);
    const auto copied = CopyJournal(source.disk, Source(being_written), kCopy);
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_EQ(copied->next_sequence, 41u);
    EXPECT_GT(source.journal->segment(), 5u);
    const ReadBack copy = ReadAll(source.disk, kCopy);
    ASSERT_TRUE(copy.status.ok()) << copy.status;
    EXPECT_EQ(copy.records, ReadAll(source.disk).records);
    EXPECT_FALSE(copy.tail.cut.has_value());
  }
}

// It holds what was on disk before it began, and nothing but what was appended before it ended.
TEST(JournalCopy, IsABeginningOfAJournalThatIsWrittenMeanwhile) {
  std::uint64_t grew = 0;
  for (std::uint64_t seed = 1; seed <= Repeats(kSanitized ? 20 : 200, 5'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    WrittenJournal source(random.Below(40));
    const std::uint64_t before = source.journal->durable_sequence();
    BusyDisk disk(source.disk, [&] {
      for (std::uint64_t turns = random.Below(6); turns > 0; --turns) {
        if (source.journal->HasRoom(sizeof(CommandHeader) + 120 * sizeof(OrderBody))) {
          source.Append();
        }
        source.Turn();
      }
    });
    const auto copied = CopyJournal(disk, Source(true), kCopy);
    ASSERT_TRUE(copied.ok()) << copied.status();
    ASSERT_GT(copied->next_sequence, before);
    grew += copied->next_sequence - 1 - before;
    const ReadBack copy = ReadAll(source.disk, kCopy);
    ASSERT_TRUE(copy.status.ok()) << copy.status;
    ASSERT_EQ(copy.tail.next_sequence, copied->next_sequence);
    ASSERT_TRUE(source.journal->Settle().ok());
    const RecordBytes all = ReadAll(source.disk).records;
    ASSERT_LE(copy.records.size(), all.size());
    ASSERT_TRUE(std::equal(copy.records.begin(), copy.records.end(), all.begin()));
  }
  EXPECT_GT(grew, 100u);
}

TEST(JournalCopy, GoesOnAsTheJournalWould) {
  WrittenJournal source(7);
  ASSERT_TRUE(CopyJournal(source.disk, Source(false), kCopy).ok());
  JournalOptions options = SmallJournal();
  options.folder = kCopy;
  auto journal = OpenInMemory(source.disk, ReadAll(source.disk, kCopy).tail, options);
  ASSERT_TRUE(journal.ok()) << journal.status();
  WriteBatch(**journal, {TestRecord(8, 3)});
  EXPECT_EQ(ReadAll(source.disk, kCopy).records.size(), 8u);
}

// The last batch, damaged: torn for who comes after the daemon, on its way for who reads beside it.
TEST(JournalCopy, LeavesOutABatchThatIsNotWhole) {
  for (const bool being_written : {false, true}) {
    WrittenJournal source(3);
    std::vector<std::byte>& bytes = source.disk.Bytes("shard-0/" + SegmentName(1));
    auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](auto b) { return b != std::byte(); });
    ASSERT_NE(last, bytes.rend());
    *last ^= std::byte(1);
    const auto copied = CopyJournal(source.disk, Source(being_written), kCopy);
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_EQ(copied->next_sequence, 3u);
    const ReadBack copy = ReadAll(source.disk, kCopy);
    ASSERT_TRUE(copy.status.ok()) << copy.status;
    EXPECT_EQ(copy.records.size(), 2u);
    EXPECT_FALSE(copy.tail.cut.has_value());  // It is not in the copy at all.
  }
}

TEST(JournalCopy, IsNotMadeOfADamagedJournal) {
  for (const bool being_written : {false, true}) {
    WrittenJournal source(40);
    source.disk.Bytes("shard-0/" + SegmentName(2))[kBlockBytes] ^= std::byte(1);
    const auto copied = CopyJournal(source.disk, Source(being_written), kCopy);
    EXPECT_TRUE(absl::IsDataLoss(copied.status())) << copied.status();
    EXPECT_THAT(copied.status().ToString(), HasSubstr(SegmentName(2) + ", byte 4096"));
  }
}

TEST(JournalCopy, OfAnEmptyJournalIsEmpty) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateFolder("shard-0").ok() && disk.CreateFolder(kCopy).ok());
  const auto copied = CopyJournal(disk, Source(false), kCopy);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(copied->next_sequence, 1u);
  EXPECT_EQ(copied->bytes, 0u);
}

// Whatever goes wrong is an error, and no error is a whole copy.
TEST(JournalCopy, OnAFailingDiskIsWholeOrAnError) {
  std::uint64_t failed = 0;
  bool met = true;
  for (std::uint64_t at = 0; met; ++at) {
    SCOPED_TRACE(at);
    WrittenJournal source(12);
    const std::size_t failed_before = source.disk.failed().size();
    source.disk.SetFault(
        {.kind = DiskFault::Kind::kFailsOnce, .at = source.disk.operations() + at});
    const auto copied = CopyJournal(source.disk, Source(false), kCopy);
    met = source.disk.failed().size() > failed_before;
    source.disk.Heal();
    if (met) {
      EXPECT_FALSE(copied.ok());
      ++failed;
    } else {
      ASSERT_TRUE(copied.ok()) << copied.status();
      EXPECT_EQ(ReadAll(source.disk, kCopy).records.size(), 12u);
    }
  }
  EXPECT_GT(failed, 20u);
}

TEST(JournalCopy, IsOnDiskWhenItIsSaidToBe) {
  WrittenJournal source(40);
  ASSERT_TRUE(source.disk.SyncFolder("copy/..").ok());
  ASSERT_TRUE(CopyJournal(source.disk, Source(false), kCopy).ok());
  SimDisk after(source.disk, PowerCut::kLosesUnsynced, 1);
  EXPECT_EQ(ReadAll(after, kCopy).records.size(), 40u);
}

// What a follower does: a snapshot of all that is closed, then removes what lies before the one
// before it. The state is anything.
class Remover {
 public:
  explicit Remover(SimDisk& disk) : disk_(disk), remover_(disk, "shard-0", kTestIdentity) {}

  void Turn(std::uint64_t durable) {
    const std::string text = "the state after " + std::to_string(durable);
    const auto writer = SnapshotWriter::Begin(disk_, "shard-0", kTestIdentity, durable, 0);
    ASSERT_TRUE(writer.ok());
    (*writer)->Add(std::as_bytes(std::span(text)));
    ASSERT_TRUE((*writer)->Finish().ok());
    const auto snapshots = ListSnapshots(disk_, "shard-0");
    ASSERT_TRUE(snapshots.ok());
    for (const std::uint64_t sequence : *snapshots) {
      if (sequence == durable || sequence == newest_) continue;
      ASSERT_TRUE(disk_.Remove("shard-0/" + SnapshotName(sequence)).ok());
    }
    const std::uint64_t older = std::exchange(newest_, durable);
    const auto removable = remover_.Look(
        {.before_ns = INT64_MAX, .snapshot = older, .outbox = UINT64_MAX, .readers = {}});
    ASSERT_TRUE(removable.ok()) << removable.status();
    if (removable->segments == 0) return;
    ASSERT_TRUE(remover_.Remove(removable->segments).ok());
  }

 private:
  SimDisk& disk_;
  SegmentRemover remover_;
  std::uint64_t newest_ = 0;
};

// It is whole from a snapshot on, or it says that it has to be made again.
TEST(JournalCopy, IsNeverWithoutWhatWasRemovedMeanwhile) {
  std::uint64_t whole = 0;
  std::uint64_t again = 0;
  for (std::uint64_t seed = 1; seed <= Repeats(kSanitized ? 40 : 400, 10'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    WrittenJournal source(10 + random.Below(40));
    const RecordBytes written = ReadAll(source.disk).records;
    Remover remover(source.disk);
    std::uint64_t passed = 0;
    const auto remove = [&] {
      if (passed + 1 >= written.size()) return;
      passed += 1 + random.Below(written.size() - passed);
      remover.Turn(std::min<std::uint64_t>(passed, written.size()));
    };
    for (std::uint64_t turns = random.Below(4); turns > 0; --turns) remove();
    BusyDisk disk(source.disk, [&] {
      if (random.Below(60) == 0) remove();
    });
    auto copied = CopyJournal(disk, Source(true), kCopy);
    if (!copied.ok()) {
      ASSERT_TRUE(absl::IsAborted(copied.status())) << copied.status();
      ++again;
      copied = CopyJournal(source.disk, Source(true), kCopy);  // Over what there is.
    }
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_EQ(copied->next_sequence, written.size() + 1);
    const auto beginning = ReadBeginning(source.disk, kCopy, kTestIdentity);
    ASSERT_TRUE(beginning.ok()) << beginning.status();
    whole += beginning->sequence > 1 ? 1 : 0;
    RecordBytes kept;
    const auto tail =
        Recover(source.disk,
                {.folder = kCopy, .identity = kTestIdentity, .from_sequence = kFromTheBeginning},
                [&](CommandView command) {
                  kept.emplace_back(command.bytes().begin(), command.bytes().end());
                  return absl::OkStatus();
                });
    ASSERT_TRUE(tail.ok()) << tail.status();
    ASSERT_EQ(kept.size(), written.size() + 1 - beginning->sequence);
    ASSERT_TRUE(std::equal(kept.begin(), kept.end(), written.end() - std::ptrdiff_t(kept.size())));
    const auto snapshots = ListSnapshots(source.disk, kCopy);
    ASSERT_TRUE(snapshots.ok());
    ASSERT_EQ(snapshots->empty(), beginning->sequence == 1);
    if (!snapshots->empty()) {
      EXPECT_GE(snapshots->front() + 1, beginning->sequence);
      EXPECT_LT(snapshots->front(), copied->next_sequence);
    }
  }
  EXPECT_GT(whole, kSanitized ? 10u : 100u);
  EXPECT_GT(again, kSanitized ? 0u : 5u);
}

// Whoever removes does not while it is copied, whenever he looks.
TEST(JournalCopy, IsMadeAtOnceWhereItsLockIsHeldThoughSegmentsAreToGo) {
  for (std::uint64_t seed = 1; seed <= Repeats(kSanitized ? 10 : 60, 2'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    WrittenJournal source(20 + random.Below(40));
    const RecordBytes written = ReadAll(source.disk).records;
    SegmentRemover remover(source.disk, "shard-0", kTestIdentity);
    std::size_t removed = 0;
    std::uint64_t passed = 0;
    const auto remove = [&]() -> std::string {
      passed = std::min<std::uint64_t>(passed + 1 + random.Below(4), written.size());
      const auto removable = remover.Look(
          {.before_ns = INT64_MAX, .snapshot = passed, .outbox = UINT64_MAX, .readers = {}});
      EXPECT_TRUE(removable.ok()) << removable.status();
      if (!removable.ok() || removable->segments == 0) return removable->held_by;
      removed += *remover.Remove(removable->segments);
      return removable->held_by;
    };
    BusyDisk busy(source.disk, [&] {
      if (random.Below(3) == 0) remove();
    });
    {
      const auto lock = source.disk.TryLock(CopyLock("shard-0"));
      ASSERT_TRUE(lock.ok());
      const auto copied = CopyJournal(busy, Source(true), kCopy);
      ASSERT_TRUE(copied.ok()) << copied.status();
      EXPECT_EQ(ReadAll(source.disk, kCopy).records, written);
      EXPECT_EQ(removed, 0u);
      EXPECT_THAT(remove(), HasSubstr("a backup"));
    }
    EXPECT_THAT(remove(), testing::IsEmpty());
    EXPECT_GT(removed, 0u);
  }
}

// One that has looked before the copy began finds out when it removes.
TEST(JournalCopy, LosesNoSegmentToWhoLookedBeforeItsLockWasHeld) {
  WrittenJournal source(40);
  SegmentRemover remover(source.disk, "shard-0", kTestIdentity);
  const auto removable =
      remover.Look({.before_ns = INT64_MAX, .snapshot = 30, .outbox = UINT64_MAX, .readers = {}});
  ASSERT_TRUE(removable.ok() && removable->segments > 0);
  const auto lock = source.disk.TryLock(CopyLock("shard-0"));
  ASSERT_TRUE(lock.ok());
  const auto removed = remover.Remove(removable->segments);
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(*removed, 0u);
  EXPECT_EQ(ReadAll(source.disk).records.size(), 40u);
}

}  // namespace
}  // namespace engine
