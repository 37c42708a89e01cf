// A shard's old segments go once everybody has passed them, and no start ever misses them.
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/runtime/outbox.h"
#include "tests/engine/runtime/deletion_world.h"
#include "tests/support/covered_event.h"

namespace engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Deletion, TakesSegmentsThatAreOldAndThatTheOlderSnapshotHasPassed) {
  EXPECT_EQ(NextStart(Keeping(kKeepNs)).removed, 0u);  // There is but one snapshot.
  const Follower::Step second = NextStart(Keeping(kKeepNs));
  EXPECT_GT(second.removed, 0u);
  EXPECT_EQ(second.begins_with, snapshots_[0] + 1);
  EXPECT_THAT(second.held_by, IsEmpty());
  const Follower::Step third = NextStart(Keeping(kKeepNs));
  EXPECT_EQ(third.removed, 1u);
  EXPECT_EQ(third.begins_with, snapshots_[1] + 1);
  ExpectSameState(*world_.disk, Digest());
  world_.Kill();
  world_.Start();
  EXPECT_EQ(world_.recovered.snapshot_sequence, snapshots_[2]);
}

// Segments that close while no snapshot can be made, and grow old, wait for the next but one.
TEST_F(Deletion, GoesNoFartherThanTheOlderSnapshotWhateverIsClosed) {
  FollowerOptions options = Keeping(kKeepNs);
  options.keep_free_bytes = std::uint64_t{1} << 40;
  Follower follower(*world_.disk, options);
  for (int snapshots = 0; snapshots < 2; ++snapshots) {
    CloseSegment();
    const auto step = follower.Follow(go_on);
    ASSERT_TRUE(step.ok() && step->snapshot) << step.status();
    snapshots_.push_back(step->snapshot->sequence);
  }
  EXPECT_EQ(ReadBeginning(*world_.disk, kFolder, kWorldIdentity)->sequence, snapshots_[0] + 1);
  world_.disk->SetFreeBytes(std::uint64_t{1} << 39);
  for (int closed = 0; closed < 2; ++closed) {
    CloseSegment();
    const auto step = follower.Follow(go_on);
    ASSERT_TRUE(step.ok() && !step->snapshot_status.ok()) << step.status();
    EXPECT_EQ(step->removed, 0u);
  }
  EXPECT_EQ(ReadBeginning(*world_.disk, kFolder, kWorldIdentity)->sequence, snapshots_[0] + 1);
  world_.disk->SetFreeBytes(UINT64_MAX);
  CloseSegment();
  const auto step = follower.Follow(go_on);
  ASSERT_TRUE(step.ok() && step->snapshot) << step.status();
  EXPECT_EQ(step->begins_with, snapshots_[1] + 1);
}

TEST_F(Deletion, TakesNothingWhereAllIsToBeKept) {
  for (int starts = 0; starts < 5; ++starts) EXPECT_EQ(NextStart(Keeping(0)).removed, 0u);
  EXPECT_TRUE(Segments(*world_.disk).contains(1));
  EXPECT_FALSE(world_.disk->names().contains("shard-0/kept-from"));
}

TEST_F(Deletion, TakesNothingThatIsTooYoung) {
  const std::int64_t hour_ns = 3'600 * kSecondNs;
  for (int starts = 0; starts < 5; ++starts) EXPECT_EQ(NextStart(Keeping(hour_ns)).removed, 0u);
  EXPECT_TRUE(Segments(*world_.disk).contains(1));
}

TEST_F(Deletion, WaitsForARegisteredReaderAndSaysWhich) {
  ASSERT_TRUE(WriteReader(*world_.disk, kFolder, {"ledger", 0}).ok());
  NextStart(Keeping(kKeepNs));
  const Follower::Step held = NextStart(Keeping(kKeepNs));
  EXPECT_EQ(held.removed, 0u);
  EXPECT_THAT(held.held_by, HasSubstr("reader ledger, which has passed sequence 0"));
  Trade();
  Restart();
  Follower follower(*world_.disk, Keeping(kKeepNs));
  EXPECT_THAT(follower.Follow(go_on)->held_by, HasSubstr("reader ledger"));
  EXPECT_THAT(follower.Follow(go_on)->held_by, IsEmpty());  // Said once.
  ASSERT_TRUE(WriteReader(*world_.disk, kFolder, {"ledger", snapshots_[0]}).ok());
  const auto passed = follower.Follow(go_on);
  EXPECT_GT(passed->removed, 0u);
  EXPECT_EQ(passed->begins_with, snapshots_[0] + 1);
  EXPECT_THAT(passed->held_by, HasSubstr("which has passed"));  // It holds back less.
}

TEST_F(Deletion, WaitsWhereAReadersFileCannotBeRead) {
  ASSERT_TRUE(WriteReader(*world_.disk, kFolder, {"ledger", 9'999}).ok());
  ASSERT_TRUE(world_.disk->Rename("shard-0/reader-ledger.txt", "shard-0/reader-audit.txt").ok());
  ASSERT_TRUE(world_.disk->SyncFolder(kFolder).ok());
  NextStart(Keeping(kKeepNs));
  const Follower::Step held = NextStart(Keeping(kKeepNs));
  EXPECT_EQ(held.removed, 0u);
  EXPECT_THAT(held.held_by, HasSubstr("shard-0/reader-audit.txt"));
}

TEST_F(Deletion, WaitsForTheOutbox) {
  NextStart(Keeping(kKeepNs));
  NextStart(Keeping(0));
  Trade();
  Restart();
  Doorbell bell;
  TapLink tap = MakeTapLink(bell, bell, 64);
  auto store = EventStore::Open(*world_.disk, {.folder = kFolder, .identity = kWorldIdentity});
  ASSERT_TRUE(store.ok());
  Outbox outbox(*std::move(store), world_.clock, bell, std::move(tap.outbox), {});
  FollowerOptions options = Keeping(kKeepNs);
  options.outbox = &outbox;
  Follower follower(*world_.disk, options);
  EXPECT_FALSE(follower.Follow(go_on)->snapshot);
  EXPECT_EQ(follower.Follow(go_on)->removed, 0u);
  {  // Nothing else holds them back.
    SimDisk disk(*world_.disk, PowerCut::kKeepsUnsynced, 1);
    disk.SetFreeBytes(0);
    options.outbox = nullptr;
    Follower without(disk, options);
    const auto step = without.Follow(go_on);
    EXPECT_FALSE(step->snapshot.has_value());
    EXPECT_GT(step->removed, 0u);
  }
  tap.shard.events.Put(CoveredEvent(follower.sequence()));
  tap.shard.events.Publish();
  while (outbox.Turn()) {
  }
  const auto step = follower.Follow(go_on);
  EXPECT_TRUE(step->snapshot.has_value());
  EXPECT_GT(step->removed, 0u);
}

TEST_F(Deletion, WaitsForABackupWithSegmentsAndSnapshots) {
  NextStart(Keeping(kKeepNs));
  Trade();
  Restart();
  Follower follower(*world_.disk, Keeping(kKeepNs));
  {
    const auto lock = world_.disk->TryLock(CopyLock(kFolder));
    ASSERT_TRUE(lock.ok());
    for (int snapshots = 0; snapshots < 5; ++snapshots) {
      CloseSegment();
      const auto step = follower.Follow(go_on);
      ASSERT_TRUE(step.ok() && step->snapshot) << step.status();
      EXPECT_EQ(step->removed, 0u);
      EXPECT_THAT(step->held_by, HasSubstr("a backup that is being made"));
      EXPECT_EQ(follower.Follow(go_on)->removed, 0u);
    }
    // Those that a copy may have found, and the newest: a long one does not fill the disk.
    const auto kept = ListSnapshots(*world_.disk, kFolder);
    EXPECT_LE(kept->size(), 5u);
    EXPECT_EQ(kept->back(), snapshots_[0]);
  }
  CloseSegment();
  const auto step = follower.Follow(go_on);
  ASSERT_TRUE(step.ok() && step->snapshot) << step.status();
  EXPECT_GT(step->removed, 0u);
  EXPECT_THAT(step->held_by, IsEmpty());
  EXPECT_EQ(ListSnapshots(*world_.disk, kFolder)->size(), 2u);
}

// What is removed nothing brings back: a snapshot that has rotted since it was made keeps the
// segments, whichever of the two it is.
TEST_F(Deletion, WaitsWhereASnapshotIsNotWholeAnyMore) {
  ASSERT_TRUE(WriteReader(*world_.disk, kFolder, {"ledger", 0}).ok());
  NextStart(Keeping(kKeepNs));
  NextStart(Keeping(kKeepNs));
  Trade();
  Restart();
  for (std::size_t rotten = 0; rotten < 3; ++rotten) {
    SCOPED_TRACE(rotten);
    SimDisk disk(*world_.disk, PowerCut::kLosesUnsynced, 1);
    Follower follower(disk, Keeping(kKeepNs));
    ASSERT_TRUE(follower.Follow(go_on)->snapshot.has_value());
    const auto kept = ListSnapshots(disk, kFolder);
    ASSERT_TRUE(kept.ok() && kept->size() == 2);
    if (rotten < 2) disk.Bytes(SnapshotPath((*kept)[rotten]))[kBlockBytes + 9] ^= std::byte{1};
    ASSERT_TRUE(WriteReader(disk, kFolder, {"ledger", follower.sequence()}).ok());
    const auto step = follower.Follow(go_on);
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_EQ(step->removed > 0, rotten == 2);
    EXPECT_EQ(absl::IsDataLoss(step->removal_status), rotten < 2) << step->removal_status;
    EXPECT_EQ(Segments(disk).contains(1), rotten < 2);
    EXPECT_EQ(disk.names().contains("shard-0/kept-from"), rotten == 2);
    EXPECT_TRUE(follower.Follow(go_on)->removal_status.ok());  // Said once.
  }
}

// Bytes that are those that were written, and no exchange.
TEST_F(Deletion, WaitsWhereNoExchangeCanBeLoadedFromTheOlderSnapshot) {
  NextStart(Keeping(0));
  NextStart(Keeping(0));
  Trade();
  Restart();
  world_.disk->SetFreeBytes(0);  // It makes no snapshot.
  const std::uint64_t older = snapshots_[0];
  const std::vector<std::byte> sound = world_.disk->Bytes(SnapshotPath(older));
  auto writer = SnapshotWriter::Begin(*world_.disk, kFolder, kWorldIdentity, older, 1);
  ASSERT_TRUE(writer.ok());
  (*writer)->Add(std::vector<std::byte>(100, std::byte{0xff}));
  ASSERT_TRUE((*writer)->Finish().ok());
  ASSERT_TRUE(CheckSnapshot(*world_.disk, kFolder, older, kWorldIdentity).ok());
  Follower follower(*world_.disk, Keeping(kKeepNs));
  const auto held = follower.Follow(go_on);
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_TRUE(absl::IsDataLoss(held->removal_status)) << held->removal_status;
  EXPECT_TRUE(Segments(*world_.disk).contains(1));
  EXPECT_FALSE(world_.disk->names().contains("shard-0/kept-from"));
  world_.disk->Bytes(SnapshotPath(older)) = sound;
  Follower sound_follower(*world_.disk, Keeping(kKeepNs));
  EXPECT_GT(sound_follower.Follow(go_on)->removed, 0u);
}

// A full disk has neither a new segment nor a new snapshot: old segments are its way out.
TEST_F(Deletion, GoesOnByTheClockWhereTheDiskIsFull) {
  NextStart(Keeping(0));
  NextStart(Keeping(0));
  Trade();
  Restart();
  world_.disk->SetFreeBytes(0);
  constexpr std::int64_t kHourNs = 3'600 * kSecondNs;
  ManualClock clock(world_.clock.NowNs());
  FollowerOptions options = Keeping(kHourNs);
  options.clock = &clock;
  Follower follower(*world_.disk, options);
  EXPECT_EQ(follower.Follow(go_on)->removed, 0u);
  clock.Advance(2 * kHourNs);
  const std::string path = SnapshotPath(snapshots_[0]);
  world_.disk->Bytes(path)[kBlockBytes + 9] ^= std::byte{1};
  EXPECT_FALSE(follower.Follow(go_on)->removal_status.ok());
  world_.disk->Bytes(path)[kBlockBytes + 9] ^= std::byte{1};
  const auto soon = follower.Follow(go_on);
  EXPECT_TRUE(soon->removal_status.ok() && soon->removed == 0);
  clock.Advance(61 * kSecondNs);
  const auto later = follower.Follow(go_on);
  EXPECT_FALSE(later->snapshot.has_value());
  EXPECT_GT(later->removed, 0u) << later->removal_status;
}

// As where the process has too many files open for a moment.
TEST_F(Deletion, AFollowerThatCannotReadItsSnapshotsTriesAgain) {
  RemoveSome();
  std::size_t failed = 0;
  for (std::uint64_t at = 0; at < 12; ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(*world_.disk, PowerCut::kKeepsUnsynced, 1);
    Follower follower(disk, Keeping(kKeepNs));
    disk.SetFault({.kind = DiskFault::Kind::kFailsForEver, .at = at, .error = EMFILE});
    const auto faulty = follower.Follow(go_on);
    EXPECT_FALSE(absl::IsDataLoss(faulty.status())) << faulty.status();
    failed += faulty.ok() ? 0 : 1;
    disk.Heal();
    const auto step = follower.Follow(go_on);
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_GE(follower.sequence(), snapshots_.back());
  }
  EXPECT_GT(failed, 3u);
}

TEST_F(Deletion, LeavesAWholeJournalThatStartsFromTheOlderSnapshotWhereTheNewestIsDamaged) {
  RemoveSome();
  const DigestBytes digest = Digest();
  world_.Kill(PowerCut::kKeepsUnsynced);
  world_.disk->Bytes(SnapshotPath(snapshots_.back()))[kBlockBytes + 9] ^= std::byte{1};
  const auto recovery = Recover(*world_.disk);
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  EXPECT_EQ(recovery->snapshot_sequence, snapshots_[snapshots_.size() - 2]);
  EXPECT_EQ(recovery->damaged.size(), 1u);
  EXPECT_EQ(ToHex(recovery->digest), ToHex(digest));
  ExpectSameState(*world_.disk, digest);
}

TEST_F(Deletion, WithoutAWholeSnapshotIsAnErrorThatSaysWhatIsMissing) {
  RemoveSome();
  const std::uint64_t first = snapshots_[snapshots_.size() - 2] + 1;
  world_.Kill(PowerCut::kKeepsUnsynced);
  for (std::size_t i = snapshots_.size() - 2; i < snapshots_.size(); ++i) {
    world_.disk->Bytes(SnapshotPath(snapshots_[i]))[kBlockBytes + 9] ^= std::byte{1};
  }
  const auto says_it = AllOf(HasSubstr("the journal begins with sequence " + std::to_string(first)),
                             HasSubstr("snapshot of sequence " + std::to_string(first - 1)),
                             HasSubstr(SnapshotName(snapshots_.back())));
  const absl::Status damaged = Recover(*world_.disk).status();
  EXPECT_TRUE(absl::IsDataLoss(damaged)) << damaged;
  EXPECT_THAT(std::string(damaged.message()), says_it);
  Exchange exchange;
  EXPECT_TRUE(absl::IsDataLoss(RecoverExchange(*world_.disk, whole_journal, exchange).status()));
  const auto store =
      EventStore::Open(*world_.disk, {.folder = kFolder, .identity = kWorldIdentity});
  EXPECT_TRUE(absl::IsDataLoss(Recover(*world_.disk, store->get()).status()));
  for (std::size_t i = snapshots_.size() - 2; i < snapshots_.size(); ++i) {
    ASSERT_TRUE(world_.disk->Remove(SnapshotPath(snapshots_[i])).ok());
  }
  const absl::Status missing = Recover(*world_.disk).status();
  EXPECT_TRUE(absl::IsDataLoss(missing)) << missing;
  Follower follower(*world_.disk, Keeping(kKeepNs));
  EXPECT_FALSE(follower.Follow(go_on).ok());
}

// Whoever hears of data loss restores a backup, and the disk only had to be asked again.
TEST_F(Deletion, WithSnapshotsThatCannotBeReadNowIsAnErrorOfTheDisk) {
  RemoveSome();
  world_.Kill(PowerCut::kKeepsUnsynced);
  std::size_t failed = 0;
  for (std::uint64_t at = 0;; ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(*world_.disk, PowerCut::kKeepsUnsynced, 1);
    disk.SetFault({.kind = DiskFault::Kind::kFailsForEver, .at = at, .error = EIO});
    const absl::Status status = Recover(disk).status();
    if (status.ok()) break;
    EXPECT_FALSE(absl::IsDataLoss(status)) << status;
    ++failed;
    disk.Heal();
    EXPECT_TRUE(Recover(disk).ok());
  }
  EXPECT_GT(failed, 10u);
}

// The shard goes on, and whoever runs it can still put a snapshot back.
TEST_F(Deletion, AFollowerWithoutAWholeSnapshotSaysSoAndRemovesNothing) {
  RemoveSome();
  const std::vector<std::byte> sound = world_.disk->Bytes(SnapshotPath(snapshots_.back()));
  for (std::size_t i = snapshots_.size() - 2; i < snapshots_.size(); ++i) {
    world_.disk->Bytes(SnapshotPath(snapshots_[i]))[kBlockBytes + 9] ^= std::byte{1};
  }
  CloseSegment();
  CloseSegment();
  const SimDisk before(*world_.disk, PowerCut::kKeepsUnsynced, 1);
  Follower follower(*world_.disk, Keeping(kKeepNs));
  for (int tries = 0; tries < 2; ++tries) {
    const absl::Status status = follower.Follow(go_on).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("no whole snapshot to follow it from"),
                      HasSubstr(SnapshotName(snapshots_.back())), HasSubstr("put back")));
  }
  for (const auto& [path, content] : before.names()) {
    EXPECT_TRUE(world_.disk->names().contains(path)) << path;
  }
  world_.disk->Bytes(SnapshotPath(snapshots_.back())) = sound;
  const auto step = follower.Follow(go_on);
  ASSERT_TRUE(step.ok() && step->snapshot) << step.status();
  ExpectSameState(*world_.disk, Digest());
}

TEST_F(Deletion, HidesNoMissingSegment) {
  RemoveSome();
  NextStart(Keeping(0));
  NextStart(Keeping(0));
  world_.Kill(PowerCut::kKeepsUnsynced);
  const std::set<std::uint64_t> kept = Segments(*world_.disk);
  ASSERT_GT(kept.size(), 2u);
  for (const std::uint64_t number : kept) {
    if (number + 1 >= *kept.rbegin()) break;  // Of the last one nobody can tell.
    SimDisk disk(*world_.disk, PowerCut::kKeepsUnsynced, 1);
    ASSERT_TRUE(disk.Remove(std::string(kFolder) + "/" + SegmentName(number)).ok());
    const absl::Status status = Recover(disk).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << number << ": " << status;
  }
}

}  // namespace
}  // namespace engine
