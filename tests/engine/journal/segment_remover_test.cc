// Of a journal whose first segments were removed every reader finds the rest, or says that they are
// missing; and nothing else that is missing is ever taken for removed.
#include "engine/journal/segment_remover.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/busy_disk.h"
#include "tests/support/journal_records.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kFolder[] = "shard-0";

std::string SegmentPath(std::uint64_t segment) {
  return std::string(kFolder) + "/" + SegmentName(segment);
}

bool Exists(const SimDisk& disk, std::uint64_t segment) {
  return disk.names().contains(SegmentPath(segment));
}

// What is kept, from the first record on.
ReadBack ReadKept(Disk& disk) {
  ReadBack result;
  const auto tail = Recover(
      disk, {.folder = kFolder, .identity = kTestIdentity, .from_sequence = kFromTheBeginning},
      [&](CommandView command) {
        result.records.emplace_back(command.bytes().begin(), command.bytes().end());
        return absl::OkStatus();
      });
  result.status = tail.status();
  if (tail.ok()) result.tail = *tail;
  return result;
}

// Ten segments or so of a few records each; a record's time is 1,000 ns times its sequence.
class SegmentRemoval : public testing::Test {
 protected:
  SegmentRemoval() {
    EXPECT_TRUE(disk_.CreateFolder(kFolder).ok() && disk_.SyncFolder("shard-0/..").ok());
    auto journal = OpenInMemory(disk_, {});
    EXPECT_TRUE(journal.ok());
    for (std::uint64_t sequence = 1; sequence <= kRecords; ++sequence) {
      WriteBatch(**journal,
                 {TestRecord(sequence, static_cast<std::uint32_t>(sequence * 37 % 120))});
    }
    EXPECT_TRUE((*journal)->Settle().ok());
    last_segment_ = (*journal)->segment();
    EXPECT_GT(last_segment_, 8u);
    all_ = ReadAll(disk_).records;
  }

  static Passed PassedTo(std::uint64_t sequence) {
    return {.before_ns = INT64_MAX, .snapshot = sequence, .outbox = sequence, .readers = {}};
  }
  // Ensures: how many went.
  static std::size_t RemoveTo(Disk& disk, std::uint64_t sequence) {
    SegmentRemover remover(disk, kFolder, kTestIdentity);
    const auto removable = remover.Look(PassedTo(sequence));
    EXPECT_TRUE(removable.ok()) << removable.status();
    if (!removable.ok() || removable->segments == 0) return 0;
    const absl::Status status = remover.Remove(removable->segments).status();
    EXPECT_TRUE(status.ok()) << status;
    return removable->segments;
  }
  // Whether it holds the journal's end, from the record that it begins with.
  void ExpectEnd(const ReadBack& kept) const {
    ASSERT_TRUE(kept.status.ok()) << kept.status;
    ASSERT_LE(kept.records.size(), all_.size());
    EXPECT_TRUE(std::equal(kept.records.rbegin(), kept.records.rend(), all_.rbegin()));
    EXPECT_EQ(kept.tail.next_sequence, kRecords + 1);
  }

  static constexpr std::uint64_t kRecords = 60;
  SimDisk disk_;
  std::uint64_t last_segment_ = 0;
  RecordBytes all_;
};

TEST_F(SegmentRemoval, KeepsTheRestReadableFromItsFirstRecord) {
  const std::size_t removed = RemoveTo(disk_, 20);
  ASSERT_GT(removed, 2u);
  EXPECT_FALSE(Exists(disk_, removed));
  EXPECT_TRUE(Exists(disk_, removed + 1));
  const ReadBack kept = ReadKept(disk_);
  ExpectEnd(kept);
  EXPECT_GE(kept.records.size(), kRecords - 20);
  EXPECT_LT(kept.records.size(), kRecords - 10);
  auto journal = OpenInMemory(disk_, kept.tail);
  ASSERT_TRUE(journal.ok()) << journal.status();
  WriteBatch(**journal, {TestRecord(kRecords + 1, 1)});
  EXPECT_EQ(ReadKept(disk_).records.size(), kept.records.size() + 1);
}

TEST_F(SegmentRemoval, IsSaidToWhoeverAsksForWhatIsGone) {
  ASSERT_GT(RemoveTo(disk_, 20), 0u);
  const std::uint64_t first = kRecords + 1 - ReadKept(disk_).records.size();
  const absl::Status status = ReadAll(disk_).status;
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("begins with sequence " + std::to_string(first)),
                    HasSubstr("keep_days"), HasSubstr("1 is asked for")));
  for (std::uint64_t from = 1; from <= kRecords + 1; ++from) {
    const auto reader = JournalReader::Open(disk_, {.folder = kFolder, .from_sequence = from});
    EXPECT_EQ(reader.ok(), from >= first) << from;
  }
}

// He was told that nothing goes that he has not passed.
TEST_F(SegmentRemoval, KeepsWhatAReaderNeedsWhoRegistersAtAnyMoment) {
  std::size_t registered = 0;
  bool is_over = false;
  for (std::uint64_t at = 0; !is_over; ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(disk_, PowerCut::kKeepsUnsynced, at);
    std::uint64_t looks = 0;
    std::optional<std::uint64_t> passed;
    BusyDisk busy(disk, [&] {
      if (looks++ < at || passed) return;
      // As the tool does, whose lock waits.
      const auto lock = disk.TryLock(ReadersLock(kFolder));
      if (!lock.ok()) return;
      passed = ReadBeginning(disk, kFolder, kTestIdentity)->sequence - 1;
      EXPECT_TRUE(WriteReader(disk, kFolder, {"ledger", *passed}).ok());
    });
    SegmentRemover remover(busy, kFolder, kTestIdentity);
    const auto removable = remover.Look(PassedTo(30));
    ASSERT_TRUE(removable.ok()) << removable.status();
    if (removable->segments > 0) {
      ASSERT_TRUE(remover.Remove(removable->segments).ok());
    }
    is_over = !passed;
    if (passed) {
      ++registered;
      EXPECT_LE(ReadBeginning(disk, kFolder, kTestIdentity)->sequence, *passed + 1);
      EXPECT_TRUE(
          JournalReader::Open(disk, {.folder = kFolder, .from_sequence = *passed + 1}).ok());
    }
    EXPECT_EQ(Exists(disk, 1), passed == 0u);
  }
  EXPECT_GT(registered, 8u);
}

TEST_F(SegmentRemoval, WaitsWhileReadersAreChanged) {
  SegmentRemover remover(disk_, kFolder, kTestIdentity);
  const auto removable = remover.Look(PassedTo(20));
  ASSERT_TRUE(removable.ok() && removable->segments > 0);
  {
    const auto lock = disk_.TryLock(ReadersLock(kFolder));
    ASSERT_TRUE(lock.ok());
    EXPECT_EQ(*remover.Remove(removable->segments), 0u);
    EXPECT_TRUE(Exists(disk_, 1));
  }
  EXPECT_EQ(*remover.Remove(removable->segments), removable->segments);
}

// The next segment may need their room.
TEST_F(SegmentRemoval, OfACrashIsFinishedBeforeASegmentIsMade) {
  const std::vector<std::byte> first = disk_.Bytes(SegmentPath(1));
  ASSERT_GT(RemoveTo(disk_, 20), 0u);
  const auto put_back = [&](SimDisk& disk) {
    ASSERT_TRUE(disk.Create(SegmentPath(1)).ok() && disk.SyncFolder(kFolder).ok());
    disk.Bytes(SegmentPath(1)) = first;
  };
  put_back(disk_);
  disk_.SetFreeBytes(0);
  EXPECT_TRUE(OpenInMemory(disk_, ReadKept(disk_).tail).ok());  // It goes on in what there is.
  EXPECT_FALSE(Exists(disk_, 1));
  disk_.SetFreeBytes(UINT64_MAX);
  put_back(disk_);
  EXPECT_EQ(SegmentRemover(disk_, kFolder, kTestIdentity).Look(PassedTo(20))->segments, 0u);
  EXPECT_FALSE(Exists(disk_, 1));
}

// So many as lie in the window of one look, and the others with the next ones.
TEST_F(SegmentRemoval, GoesOnWithEachLook) {
  std::size_t removed = 0;
  SegmentRemover remover(disk_, kFolder, kTestIdentity);
  for (std::uint64_t sequence = 1; sequence <= kRecords; ++sequence) {
    const auto removable = remover.Look(PassedTo(sequence));
    ASSERT_TRUE(removable.ok()) << removable.status();
    if (removable->segments == 0) continue;
    ASSERT_TRUE(remover.Remove(removable->segments).ok());
    removed += removable->segments;
    EXPECT_EQ(remover.beginning().segment, removed + 1);
    EXPECT_LE(remover.beginning().sequence, sequence + 1);
    ExpectEnd(ReadKept(disk_));
  }
  EXPECT_EQ(removed, last_segment_ - 1);
}

// The segment that is written has no record when it is seen first.
TEST_F(SegmentRemoval, SeesRecordsThatComeLater) {
  auto journal = OpenInMemory(disk_, ReadAll(disk_).tail);
  ASSERT_TRUE(journal.ok());
  const std::uint64_t written = (*journal)->segment();
  SegmentRemover remover(disk_, kFolder, kTestIdentity);
  EXPECT_LT(remover.Look(PassedTo(kRecords))->segments, written - 1);
  WriteBatch(**journal, {TestRecord(kRecords + 1, 1)});
  EXPECT_EQ(remover.Look(PassedTo(kRecords))->segments, written - 1);
}

TEST_F(SegmentRemoval, OfALongJournalGoesInPieces) {
  SimDisk disk;
  ASSERT_TRUE(disk.CreateFolder(kFolder).ok());
  for (std::uint64_t sequence = 1; sequence <= 150; ++sequence) {
    auto journal = OpenInMemory(disk, ReadAll(disk).tail);  // Each start begins a segment.
    ASSERT_TRUE(journal.ok());
    WriteBatch(**journal, {TestRecord(sequence, 1)});
  }
  SegmentRemover remover(disk, kFolder, kTestIdentity);
  std::vector<std::size_t> pieces;
  for (;;) {
    const auto removable = remover.Look(PassedTo(150));
    ASSERT_TRUE(removable.ok()) << removable.status();
    if (removable->segments == 0) break;
    ASSERT_TRUE(remover.Remove(removable->segments).ok());
    pieces.push_back(removable->segments);
    ASSERT_TRUE(ReadKept(disk).status.ok());
  }
  EXPECT_EQ(pieces, (std::vector<std::size_t>{63, 63, 23}));
  EXPECT_EQ(ReadKept(disk).records.size(), 1u);
}

TEST_F(SegmentRemoval, WaitsForAReaderAndNamesIt) {
  ASSERT_TRUE(WriteReader(disk_, kFolder, {"ledger", 0}).ok());
  SegmentRemover remover(disk_, kFolder, kTestIdentity);
  auto removable = remover.Look(PassedTo(20));
  ASSERT_TRUE(removable.ok());
  EXPECT_EQ(removable->segments, 0u);
  EXPECT_THAT(removable->held_by, HasSubstr("reader ledger"));
  ASSERT_TRUE(WriteReader(disk_, kFolder, {"ledger", 20}).ok());
  removable = remover.Look(PassedTo(20));
  ASSERT_TRUE(removable.ok());
  EXPECT_GT(removable->segments, 2u);
}

TEST_F(SegmentRemoval, WaitsWhereAReadersFileIsNone) {
  ASSERT_TRUE(WriteReader(disk_, kFolder, {"ledger", 20}).ok());
  disk_.Bytes("shard-0/reader-ledger.txt")[3] ^= std::byte{1};
  SegmentRemover remover(disk_, kFolder, kTestIdentity);
  const auto removable = remover.Look(PassedTo(20));
  ASSERT_TRUE(removable.ok());
  EXPECT_EQ(removable->segments, 0u);
  EXPECT_THAT(removable->held_by, HasSubstr("shard-0/reader-ledger.txt"));
}

TEST_F(SegmentRemoval, LeavesWhatIsTooYoung) {
  SegmentRemover remover(disk_, kFolder, kTestIdentity);
  Passed passed = PassedTo(kRecords);
  passed.before_ns = 20'000;  // The time of the twentieth record.
  const auto removable = remover.Look(passed);
  ASSERT_TRUE(removable.ok() && removable->segments > 0);
  ASSERT_TRUE(remover.Remove(removable->segments).ok());
  EXPECT_GT(ReadKept(disk_).records.size(), 20u);
}

TEST_F(SegmentRemoval, HidesNoOtherLoss) {
  const std::size_t removed = RemoveTo(disk_, 20);
  const std::uint64_t first = removed + 1;
  for (std::uint64_t missing = first; missing < last_segment_; ++missing) {
    SimDisk disk(disk_, PowerCut::kKeepsUnsynced, 1);
    ASSERT_TRUE(disk.Remove(SegmentPath(missing)).ok());
    const absl::Status status = ReadKept(disk).status;
    EXPECT_TRUE(absl::IsDataLoss(status)) << missing << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("missing"));
  }
  SimDisk none(disk_, PowerCut::kKeepsUnsynced, 1);
  for (std::uint64_t number = first; Exists(none, number); ++number) {
    ASSERT_TRUE(none.Remove(SegmentPath(number)).ok());
  }
  const absl::Status status = ReadKept(none).status;
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(SegmentPath(first)));
}

// Without the file that says so nobody knows that they were removed and not lost.
TEST_F(SegmentRemoval, IsALossWithoutTheFileThatSaysWhereTheJournalBegins) {
  ASSERT_GT(RemoveTo(disk_, 20), 0u);
  ASSERT_TRUE(disk_.Remove("shard-0/kept-from").ok());
  EXPECT_TRUE(absl::IsDataLoss(ReadKept(disk_).status));
  for (std::uint64_t from = 1; from <= kRecords; ++from) {
    const auto reader = JournalReader::Open(disk_, {.folder = kFolder, .from_sequence = from});
    EXPECT_TRUE(absl::IsDataLoss(reader.status())) << from;
  }
}

// Segments before the beginning are none of the journal's: what they hold is not looked at.
TEST_F(SegmentRemoval, TakesWhatACrashHasLeftForRemoved) {
  SimDisk before(disk_, PowerCut::kKeepsUnsynced, 1);
  const std::size_t removed = RemoveTo(disk_, 20);
  const std::uint64_t beginning = ReadBeginning(disk_, kFolder, kTestIdentity)->sequence;
  ASSERT_TRUE(WriteBeginning(before, kFolder, kTestIdentity,
                             {.segment = removed + 1, .sequence = beginning})
                  .ok());
  before.Bytes(SegmentPath(2))[kBlockBytes] ^= std::byte{1};
  before.Bytes(SegmentPath(1)).resize(3);
  EXPECT_EQ(ReadKept(before).records, ReadKept(disk_).records);
  ASSERT_GT(RemoveTo(before, 30), 0u);
  for (std::uint64_t number = 1; number <= removed; ++number) EXPECT_FALSE(Exists(before, number));
}

// Who reads meanwhile finds the journal from its beginning of the moment on, or has to begin again.
TEST_F(SegmentRemoval, MisleadsNobodyWhoReadsMeanwhile) {
  std::uint64_t whole = 0;
  std::uint64_t again = 0;
  for (std::uint64_t seed = 1; seed <= Repeats(kSanitized ? 100 : 1'000, 20'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    SimDisk source(disk_, PowerCut::kKeepsUnsynced, seed);
    SegmentRemover remover(source, kFolder, kTestIdentity);
    std::uint64_t passed = 0;
    std::uint64_t pause = 0;
    BusyDisk disk(source, [&] {
      if (pause++ != 0 || passed == kRecords) return;
      pause = UINT64_MAX - random.Below(40);
      passed += 1 + random.Below(kRecords - passed);
      const auto removable = remover.Look(PassedTo(passed));
      ASSERT_TRUE(removable.ok()) << removable.status();
      if (removable->segments == 0) return;
      ASSERT_TRUE(remover.Remove(removable->segments).ok());
    });
    const ReadBack kept = ReadKept(disk);
    if (kept.status.ok()) {
      ++whole;
      ExpectEnd(kept);
    } else {
      ++again;
      ASSERT_TRUE(absl::IsAborted(kept.status)) << kept.status;
    }
    ExpectEnd(ReadKept(source));
    if (HasFailure()) return;
  }
  EXPECT_GT(whole, kSanitized ? 5u : 50u);
  EXPECT_GT(again, kSanitized ? 5u : 50u);
}

TEST_F(SegmentRemoval, LeavesAWholeEndWhereverThePowerIsCut) {
  std::uint64_t checked = 0;
  bool finished = false;
  for (std::uint64_t at = 0; !finished; ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(disk_, PowerCut::kKeepsUnsynced, 1);
    disk.CutFrom(at);
    SegmentRemover remover(disk, kFolder, kTestIdentity);
    const auto removable = remover.Look(PassedTo(30));
    if (!removable.ok() || removable->segments == 0) continue;  // It had only looked.
    finished = remover.Remove(removable->segments).value_or(0) > 0;
    ++checked;
    for (const PowerCut cut :
         {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
      SimDisk after(disk, cut, at);
      const ReadBack kept = ReadKept(after);
      ExpectEnd(kept);
      EXPECT_GE(kept.records.size(), kRecords - 30);
      RemoveTo(after, 30);  // The next process goes on with it.
      ExpectEnd(ReadKept(after));
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(checked, 10u);
}

TEST_F(SegmentRemoval, LeavesAWholeEndWhateverOperationFails) {
  std::uint64_t failures = 0;
  bool met = true;
  for (std::uint64_t at = 0; met; ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(disk_, PowerCut::kKeepsUnsynced, 1);
    disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = at});
    SegmentRemover remover(disk, kFolder, kTestIdentity);
    for (int looks = 0; looks < 3; ++looks) {  // As a daemon that goes on.
      const auto removable = remover.Look(PassedTo(20 + 5 * static_cast<std::uint64_t>(looks)));
      if (!removable.ok() || removable->segments == 0) continue;
      failures += remover.Remove(removable->segments).ok() ? 0 : 1;
    }
    met = !disk.failed().empty();
    for (const PowerCut cut :
         {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
      SimDisk after(disk, cut, at);
      ExpectEnd(ReadKept(after));
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(failures, 5u);
}

}  // namespace
}  // namespace engine
