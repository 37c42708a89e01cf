// A backup is a data directory that comes to the same state, and nothing less ever looks like one.
#include "engine/runtime/backup.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/journal/data_directory.h"
#include "engine/journal/journal.h"
#include "engine/journal/registered_readers.h"
#include "engine/journal/segment_remover.h"
#include "engine/runtime/recovery.h"
#include "engine/runtime/snapshots.h"
#include "tests/support/busy_disk.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/journal_folder.h"
#include "tests/support/random_day.h"

namespace engine {
namespace {

using testing::HasSubstr;

// A data directory of two shards with a day in the first and another in the second.
class Backup : public testing::Test {
 protected:
  void SetUp() override {
    const auto directory = DataDirectory::Create(PosixDisk(), source_, description_);
    ASSERT_TRUE(directory.ok()) << directory.status();
    for (std::uint32_t shard = 0; shard < 2; ++shard) WriteDay(*directory, shard);
    ASSERT_TRUE(directory->Commit(PosixDisk()).ok());
    ASSERT_TRUE(directory->OpenLotteryKey(PosixDisk()).ok());
  }

  void WriteDay(const DataDirectory& directory, std::uint32_t shard) {
    ExchangeDriver driver;
    RunDay(1 + shard, driver);
    auto writer = MakeBatchWriter(directory.ShardFolder(shard), WriterChoice::kAuto);
    ASSERT_TRUE(writer.ok()) << writer.status();
    auto journal = Journal::Open(PosixDisk(), *std::move(writer),
                                 {.folder = directory.ShardFolder(shard),
                                  .identity = directory.Identity(shard),
                                  .segment_bytes = 5 * kBlockBytes,
                                  .batch_bytes = 2 * kBlockBytes},
                                 JournalTail{});
    ASSERT_TRUE(journal.ok()) << journal.status();
    for (const OwnedCommand& command : driver.journal) {
      if (!(*journal)->HasRoom(command.view().header().length)) {
        ASSERT_TRUE((*journal)->Settle().ok());
      }
      (*journal)->Append(command.view());
    }
    ASSERT_TRUE((*journal)->Settle().ok());
    digests_.push_back(driver.exchange.StateDigest());
    sequences_.push_back(driver.exchange.sequence());
  }

  // Snapshots of the first shard after those commands; what lies before the first one goes.
  void RemoveBeginning(const std::vector<std::uint64_t>& sequences) {
    const std::string folder = source_ + "/shard-0";
    const JournalIdentity identity{.cluster_id = description_.cluster_id, .shard = 0};
    Exchange exchange;
    const auto replayed =
        Recover(PosixDisk(), {.folder = folder, .identity = identity}, [&](CommandView command) {
          absl::Status status = Replay(command, exchange);
          if (status.ok() && std::ranges::count(sequences, exchange.sequence()) > 0) {
            status = WriteSnapshot(PosixDisk(), folder, identity, exchange).status();
          }
          return status;
        });
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    SegmentRemover remover(PosixDisk(), folder, identity);
    const auto removable = remover.Look({.before_ns = INT64_MAX,
                                         .snapshot = sequences.front(),
                                         .outbox = UINT64_MAX,
                                         .readers = {}});
    ASSERT_TRUE(removable.ok()) << removable.status();
    ASSERT_GT(removable->segments, 0u);
    ASSERT_TRUE(remover.Remove(removable->segments).ok());
  }
  static void Damage(const std::string& file) {
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekp(4'096 + 100);
    bytes.put('\x7f');
  }

  absl::StatusOr<std::vector<CopiedShard>> Copy(const std::string& from, const std::string& to) {
    return CopyDataDirectory(PosixDisk(), from, to);
  }

  void ExpectSame(const absl::StatusOr<std::vector<CopiedShard>>& shards) {
    ASSERT_TRUE(shards.ok()) << shards.status();
    ASSERT_EQ(shards->size(), 2u);
    for (std::size_t shard = 0; shard < 2; ++shard) {
      EXPECT_EQ((*shards)[shard].digest, digests_[shard]);
      EXPECT_EQ((*shards)[shard].sequence, sequences_[shard]);
    }
  }

  TemporaryFolder folder_;
  const std::string source_ = folder_.path() + "/data";
  const std::string backup_ = folder_.path() + "/backup";
  const ClusterDescription description_{.cluster_id = {std::byte{5}},
                                        .shard_count = 2,
                                        .clock_origin_ns = 3'000,
                                        .clock_wall_ns = 4'000,
                                        .clock_factor = 60};
  std::vector<DigestBytes> digests_;
  std::vector<std::uint64_t> sequences_;
};

TEST_F(Backup, ComesToTheSameStateAndSoDoesWhatIsRestoredOfIt) {
  ExpectSame(Copy(source_, backup_));
  const std::string restored = folder_.path() + "/restored";
  ExpectSame(Copy(backup_, restored));
  const auto source = DataDirectory::Open(PosixDisk(), source_);
  const auto copy = DataDirectory::Open(PosixDisk(), restored);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->description(), description_);
  const auto key = copy->OpenLotteryKey(PosixDisk());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_FALSE(key->made);
  EXPECT_EQ(key->key, source->OpenLotteryKey(PosixDisk())->key);
  EXPECT_EQ(std::filesystem::status(restored + "/lottery.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Backup, IsMadeOfADirectoryInUse) {
  const auto daemon = DataDirectory::Open(PosixDisk(), source_);
  ASSERT_TRUE(daemon.ok());
  ExpectSame(Copy(source_, backup_));
}

// As a daemon under load that keeps little: whenever the copy looks another segment is to go.
TEST_F(Backup, IsMadeAtOnceBesideADaemonThatRemovesSegments) {
  const auto daemon = DataDirectory::Open(PosixDisk(), source_);
  ASSERT_TRUE(daemon.ok());
  const std::uint64_t half = sequences_[0] / 2;
  RemoveBeginning({half, half + 100, half + 200});
  SegmentRemover remover(PosixDisk(), source_ + "/shard-0", daemon->Identity(0));
  std::size_t removed = 0;
  std::uint64_t passed = half;
  const auto remove = [&] {
    const auto removable = remover.Look(
        {.before_ns = INT64_MAX, .snapshot = ++passed, .outbox = UINT64_MAX, .readers = {}});
    ASSERT_TRUE(removable.ok()) << removable.status();
    if (removable->segments == 0) return;
    const auto gone = remover.Remove(1);
    ASSERT_TRUE(gone.ok()) << gone.status();
    removed += *gone;
  };
  BusyDisk busy(PosixDisk(), remove);
  ExpectSame(CopyDataDirectory(busy, source_, backup_));
  remove();
  EXPECT_GT(removed, 0u);
}

TEST_F(Backup, WaitsForAnotherOne) {
  const auto daemon = DataDirectory::Open(PosixDisk(), source_);
  ASSERT_TRUE(daemon.ok());
  {
    const auto other = PosixDisk().TryLock(CopyLock(source_ + "/shard-1"));
    ASSERT_TRUE(other.ok());
    const absl::Status status = Copy(source_, backup_).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("another backup of it is being made"));
  }
  ExpectSame(Copy(source_, folder_.path() + "/later"));
}

TEST_F(Backup, LocksADirectoryThatIsNotInUseNoLongerThanItTakes) {
  ASSERT_TRUE(Copy(source_, backup_).ok());
  EXPECT_TRUE(DataDirectory::Open(PosixDisk(), source_).ok());
  EXPECT_TRUE(DataDirectory::Open(PosixDisk(), backup_).ok());
}

TEST_F(Backup, OfADirectoryThatNeverRanHasNoKeyOfLotteries) {
  std::filesystem::remove(source_ + "/lottery.key");
  ExpectSame(Copy(source_, backup_));
  EXPECT_FALSE(std::filesystem::exists(backup_ + "/lottery.key"));
  EXPECT_FALSE(std::filesystem::exists(source_ + "/lottery.key"));
}

TEST_F(Backup, GoesOverNothing) {
  ASSERT_TRUE(Copy(source_, backup_).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Copy(source_, backup_).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(Copy(backup_, source_).status()));
  ExpectSame(Copy(source_, folder_.path() + "/another"));
}

TEST_F(Backup, LiesOutsideOfWhatItIsACopyOf) {
  const std::string link = folder_.path() + "/link";
  std::filesystem::create_directory_symlink(source_, link);
  for (const std::string& to :
       {source_, source_ + "/", source_ + "/copy", source_ + "/../data/copy", link + "/copy"}) {
    EXPECT_THAT(std::string(Copy(source_, to).status().message()),
                HasSubstr("name a folder outside"))
        << to;
  }
  EXPECT_FALSE(std::filesystem::exists(source_ + "/copy"));
  ExpectSame(Copy(source_, source_ + "2"));
}

TEST_F(Backup, OfWhatIsNoDataDirectoryIsRefused) {
  EXPECT_TRUE(absl::IsNotFound(Copy(folder_.path() + "/nowhere", backup_).status()));
  EXPECT_FALSE(std::filesystem::exists(backup_));
}

TEST_F(Backup, OfADamagedDirectoryIsNone) {
  const std::string file = source_ + "/shard-1/" + "journal-0000000000000001.seg";
  Damage(file);
  const auto shards = Copy(source_, backup_);
  EXPECT_TRUE(absl::IsDataLoss(shards.status())) << shards.status();
  EXPECT_THAT(shards.status().ToString(), HasSubstr(file));
  EXPECT_TRUE(absl::IsNotFound(DataDirectory::Open(PosixDisk(), backup_).status()));
}

TEST_F(Backup, WithADamagedKeyIsRefused) {
  std::ofstream(source_ + "/lottery.key") << "no key\n";
  EXPECT_TRUE(absl::IsDataLoss(Copy(source_, backup_).status()));
  EXPECT_TRUE(absl::IsNotFound(DataDirectory::Open(PosixDisk(), backup_).status()));
}

TEST_F(Backup, WithoutItsBeginningHasTheOldestSnapshotAndComesToTheSameState) {
  const std::uint64_t half = sequences_[0] / 2;
  RemoveBeginning({half, half + 100});
  EXPECT_FALSE(std::filesystem::exists(source_ + "/shard-0/journal-0000000000000001.seg"));
  ExpectSame(Copy(source_, backup_));
  const std::string restored = folder_.path() + "/restored";
  ExpectSame(Copy(backup_, restored));
  EXPECT_TRUE(std::filesystem::exists(restored + "/shard-0/kept-from"));
  EXPECT_TRUE(std::filesystem::exists(restored + "/shard-0/" + SnapshotName(half)));
  EXPECT_FALSE(std::filesystem::exists(restored + "/shard-0/" + SnapshotName(half + 100)));
  EXPECT_FALSE(std::filesystem::exists(restored + "/shard-1/kept-from"));
}

TEST_F(Backup, TakesTheNextSnapshotWhereTheOldestIsDamaged) {
  const std::uint64_t half = sequences_[0] / 2;
  RemoveBeginning({half, half + 100});
  Damage(source_ + "/shard-0/" + SnapshotName(half));
  ExpectSame(Copy(source_, backup_));
  EXPECT_FALSE(std::filesystem::exists(backup_ + "/shard-0/" + SnapshotName(half)));
  EXPECT_TRUE(std::filesystem::exists(backup_ + "/shard-0/" + SnapshotName(half + 100)));
}

TEST_F(Backup, WithoutItsBeginningAndWithoutAWholeSnapshotIsNone) {
  const std::uint64_t half = sequences_[0] / 2;
  RemoveBeginning({half});
  Damage(source_ + "/shard-0/" + SnapshotName(half));
  EXPECT_TRUE(absl::IsDataLoss(Copy(source_, backup_).status()));
  EXPECT_TRUE(absl::IsNotFound(DataDirectory::Open(PosixDisk(), backup_).status()));
}

TEST_F(Backup, HasTheRegisteredReadersWhereItEndsAtMost) {
  const std::string folder = source_ + "/shard-0";
  ASSERT_TRUE(WriteReader(PosixDisk(), folder, {"ahead", sequences_[0] + 5}).ok());
  ASSERT_TRUE(WriteReader(PosixDisk(), folder, {"behind", 7}).ok());
  ExpectSame(Copy(source_, backup_));
  const auto readers = ListReaders(PosixDisk(), backup_ + "/shard-0");
  ASSERT_TRUE(readers.ok()) << readers.status();
  EXPECT_THAT(*readers, testing::ElementsAre(RegisteredReader{"ahead", sequences_[0]},
                                             RegisteredReader{"behind", 7}));
  std::ofstream(folder + "/reader-behind.txt") << "no reader\n";
  EXPECT_THAT(std::string(Copy(source_, folder_.path() + "/another").status().message()),
              HasSubstr("reader-behind.txt"));
}

}  // namespace
}  // namespace engine
