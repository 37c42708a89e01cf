// Whoever follows a shard comes to the same, and what he keeps is as good as the whole journal.
#include "engine/runtime/follower.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/runtime/follower_thread.h"
#include "engine/runtime/snapshots.h"
#include "tests/engine/runtime/shard_world.h"
#include "tests/support/covered_event.h"
#include "tests/support/cut_everywhere.h"
#include "tests/support/manual_clock.h"

namespace engine {
namespace {

using testing::HasSubstr;

constexpr char kFolder[] = "shard-0";
const std::atomic<bool> go_on{false};

FollowerOptions OptionsOf() { return {.folder = kFolder, .identity = kWorldIdentity}; }

// Orders, each with a batch of its own, until so many segments have begun.
void Trade(ShardWorld& world, std::uint64_t& client_seq, std::uint64_t segments) {
  std::size_t frames = 0;
  while (true) {
    std::size_t names = 0;
    for (const auto& [path, content] : world.disk->names()) {
      names += path.find("/journal-") != std::string::npos ? 1 : 0;
    }
    if (names > segments) break;  // One is made ahead.
    ASSERT_LT(++frames, 10'000U);
    ++client_seq;
    const bool buys = client_seq % 2 == 0;
    ASSERT_TRUE(world.Submit(0, client_seq,
                             buys ? Bid(1, client_seq, 30, 100) : Ask(1, client_seq, 40, 100)));
    world.Settle();
    world.Take(0);
  }
}

// A shard with orders in so many closed segments. Ensures: the client sequence they came to.
std::uint64_t Begin(ShardWorld& world, std::uint64_t segments) {
  world.StartWithDisplacement();
  std::uint64_t client_seq = 0;
  Trade(world, client_seq, segments + 1);
  return client_seq;
}

// The state after that command, from the journal's first record on.
DigestBytes DigestAt(Disk& disk, std::uint64_t sequence) {
  Exchange exchange;
  const auto stop = Recover(disk, {.folder = kFolder, .identity = kWorldIdentity},
                            [&](CommandView command) -> absl::Status {
                              if (exchange.sequence() == sequence) return absl::CancelledError();
                              return Replay(command, exchange);
                            });
  EXPECT_TRUE(stop.ok() || absl::IsCancelled(stop.status())) << stop.status();
  return exchange.StateDigest();
}

SnapshotHeader MustSnapshot(Follower& follower) {
  const absl::StatusOr<Follower::Step> step = follower.Follow(go_on);
  EXPECT_TRUE(step.ok()) << step.status();
  EXPECT_TRUE(step.ok() && step->snapshot.has_value());
  return step.ok() && step->snapshot ? *step->snapshot : SnapshotHeader{};
}

std::string PathOf(std::uint64_t sequence) {
  return std::string(kFolder) + "/" + SnapshotName(sequence);
}

TEST(Follower, ComesToTheStateAtTheEndOfTheLastClosedSegmentAndKeepsIt) {
  ShardWorld world;
  Begin(world, 3);
  Follower follower(*world.disk, OptionsOf());
  const SnapshotHeader snapshot = MustSnapshot(follower);
  EXPECT_GT(snapshot.sequence, 100U);
  EXPECT_LT(snapshot.sequence, world.shard->exchange().sequence());
  EXPECT_EQ(follower.sequence(), snapshot.sequence);
  EXPECT_EQ(ToHex(snapshot.digest), ToHex(DigestAt(*world.disk, snapshot.sequence)));
  const auto again = follower.Follow(go_on);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->applied || again->snapshot);
}

TEST(Follower, IsAsGoodToRecoverFromAsTheWholeJournal) {
  ShardWorld world;
  Begin(world, 2);
  Follower follower(*world.disk, OptionsOf());
  const SnapshotHeader snapshot = MustSnapshot(follower);
  const std::uint64_t sequence = world.shard->exchange().sequence();
  world.Kill();
  const DigestBytes whole = DigestAt(*world.disk, UINT64_MAX);
  world.Start();
  EXPECT_EQ(world.recovered.snapshot_sequence, snapshot.sequence);
  EXPECT_EQ(world.recovered.sequence, sequence);
  EXPECT_EQ(ToHex(world.recovered.digest), ToHex(whole));
  world.SettleAt(kGateNs);  // And it goes on.
  EXPECT_EQ(world.shard->counters().rounds_void.value(), 0U);
  EXPECT_TRUE(world.shard->status().ok());
}

// A bit of the header, a bit of the state, the end of it.
TEST(Follower, RecoveryPassesOverADamagedSnapshotToTheOneBeforeIt) {
  ShardWorld world;
  std::uint64_t client_seq = Begin(world, 2);
  Follower follower(*world.disk, OptionsOf());
  const std::uint64_t older = MustSnapshot(follower).sequence;
  Trade(world, client_seq, 4);
  const std::uint64_t newer = MustSnapshot(follower).sequence;
  ASSERT_GT(newer, older);
  world.Kill();
  const DigestBytes whole = DigestAt(*world.disk, UINT64_MAX);
  const std::vector<std::byte> sound = world.disk->Bytes(PathOf(newer));
  for (const std::size_t at : {std::size_t{3}, std::size_t{70}, kBlockBytes - 1, kBlockBytes,
                               sound.size() / 2, sound.size() - 1}) {
    world.disk->Bytes(PathOf(newer)) = sound;
    world.disk->Bytes(PathOf(newer))[at] ^= std::byte{16};
    world.Start();
    EXPECT_EQ(world.recovered.snapshot_sequence, older) << "byte " << at;
    EXPECT_EQ(world.recovered.damaged.size(), 1U);
    EXPECT_EQ(ToHex(world.recovered.digest), ToHex(whole));
  }
  world.disk->Bytes(PathOf(newer)) = sound;
  world.disk->Bytes(PathOf(newer)).resize(sound.size() - 1);
  world.disk->Bytes(PathOf(older)).clear();
  world.Start();
  EXPECT_EQ(world.recovered.snapshot_sequence, 0U);
  EXPECT_EQ(world.recovered.damaged.size(), 2U);
  EXPECT_EQ(ToHex(world.recovered.digest), ToHex(whole));
}

TEST(Follower, StopsWhereItComesToSomethingElseThanTheShard) {
  ShardWorld world;
  Begin(world, 0);
  CommandHeader header;
  header.time_ns = world.shard->exchange().time_ns();
  header.sequence = world.shard->exchange().sequence() + 1;
  header.type = CommandType::kRunningDigest;
  RunningDigestBody body{world.shard->exchange().running_digest()};
  body.digest[5] ^= std::byte{1};
  world.Kill();
  std::vector<OwnedCommand> wrong;
  wrong.emplace_back(header, std::span<const RunningDigestBody>(&body, 1));
  world.Append(wrong);
  std::unique_ptr<Exchange> exchange;
  const auto recovery =
      RecoverFromSnapshot(*world.disk, {.folder = kFolder, .identity = kWorldIdentity}, exchange);
  EXPECT_TRUE(absl::IsDataLoss(recovery.status()));
  EXPECT_THAT(recovery.status().message(), HasSubstr("running digest"));
}

// One each 8 KiB of commands here, and one where the daemon was told to stop.
TEST(Follower, FindsDigestsAllAlongAndAtTheEnd) {
  ShardWorld world;
  Begin(world, 3);
  ASSERT_TRUE(world.shard->Settle().ok());
  std::uint64_t digests = 0;
  std::uint64_t bytes = 0;
  std::uint64_t last = 0;
  std::uint64_t sequence = 0;
  const auto count = [&](CommandView command) {
    sequence = command.header().sequence;
    bytes += command.header().length;
    EXPECT_LT(bytes, std::uint64_t{1} << 14);
    if (command.header().type != CommandType::kRunningDigest) return absl::OkStatus();
    ++digests;
    last = sequence;
    bytes = 0;
    return absl::OkStatus();
  };
  ASSERT_TRUE(Recover(*world.disk, {.folder = kFolder, .identity = kWorldIdentity}, count).ok());
  EXPECT_GT(digests, 5U);
  EXPECT_EQ(last, sequence);
  world.Kill(PowerCut::kKeepsUnsynced);
  world.Start();
  ASSERT_TRUE(world.shard->Settle().ok());
  EXPECT_EQ(world.shard->exchange().sequence(), sequence);  // Nothing new, nothing to say.
}

TEST(Follower, WaitsWithASnapshotForRoomOnTheDisk) {
  ShardWorld world;
  std::uint64_t client_seq = Begin(world, 2);
  FollowerOptions options = OptionsOf();
  options.keep_free_bytes = std::uint64_t{1} << 20;
  Follower follower(*world.disk, options);
  world.disk->SetFreeBytes(std::uint64_t{1} << 20);
  const auto none = follower.Follow(go_on);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->applied && !none->snapshot);
  EXPECT_TRUE(absl::IsResourceExhausted(none->snapshot_status)) << none->snapshot_status;
  world.disk->SetFreeBytes(std::uint64_t{1} << 30);
  Trade(world, client_seq, 4);
  EXPECT_GT(MustSnapshot(follower).sequence, 0U);
}

TEST(Follower, GoesOnOnceTheOutboxHasSpaceForWhatItHolds) {
  ShardWorld world;
  Begin(world, 2);
  Doorbell bell;
  TapLink tap = MakeTapLink(bell, bell);
  auto store = EventStore::Open(*world.disk, {.folder = kFolder, .identity = kWorldIdentity});
  ASSERT_TRUE(store.ok()) << store.status();
  ManualClock clock(1);
  Outbox outbox(*std::move(store), clock, bell, std::move(tap.outbox), {});
  FollowerOptions options = OptionsOf();
  options.outbox = &outbox;
  Follower follower(*world.disk, options);
  world.disk->SetFault({.kind = DiskFault::Kind::kIsFull, .at = world.disk->operations()});
  tap.shard.events.Put(CoveredEvent(world.shard->exchange().sequence()));
  tap.shard.events.Publish();
  for (int i = 0; i < 3; ++i) {
    const auto step = follower.Follow(go_on);
    ASSERT_TRUE(step.ok() && step->snapshot_status.ok() && !step->snapshot) << step.status();
    while (outbox.Turn()) continue;
  }
  world.disk->Heal();
  clock.Advance(1'000'000'000);
  while (outbox.Turn()) continue;
  EXPECT_LE(MustSnapshot(follower).sequence, outbox.synced());
}

TEST(Follower, KeepsTheNewestAndTheOneBeforeIt) {
  ShardWorld world;
  Begin(world, 1);
  Follower follower(*world.disk, OptionsOf());
  std::vector<std::uint64_t> made = {MustSnapshot(follower).sequence};
  for (int starts = 1; starts <= 3; ++starts) {
    world.Kill();
    world.Start();
    world.SettleAt(kMorningNs + (1 + starts * 15) * 60 * kSecondNs);
    world.Kill();
    world.Start();  // What was just written is in a closed segment now.
    Follower next(*world.disk, OptionsOf());
    made.push_back(MustSnapshot(next).sequence);
  }
  const auto kept = ListSnapshots(*world.disk, kFolder);
  ASSERT_TRUE(kept.ok());
  EXPECT_THAT(*kept, testing::ElementsAre(made[3], made[2]));
}

// Whatever operation of a snapshot's writing is the last one before the power goes: the next start
// has everything, and the follower goes on.
TEST(Follower, LosesNothingWhereverAPowerCutMeetsIt) {
  ShardWorld world;
  Begin(world, 2);
  const DigestBytes whole = DigestAt(*world.disk, UINT64_MAX);
  const auto snapshot = [](Disk& disk) {
    Follower follower(disk, OptionsOf());
    const auto step = follower.Follow(go_on);
    return step.ok() && step->snapshot.has_value();
  };
  const auto expect_all = [&](Disk& after, bool) {
    std::unique_ptr<Exchange> exchange;
    const auto recovery =
        RecoverFromSnapshot(after, {.folder = kFolder, .identity = kWorldIdentity}, exchange);
    ASSERT_TRUE(recovery.ok()) << recovery.status();
    ASSERT_TRUE(recovery->damaged.empty()) << recovery->damaged[0];
    ASSERT_EQ(recovery->digest, whole);
    Follower next(after, OptionsOf());
    ASSERT_TRUE(next.Follow(go_on).ok());
  };
  const std::uint64_t checked = CutEverywhere(*world.disk, snapshot, expect_all);
  EXPECT_GE(checked, 8U);  // Create, two writes and syncs, rename, folder; then none.
}

std::string LastSegment(const SimDisk& disk) {
  std::string last;
  for (const auto& [path, content] : disk.names()) {
    if (path.find("/journal-") != std::string::npos) last = std::max(last, path);
  }
  return last;
}

// A bit that was wrong in the follower's memory lies under a sound checksum: the journal knows
// better.
TEST(Follower, RecoveryPassesOverASnapshotThatTheJournalDoesNotFollow) {
  ShardWorld world;
  std::uint64_t client_seq = Begin(world, 2);
  Follower follower(*world.disk, OptionsOf());
  const SnapshotHeader snapshot = MustSnapshot(follower);
  Trade(world, client_seq, 4);  // With another digest behind it.
  world.Kill();
  const DigestBytes whole = DigestAt(*world.disk, UINT64_MAX);
  std::vector<std::byte> state = world.disk->Bytes(PathOf(snapshot.sequence));
  state.erase(state.begin(), state.begin() + kBlockBytes);
  state[sizeof(GenesisBody) + 16] ^= std::byte{1};  // The running digest.
  auto writer = SnapshotWriter::Begin(*world.disk, kFolder, kWorldIdentity, snapshot.sequence,
                                      snapshot.time_ns);
  ASSERT_TRUE(writer.ok());
  (*writer)->Add(state);
  ASSERT_TRUE((*writer)->Finish().ok());
  world.Start();
  EXPECT_EQ(world.recovered.snapshot_sequence, 0U);
  ASSERT_EQ(world.recovered.damaged.size(), 1U);
  EXPECT_THAT(world.recovered.damaged[0], HasSubstr("does not follow"));
  EXPECT_EQ(ToHex(world.recovered.digest), ToHex(whole));
  // Nor may the next follower start from it, and stop the process.
  FollowerOptions options = OptionsOf();
  options.before_sequence = world.recovered.snapshot_sequence + 1;
  Follower next(*world.disk, options);
  EXPECT_GT(MustSnapshot(next).sequence, snapshot.sequence);
  EXPECT_FALSE(world.disk->names().contains(PathOf(snapshot.sequence)));
}

// Else what was acknowledged would be forgotten without a word.
TEST(Follower, RecoveryRefusesAJournalThatEndsBeforeTheSnapshot) {
  ShardWorld world;
  Begin(world, 3);
  Follower follower(*world.disk, OptionsOf());
  MustSnapshot(follower);
  world.Kill();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world.disk->Remove(LastSegment(*world.disk)).ok());
  std::unique_ptr<Exchange> exchange;
  const auto recovery =
      RecoverFromSnapshot(*world.disk, {.folder = kFolder, .identity = kWorldIdentity}, exchange);
  EXPECT_TRUE(absl::IsDataLoss(recovery.status())) << recovery.status();
  EXPECT_THAT(recovery.status().message(), HasSubstr("the journal ends before"));
}

// Trading goes on meanwhile.
TEST(Follower, GoesOnOnceItCanReadAgain) {
  ShardWorld world;
  Begin(world, 2);
  const std::string stray = std::string(kFolder) + "/journal-0000000000000001.seg.bak";
  ASSERT_TRUE(world.disk->Create(stray).ok());
  Follower follower(*world.disk, OptionsOf());
  const auto step = follower.Follow(go_on);
  EXPECT_FALSE(step.ok() || absl::IsDataLoss(step.status())) << step.status();
  ASSERT_TRUE(world.disk->Remove(stray).ok());
  EXPECT_GT(MustSnapshot(follower).sequence, 0U);
}

// The shard may begin the prepared segment, and write behind its header, while it is looked at.
TEST(Follower, DoesNotLookIntoASegmentThatHasNotBegun) {
  ShardWorld world;
  Begin(world, 2);
  world.disk->Bytes(LastSegment(*world.disk)).at(2 * kBlockBytes) = std::byte{1};
  Follower follower(*world.disk, OptionsOf());
  EXPECT_GT(MustSnapshot(follower).sequence, 0U);
}

TEST(FollowerThread, ReportsTheSnapshotAndEndsWhenItIsTold) {
  ShardWorld world;
  Begin(world, 2);
  Follower follower(*world.disk, OptionsOf());
  std::atomic<int> snapshots{0};
  {
    FollowerThread thread(follower, [&](const absl::StatusOr<Follower::Step>& step) {
      if (step.ok() && step->snapshot) ++snapshots;
    });
    for (int waits = 0; snapshots == 0 && waits < 6'000; ++waits) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  EXPECT_EQ(snapshots, 1);
}

}  // namespace
}  // namespace engine
