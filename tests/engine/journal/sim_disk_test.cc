// The simulated disk does to a journal what a real one may, and no less.
#include "tests/support/sim_disk.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/sim_batch_writer.h"

namespace engine {
namespace {

constexpr std::size_t kSector = SimContent::kSectorBytes;
constexpr char kPath[] = "folder/file";

std::vector<std::byte> Filled(std::size_t bytes, int value) {
  return std::vector<std::byte>(bytes, static_cast<std::byte>(value));
}

// A file of eight sectors of ones that is on disk, its name too.
class SimDiskTest : public testing::Test {
 protected:
  SimDiskTest() : file_(*disk_.Create(kPath)) {
    EXPECT_TRUE(file_->WriteAt(Filled(8 * kSector, 1), 0).ok());
    EXPECT_TRUE(file_->Sync().ok());
    EXPECT_TRUE(disk_.SyncFolder("folder").ok());
  }
  void WriteTwos() { EXPECT_TRUE(file_->WriteAt(Filled(8 * kSector, 2), 0).ok()); }
  void FailNext(DiskFault::Kind kind, int error = EIO) {
    disk_.SetFault({.kind = kind, .at = disk_.operations(), .error = error});
  }
  std::vector<std::byte> After(PowerCut cut, std::uint64_t seed = 1) {
    return SimDisk(disk_, cut, seed).Bytes(kPath);
  }
  // The sectors that hold twos, as bits; each holds one value throughout.
  static unsigned Twos(const std::vector<std::byte>& bytes) {
    unsigned twos = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      EXPECT_EQ(bytes[i], bytes[i / kSector * kSector]) << "torn within a sector";
      if (bytes[i] == std::byte{2}) twos |= 1u << (i / kSector);
    }
    return twos;
  }

  SimDisk disk_;
  std::unique_ptr<File> file_;
};

TEST_F(SimDiskTest, APowerCutLeavesAnySubsetOfUnsyncedSectors) {
  WriteTwos();
  EXPECT_EQ(Twos(After(PowerCut::kLosesUnsynced)), 0u);
  EXPECT_EQ(Twos(After(PowerCut::kKeepsUnsynced)), 0xFFu);
  std::set<unsigned> subsets;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    subsets.insert(Twos(After(PowerCut::kMixesSectors, seed)));
  }
  EXPECT_EQ(subsets.size(), 256u);
}

TEST_F(SimDiskTest, APowerCutLeavesWhatWasSynced) {
  WriteTwos();
  ASSERT_TRUE(file_->Sync().ok());
  EXPECT_EQ(Twos(After(PowerCut::kLosesUnsynced)), 0xFFu);
}

TEST_F(SimDiskTest, TheSameSeedLeavesTheSame) {
  WriteTwos();
  EXPECT_EQ(After(PowerCut::kMixesSectors, 7), After(PowerCut::kMixesSectors, 7));
}

TEST_F(SimDiskTest, NamesSurviveOnceTheirFolderIsSynced) {
  ASSERT_TRUE(disk_.Rename(kPath, "folder/other").ok());
  EXPECT_TRUE(SimDisk(disk_, PowerCut::kLosesUnsynced, 1).names().contains(kPath));
  ASSERT_TRUE(disk_.SyncFolder("elsewhere").ok());
  EXPECT_TRUE(SimDisk(disk_, PowerCut::kLosesUnsynced, 1).names().contains(kPath));
  ASSERT_TRUE(disk_.SyncFolder("folder").ok());
  const SimDisk after(disk_, PowerCut::kLosesUnsynced, 1);
  EXPECT_FALSE(after.names().contains(kPath));
  EXPECT_TRUE(after.names().contains("folder/other"));
}

TEST_F(SimDiskTest, AFileIsLostWithTheFolderThatItIsIn) {
  ASSERT_TRUE(disk_.CreateFolder("data").ok());
  ASSERT_TRUE(disk_.CreateFolder("data/shard").ok());
  ASSERT_TRUE(disk_.Create("data/shard/file").ok());
  ASSERT_TRUE(disk_.SyncFolder("data/shard").ok());
  ASSERT_TRUE(disk_.SyncFolder("data").ok());
  EXPECT_FALSE(SimDisk(disk_, PowerCut::kLosesUnsynced, 1).names().contains("data/shard/file"));
  ASSERT_TRUE(disk_.SyncFolder("data/..").ok());
  EXPECT_TRUE(SimDisk(disk_, PowerCut::kLosesUnsynced, 1).names().contains("data/shard/file"));
}

TEST_F(SimDiskTest, ASyncThatFailedSucceedsNextTimeThoughTheDataIsLost) {
  WriteTwos();
  FailNext(DiskFault::Kind::kFailsOnce);
  EXPECT_FALSE(file_->Sync().ok());
  EXPECT_TRUE(file_->Sync().ok());
  EXPECT_EQ(Twos(disk_.Bytes(kPath)), 0xFFu);  // Out of the cache.
  EXPECT_NE(Twos(After(PowerCut::kLosesUnsynced)), 0xFFu);
  disk_.DropCaches();
  EXPECT_EQ(disk_.Bytes(kPath), After(PowerCut::kLosesUnsynced));
}

TEST_F(SimDiskTest, ADirectWriteThatFailedIsReadAsTheMediumHoldsIt) {
  SimBatchWriter writer(disk_);
  ASSERT_TRUE(writer.Use(kPath).ok());
  const std::vector<std::byte> twos = Filled(8 * kSector, 2);
  ASSERT_TRUE(writer.Submit(twos, 0).ok());
  FailNext(DiskFault::Kind::kFailsOnce);
  EXPECT_FALSE(writer.Completed().ok());
  EXPECT_NE(Twos(disk_.Bytes(kPath)), 0xFFu);
  EXPECT_EQ(disk_.Bytes(kPath), After(PowerCut::kLosesUnsynced));
}

TEST_F(SimDiskTest, AWriteThatFailsLeavesSomeOfItsSectors) {
  FailNext(DiskFault::Kind::kFailsOnce);
  EXPECT_FALSE(file_->WriteAt(Filled(8 * kSector, 2), 0).ok());
  EXPECT_NE(Twos(disk_.Bytes(kPath)), 0u);
  EXPECT_NE(Twos(disk_.Bytes(kPath)), 0xFFu);
}

TEST_F(SimDiskTest, FailsOnceOrForEverWithTheErrorsOfTheSystem) {
  FailNext(DiskFault::Kind::kFailsOnce, ENOSPC);
  EXPECT_TRUE(absl::IsResourceExhausted(file_->Size().status()));
  EXPECT_TRUE(file_->Size().ok());
  FailNext(DiskFault::Kind::kFailsForEver, EINTR);
  EXPECT_TRUE(absl::IsUnavailable(file_->Size().status()));
  EXPECT_TRUE(absl::IsUnavailable(disk_.List("folder").status()));
  EXPECT_EQ(disk_.failed().size(), 3u);
  disk_.Heal();
  EXPECT_TRUE(disk_.List("folder").ok());
}

TEST_F(SimDiskTest, AFullDiskRefusesOnlyWhatNeedsSpace) {
  FailNext(DiskFault::Kind::kIsFull);
  EXPECT_TRUE(absl::IsResourceExhausted(disk_.Create("folder/more").status()));
  EXPECT_TRUE(absl::IsResourceExhausted(file_->WriteAt(Filled(kSector, 2), 8 * kSector)));
  EXPECT_TRUE(file_->WriteAt(Filled(kSector, 2), 0).ok());
}

TEST_F(SimDiskTest, AShortWriteSaysThatItIsDone) {
  FailNext(DiskFault::Kind::kWritesShort);
  WriteTwos();
  const unsigned twos = Twos(disk_.Bytes(kPath));
  EXPECT_EQ(twos & (twos + 1), 0u);  // From the beginning on.
  EXPECT_NE(twos, 0xFFu);
  WriteTwos();
  EXPECT_EQ(Twos(disk_.Bytes(kPath)), 0xFFu);  // Once.
}

TEST_F(SimDiskTest, AMisdirectedWriteGoesElsewhereInItsFile) {
  for (std::uint64_t sector = 0; sector < 8; ++sector) {
    ASSERT_TRUE(file_->WriteAt(Filled(8 * kSector, 1), 0).ok());
    FailNext(DiskFault::Kind::kMisdirects);
    EXPECT_TRUE(file_->WriteAt(Filled(kSector, 2), sector * kSector).ok());
    const unsigned twos = Twos(disk_.Bytes(kPath));
    EXPECT_NE(twos, 0u);
    EXPECT_NE(twos, 1u << sector);
  }
}

TEST_F(SimDiskTest, ALostWriteChangesNothing) {
  FailNext(DiskFault::Kind::kLosesWrite);
  WriteTwos();
  EXPECT_TRUE(disk_.lied());
  EXPECT_EQ(Twos(disk_.Bytes(kPath)), 0u);
}

}  // namespace
}  // namespace engine
