// A snapshot is begun with only where what was loaded is what it was made of.
#include "engine/runtime/snapshots.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/runtime/deletion_world.h"
#include "tests/support/busy_disk.h"

namespace engine {
namespace {

bool SaysThatTheDigestIsAnother(const std::string& text) {
  return text.find("what is loaded from it has another digest") != std::string::npos;
}

// Two snapshots, of which the older one has another state in its place, as whole as it is: a reader
// that looks more than once may find first the one, then the other.
class ChangedSnapshot : public Deletion {
 protected:
  ChangedSnapshot() {
    NextStart(Keeping(0));
    NextStart(Keeping(0));
    Trade();
    Restart();
    path_ = SnapshotPath(snapshots_[0]);
    sound_ = world_.disk->Bytes(path_);
    std::vector<std::byte> state(sound_.begin() + kBlockBytes, sound_.end());
    state[sizeof(GenesisBody) + 16] ^= std::byte{1};  // The running digest.
    SimDisk disk;
    auto writer = SnapshotWriter::Begin(disk, kFolder, kWorldIdentity, snapshots_[0], 1);
    EXPECT_TRUE(writer.ok());
    (*writer)->Add(state);
    EXPECT_TRUE((*writer)->Finish().ok());
    other_ = disk.Bytes(path_);
  }

  // Calls act(disk) again and again, each time with the change at another look.
  template <typename Act>
  void ChangeAtEveryLook(Act act) {
    for (std::uint64_t at = 0;; ++at) {
      SCOPED_TRACE(at);
      SimDisk disk(*world_.disk, PowerCut::kKeepsUnsynced, 1);
      disk.SetFreeBytes(0);  // A follower makes no other.
      std::uint64_t looks = 0;
      BusyDisk busy(disk, [&] {
        if (looks++ == at) disk.Bytes(path_) = other_;
      });
      act(busy);
      if (looks <= at || HasFailure()) return;
    }
  }

  std::string path_;
  std::vector<std::byte> sound_;
  std::vector<std::byte> other_;
};

TEST_F(ChangedSnapshot, IsPassedOverByAStart) {
  ASSERT_TRUE(world_.disk->Remove(SnapshotPath(snapshots_[1])).ok());
  std::size_t begun = 0;
  std::size_t passed_over = 0;
  ChangeAtEveryLook([&](Disk& disk) {
    const auto recovery = Recover(disk);
    ASSERT_TRUE(recovery.ok()) << recovery.status();
    begun += recovery->snapshot_sequence > 0 ? 1 : 0;
    if (recovery->damaged.empty()) return;  // It was changed too early, or too late.
    EXPECT_EQ(recovery->snapshot_sequence, 0u);
    EXPECT_EQ(ToHex(recovery->digest), ToHex(Digest()));
    passed_over += SaysThatTheDigestIsAnother(recovery->damaged.front()) ? 1 : 0;
  });
  EXPECT_GT(passed_over, 0u);
  EXPECT_GT(begun, 0u);
}

TEST_F(ChangedSnapshot, IsPassedOverByAFollower) {
  ASSERT_TRUE(world_.disk->Remove(SnapshotPath(snapshots_[1])).ok());
  std::size_t passed_over = 0;
  ChangeAtEveryLook([&](Disk& disk) {
    const auto loaded = LoadNewestSnapshot(disk, kFolder, kWorldIdentity);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->sequence, loaded->damaged.empty() ? snapshots_[0] : 0);
    if (loaded->damaged.empty()) return;
    passed_over += SaysThatTheDigestIsAnother(loaded->damaged.front()) ? 1 : 0;
  });
  EXPECT_GT(passed_over, 0u);
}

// Whoever is told that it is damaged would restore a backup, and lose what came after that.
TEST_F(ChangedSnapshot, IsNotCalledDamagedWhereTheDiskFails) {
  std::size_t failed = 0;
  for (std::uint64_t at = 0;; ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(*world_.disk, PowerCut::kKeepsUnsynced, 1);
    disk.SetFault({.kind = DiskFault::Kind::kFailsForEver, .at = at, .error = EIO});
    const auto exchange = LoadSnapshot(disk, kFolder, snapshots_[0], kWorldIdentity);
    if (exchange.ok()) break;
    EXPECT_TRUE(IsDiskFault(exchange.status())) << exchange.status();
    ++failed;
  }
  EXPECT_GT(failed, 4u);
}

// On which every start rests once they are gone.
TEST_F(ChangedSnapshot, KeepsTheSegmentsBeforeIt) {
  std::size_t kept = 0;
  ChangeAtEveryLook([&](Disk& disk) {
    Follower follower(disk, Keeping(kKeepNs));
    const auto step = follower.Follow(go_on);
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_EQ(step->removed > 0, step->removal_status.ok());
    kept += SaysThatTheDigestIsAnother(step->removal_status.ToString()) ? 1 : 0;
  });
  EXPECT_GT(kept, 0u);
}

}  // namespace
}  // namespace engine
