// The power is cut before every single operation of a script, and what is left is recovered.
#include <cstdint>

#include <gtest/gtest.h>

#include "engine/journal/journal.h"
#include "tests/support/journal_records.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

struct Life {
  std::uint64_t durable = 0;
  std::uint64_t appended = 0;
  bool finished = false;
};

// Appends up to sequence `last`, with turns in between, until the power is cut or all is on disk.
Life Live(SimDisk& disk, const JournalTail& tail, std::uint64_t last, std::uint32_t salt) {
  auto journal = OpenInMemory(disk, tail);
  if (!journal.ok()) {
    return {.durable = tail.next_sequence - 1, .appended = tail.next_sequence - 1};
  }
  Journal& open = **journal;
  absl::Status status;
  std::int64_t now_ns = 0;
  for (std::uint64_t next = tail.next_sequence; status.ok() && next <= last;) {
    const TestRecord record(next, static_cast<std::uint32_t>(next * 37 % 130), salt);
    if (open.HasRoom(record.bytes().size())) {
      open.Append(record.view());
      ++next;
    }
    // Sometimes long enough for an empty batch.
    now_ns += next % 5 == 0 ? 6'000'000 : 1;
    if (next % 3 != 0 || !open.HasRoom(6'000)) status = open.Turn(now_ns);
    if (status.ok() && next % 5 == 0) status = open.Turn(now_ns);
  }
  if (status.ok()) status = open.Settle();
  return {.durable = open.durable_sequence(),
          .appended = open.appended_sequence(),
          .finished = status.ok()};
}

RecordBytes Records(std::uint64_t first, std::uint64_t last, std::uint32_t salt) {
  RecordBytes records;
  for (std::uint64_t next = first; next <= last; ++next) {
    records.push_back(TestRecord(next, static_cast<std::uint32_t>(next * 37 % 130), salt).bytes());
  }
  return records;
}

void Extend(RecordBytes& records, const RecordBytes& more) {
  records.insert(records.end(), more.begin(), more.end());
}

// Recovers, checks that nothing durable is missing and that the rest is a beginning of what was
// appended; `known` grows by what was found.
JournalTail CheckRecovery(SimDisk& disk, const Life& life, std::uint32_t salt, RecordBytes& known) {
  const ReadBack read = ReadAll(disk);
  EXPECT_TRUE(read.status.ok()) << read.status;
  const std::uint64_t found = read.tail.next_sequence - 1;
  EXPECT_GE(found, life.durable);
  EXPECT_LE(found, life.appended);
  Extend(known, Records(known.size() + 1, found, salt));
  EXPECT_EQ(read.records, known);
  return read.tail;
}

constexpr std::uint64_t kFirstLife = 24;
constexpr std::uint64_t kSecondLife = 36;

// Cuts at `operation`, recovers, lives again with a cut at `again`, recovers, lives to the end.
void CrashTwice(std::uint64_t operation, PowerCut cut, std::uint64_t again) {
  SCOPED_TRACE(testing::Message() << "operation " << operation << ", cut " << static_cast<int>(cut)
                                  << ", again " << again);
  const auto seed = static_cast<std::uint32_t>(operation * 7 + again);
  RecordBytes known;
  SimDisk first;
  first.CutFrom(operation);
  const Life one = Live(first, {}, kFirstLife, 1);
  SimDisk second(first, cut, seed);
  const JournalTail tail = CheckRecovery(second, one, 1, known);

  second.CutFrom(second.operations() + again);
  const Life two = Live(second, tail, kSecondLife, 2);
  SimDisk third(second, cut, seed + 1);
  const JournalTail end = CheckRecovery(third, two, 2, known);

  const Life three = Live(third, end, kSecondLife + 5, 3);
  EXPECT_TRUE(three.finished);
  CheckRecovery(third, three, 3, known);
}

// The process is killed at `operation`; the machine runs on, with what was not synced in memory,
// until its power is cut `more` operations into the next life.
void KillThenCut(std::uint64_t operation, std::uint64_t more) {
  SCOPED_TRACE(testing::Message() << "killed at " << operation << ", cut " << more << " later");
  RecordBytes known;
  SimDisk disk;
  disk.CutFrom(operation);
  const Life one = Live(disk, {}, kFirstLife, 1);
  disk.CutFrom(UINT64_MAX);
  const JournalTail tail = CheckRecovery(disk, one, 1, known);
  disk.CutFrom(disk.operations() + more);
  Life two = Live(disk, tail, kSecondLife, 2);
  SimDisk after(disk, PowerCut::kLosesUnsynced, 0);
  // A recovered batch counts once its life has begun to build on it.
  const bool built_upon = two.durable >= tail.next_sequence;
  if (!built_upon) {
    two = {.durable = one.durable, .appended = two.appended};
    known.resize(ReadAll(after).tail.next_sequence - 1);
  }
  CheckRecovery(after, two, 2, known);
}

// No second life has more.
std::uint64_t OperationsOfALife() {
  SimDisk disk;
  EXPECT_TRUE(Live(disk, {}, kSecondLife, 1).finished);
  return disk.operations();
}

void CutInEveryWay(std::uint64_t operation, std::uint64_t most) {
  for (const PowerCut cut :
       {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
    for (std::uint64_t step = 0; step < 2; ++step) {
      CrashTwice(operation, cut, (operation * 5 + step * 29) % most);
    }
  }
}

TEST(Crash, LosesNothingThatASecondLifeBuildsUponThoughTheFirstDidNotSyncIt) {
  SimDisk disk;
  ASSERT_TRUE(Live(disk, {}, kFirstLife, 1).finished);
  const std::uint64_t most = OperationsOfALife();
  for (std::uint64_t operation = 0; operation <= disk.operations(); ++operation) {
    for (std::uint64_t more = operation % 8; more < most; more += 8) KillThenCut(operation, more);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Crash, LosesNothingDurableAtAnyOperationOfTwoLives) {
  SimDisk disk;
  ASSERT_TRUE(Live(disk, {}, kFirstLife, 1).finished);
  const std::uint64_t operations = disk.operations();
  const std::uint64_t most = OperationsOfALife();
  EXPECT_GT(ReadAll(disk).tail.next_segment, 4u);  // The script changes segments.
  for (std::uint64_t operation = 0; operation <= operations; ++operation) {
    CutInEveryWay(operation, most);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Crash, LosesNothingDurableWhereTheSecondLifeIsCutAtAnyOperation) {
  const std::uint64_t most = OperationsOfALife();
  for (const std::uint64_t operation : {11u, 30u, 47u}) {
    for (std::uint64_t again = 0; again < most; ++again) {
      CrashTwice(operation, PowerCut::kMixesSectors, again);
    }
    if (testing::Test::HasFailure()) return;
  }
}

// A journal of three batches whose last one, of three blocks, was in flight.
struct TornJournal {
  TornJournal() {
    auto journal = OpenInMemory(disk, {});
    EXPECT_TRUE(journal.ok());
    WriteBatch(**journal, {TestRecord(1, 3), TestRecord(2, 1)});
    WriteBatch(**journal, {TestRecord(3, 2)});
    WriteBatch(**journal, {TestRecord(4, 100), TestRecord(5, 91), TestRecord(6, 100)});
  }

  static constexpr std::size_t kLastBegin = 3 * kBlockBytes;
  static constexpr std::size_t kLastEnd = 6 * kBlockBytes;
  const std::string path = "shard-0/" + SegmentName(1);
  SimDisk disk;
};

void CheckThatTheLastBatchIsCut(SimDisk& disk) {
  const ReadBack read = ReadAll(disk);
  ASSERT_TRUE(read.status.ok()) << read.status;
  ASSERT_EQ(read.records.size(), 3u);
  EXPECT_EQ(read.tail.next_sequence, 4u);
  EXPECT_EQ(read.tail.next_segment, 2u);

  auto journal = OpenInMemory(disk, read.tail);
  ASSERT_TRUE(journal.ok()) << journal.status();
  WriteBatch(**journal, {TestRecord(4, 1, 2)});
  const ReadBack again = ReadAll(disk);
  ASSERT_TRUE(again.status.ok()) << again.status;
  ASSERT_EQ(again.records.size(), 4u);
  EXPECT_EQ(again.records.back(), TestRecord(4, 1, 2).bytes());
}

TEST(Crash, CutsALastBatchTornAtAnySectorOrHeaderByte) {
  std::vector<std::size_t> cuts;
  for (std::size_t byte = 0; byte < sizeof(BatchHeader); ++byte) cuts.push_back(byte);
  for (std::size_t at = 512; at < TornJournal::kLastEnd - TornJournal::kLastBegin; at += 512) {
    cuts.push_back(at);
  }
  for (const std::size_t cut : cuts) {
    SCOPED_TRACE(cut);
    const std::size_t from = TornJournal::kLastBegin + cut;
    TornJournal zeroed;
    std::vector<std::byte>& bytes = zeroed.disk.Bytes(zeroed.path);
    const bool was_zero = IsZero(std::span(bytes).subspan(from, TornJournal::kLastEnd - from));
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from),
              bytes.begin() + static_cast<std::ptrdiff_t>(TornJournal::kLastEnd), std::byte{0});
    ASSERT_FALSE(was_zero);
    CheckThatTheLastBatchIsCut(zeroed.disk);

    TornJournal truncated;
    truncated.disk.Bytes(truncated.path).resize(from);
    CheckThatTheLastBatchIsCut(truncated.disk);
  }
}

TEST(Crash, KeepsTheSegmentThatATornBatchLiesIn) {
  SimDisk disk;
  auto journal = OpenInMemory(disk, {});
  ASSERT_TRUE(journal.ok());
  WriteBatch(**journal, {TestRecord(1, 1)});
  disk.Bytes("shard-0/" + SegmentName(1))[kBlockBytes] ^= std::byte{1};
  const ReadBack read = ReadAll(disk);
  ASSERT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(read.tail.next_sequence, 1u);
  EXPECT_EQ(read.tail.next_segment, 2u);
}

TEST(Crash, CutsALastBatchWhoseFirstSectorsAloneAreMissing) {
  for (std::size_t to = 512; to < TornJournal::kLastEnd - TornJournal::kLastBegin; to += 512) {
    TornJournal torn;
    std::fill_n(torn.disk.Bytes(torn.path).begin() + TornJournal::kLastBegin, to, std::byte{0});
    CheckThatTheLastBatchIsCut(torn.disk);
  }
}

// A write of a killed daemon may reach the disk when the next one is already running.
TEST(Crash, NeverTakesUpABatchAgainThatARecoveryHasCut) {
  TornJournal torn;
  std::vector<std::byte>& bytes = torn.disk.Bytes(torn.path);
  const std::vector<std::byte> whole = bytes;
  std::fill(bytes.begin() + TornJournal::kLastBegin, bytes.end(), std::byte{0});
  const ReadBack read = ReadAll(torn.disk);
  ASSERT_TRUE(read.status.ok());
  auto journal = OpenInMemory(torn.disk, read.tail);
  ASSERT_TRUE(journal.ok());

  torn.disk.Bytes(torn.path) = whole;  // It arrives late.
  EXPECT_EQ(ReadAll(torn.disk).records.size(), 3u);
  WriteBatch(**journal, {TestRecord(4, 1, 2), TestRecord(5, 1, 2)});
  const ReadBack after = ReadAll(torn.disk);
  ASSERT_TRUE(after.status.ok()) << after.status;
  ASSERT_EQ(after.records.size(), 5u);
  EXPECT_EQ(after.records[3], TestRecord(4, 1, 2).bytes());

  // Nor after another start, whether that one writes or not.
  auto third = OpenInMemory(torn.disk, after.tail);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(ReadAll(torn.disk).records, after.records);
}

TEST(Crash, NeverTakesUpACutBatchWhenStartsInBetweenWroteNothing) {
  TornJournal torn;
  std::vector<std::byte>& bytes = torn.disk.Bytes(torn.path);
  const std::vector<std::byte> whole = bytes;
  std::fill(bytes.begin() + TornJournal::kLastBegin, bytes.end(), std::byte{0});
  for (int start = 0; start < 3; ++start) {
    ASSERT_TRUE(OpenInMemory(torn.disk, ReadAll(torn.disk).tail).ok());
  }
  torn.disk.Bytes(torn.path) = whole;
  SimDisk after(torn.disk, PowerCut::kKeepsUnsynced, 0);
  EXPECT_EQ(ReadAll(after).records.size(), 3u);
}

}  // namespace
}  // namespace engine
