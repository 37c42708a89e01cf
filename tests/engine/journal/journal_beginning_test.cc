// Where a journal begins is said in a file that is whole or refused.
#include "engine/journal/journal_beginning.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/journal_records.h"

namespace engine {
namespace {

using testing::HasSubstr;

constexpr char kFolder[] = "shard-0";
constexpr char kPath[] = "shard-0/kept-from";
constexpr JournalBeginning kFifth{.segment = 5, .sequence = 1'234};
constexpr JournalBeginning kNinth{.segment = 9, .sequence = 5'000};

TEST(JournalBeginning, IsTheFirstSegmentWhereNothingWasRemoved) {
  SimDisk disk;
  const auto beginning = ReadBeginning(disk, kFolder, kTestIdentity);
  ASSERT_TRUE(beginning.ok()) << beginning.status();
  EXPECT_EQ(*beginning, (JournalBeginning{.segment = 1, .sequence = 1}));
}

TEST(JournalBeginning, IsReadAsItWasWritten) {
  SimDisk disk;
  ASSERT_TRUE(WriteBeginning(disk, kFolder, kTestIdentity, kFifth).ok());
  EXPECT_EQ(*ReadBeginning(disk, kFolder, kTestIdentity), kFifth);
  EXPECT_EQ(*ReadBeginning(disk, kFolder, std::nullopt), kFifth);
  ASSERT_TRUE(WriteBeginning(disk, kFolder, kTestIdentity, kNinth).ok());
  EXPECT_EQ(*ReadBeginning(disk, kFolder, kTestIdentity), kNinth);
}

// As FORMAT.md has it: what one build writes another one reads.
TEST(JournalBeginning, IsWrittenInItsFirstFormat) {
  SimDisk disk;
  ASSERT_TRUE(WriteBeginning(disk, kFolder, kTestIdentity, kFifth).ok());
  const std::vector<std::byte>& bytes = disk.Bytes(kPath);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
            "peerwatt journal kept from, format 1\n"
            "cluster_id 07010000000000000000000000000000\n"
            "shard 0\n"
            "segment 5\n"
            "sequence 1234\n"
            "checksum 562eaf7d5c8fbcde\n");
}

TEST(JournalBeginning, IsRefusedWhicheverBitIsFlippedAndHoweverMuchIsMissing) {
  SimDisk disk;
  ASSERT_TRUE(WriteBeginning(disk, kFolder, kTestIdentity, kFifth).ok());
  const std::vector<std::byte> sound = disk.Bytes(kPath);
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    disk.Bytes(kPath)[bit / 8] ^= std::byte(1 << bit % 8);
    const absl::Status status = ReadBeginning(disk, kFolder, kTestIdentity).status();
    EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsFailedPrecondition(status)) << "bit " << bit;
    disk.Bytes(kPath) = sound;
  }
  for (std::size_t size = 0; size < sound.size(); ++size) {
    disk.Bytes(kPath).resize(size);
    const absl::Status status = ReadBeginning(disk, kFolder, kTestIdentity).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << size << " bytes";
    EXPECT_THAT(std::string(status.message()), HasSubstr(kPath));
    disk.Bytes(kPath) = sound;
  }
  disk.Bytes(kPath).push_back(std::byte{'\n'});
  EXPECT_TRUE(absl::IsDataLoss(ReadBeginning(disk, kFolder, kTestIdentity).status()));
}

TEST(JournalBeginning, OfAnotherJournalIsRefused) {
  SimDisk disk;
  ASSERT_TRUE(WriteBeginning(disk, kFolder, kTestIdentity, kFifth).ok());
  JournalIdentity other = kTestIdentity;
  other.shard = 1;
  const absl::Status status = ReadBeginning(disk, kFolder, other).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

TEST(JournalBeginning, IsTheOldOneOrTheNewOneWhereverThePowerIsCut) {
  bool finished = false;
  for (std::uint64_t at = 0; !finished; ++at) {
    SimDisk disk;
    ASSERT_TRUE(WriteBeginning(disk, kFolder, kTestIdentity, kFifth).ok());
    disk.CutFrom(disk.operations() + at);
    finished = WriteBeginning(disk, kFolder, kTestIdentity, kNinth).ok();
    for (const PowerCut cut :
         {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
      SimDisk after(disk, cut, at);
      const auto beginning = ReadBeginning(after, kFolder, kTestIdentity);
      ASSERT_TRUE(beginning.ok()) << beginning.status() << " after " << at;
      EXPECT_TRUE(*beginning == kNinth || (!finished && *beginning == kFifth)) << at;
    }
  }
}

// What is read of it may be in memory alone where a sync has failed: it is not relied upon.
TEST(JournalBeginning, IsOnDiskBeforeLeftoversGoThoughItsFirstSyncFailed) {
  std::size_t lost = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    SimDisk disk(seed);
    for (std::uint64_t number = 3; number <= 5; ++number) {
      ASSERT_TRUE(disk.Create(std::string(kFolder) + "/" + SegmentName(number)).ok());
    }
    ASSERT_TRUE(disk.SyncFolder(kFolder).ok());
    constexpr std::uint64_t kSyncFolder = 4;  // Behind create, write, sync and rename.
    disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = disk.operations() + kSyncFolder});
    EXPECT_FALSE(WriteBeginning(disk, kFolder, kTestIdentity, kFifth).ok());
    ASSERT_EQ(disk.failed().front().call, DiskCall::kSyncFolder);
    EXPECT_EQ(*ReadBeginning(disk, kFolder, kTestIdentity), kFifth);
    SimDisk before(disk, PowerCut::kLosesUnsynced, 1);
    lost += before.names().contains(kPath) ? 0 : 1;
    ASSERT_TRUE(RemoveLeftovers(disk, kFolder, kTestIdentity, kFifth).ok());
    SimDisk after(disk, PowerCut::kLosesUnsynced, 1);
    EXPECT_EQ(*ReadBeginning(after, kFolder, kTestIdentity), kFifth);
    EXPECT_EQ(after.names().size(), 2u);
  }
  EXPECT_GT(lost, 5u);
}

}  // namespace
}  // namespace engine
