// A shard whose follower removes old segments, on a disk in memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/follower.h"
#include "engine/runtime/snapshots.h"
#include "tests/engine/runtime/shard_world.h"

namespace engine {

inline constexpr char kFolder[] = "shard-0";
inline constexpr std::int64_t kKeepNs = 60 * kSecondNs;
inline const std::atomic<bool> go_on{false};

inline const ReadOptions whole_journal = {.folder = kFolder, .identity = kWorldIdentity};

// The numbers of the journal's files.
inline std::set<std::uint64_t> Segments(const SimDisk& disk) {
  std::set<std::uint64_t> numbers;
  for (const auto& [path, content] : disk.names()) {
    const std::size_t name = std::string(kFolder).size() + 1;
    if (path.size() < name) continue;
    if (const auto number = SegmentNumber(path.substr(name))) numbers.insert(*number);
  }
  return numbers;
}

inline std::string SnapshotPath(std::uint64_t sequence) {
  return std::string(kFolder) + "/" + SnapshotName(sequence);
}

// A shard that is started again and again, a minute or so after the last time: each start closes a
// segment, of which a follower of its own makes a snapshot.
class Deletion : public testing::Test {
 protected:
  Deletion() { world_.StartWithDisplacement(); }

  // Ensures: what its follower did.
  Follower::Step NextStart(const FollowerOptions& options) {
    Trade();
    Restart();
    Follower follower(*world_.disk, options);
    const auto step = follower.Follow(go_on);
    EXPECT_TRUE(step.ok()) << step.status();
    if (!step.ok()) return {};
    EXPECT_TRUE(step->snapshot.has_value());
    if (step->snapshot) snapshots_.push_back(step->snapshot->sequence);
    return *step;
  }
  // For longer than segments are kept, so that the one before is old at its end.
  void Trade() {
    for (const std::int64_t later_s : {5, 65}) {
      seconds_ += later_s;
      world_.SettleAt(kMorningNs + seconds_ * kSecondNs);
      ++client_seq_;
      const bool buys = client_seq_ % 2 == 0;
      EXPECT_TRUE(world_.Submit(
          0, client_seq_, buys ? Bid(1, client_seq_, 50, 100) : Ask(1, client_seq_, 40, 100)));
      world_.Settle();
    }
  }
  // Orders, a second apart, until another segment has begun.
  void CloseSegment() {
    const std::uint64_t newest = *Segments(*world_.disk).rbegin();
    for (int orders = 0; *Segments(*world_.disk).rbegin() == newest; ++orders) {
      ASSERT_LT(orders, 2'000);
      world_.SettleAt(kMorningNs + ++seconds_ * kSecondNs);
      ++client_seq_;
      ASSERT_TRUE(world_.Submit(0, client_seq_, Bid(1, client_seq_, 30, 100)));
      world_.Settle();
      world_.Take(0);
    }
  }
  void Restart() {
    world_.Kill();
    world_.Start();
    world_.Logon(0, 1);
  }
  // What a recovery of all that was ever written comes to.
  DigestBytes Digest() { return world_.shard->exchange().StateDigest(); }

  static FollowerOptions Keeping(std::int64_t keep_ns) {
    return {.folder = kFolder, .identity = kWorldIdentity, .keep_ns = keep_ns};
  }
  absl::StatusOr<Recovery> Recover(Disk& disk, EventStore* store = nullptr) {
    return RecoverFromSnapshot(disk, whole_journal, exchange_, store);
  }
  void ExpectSameState(SimDisk& disk, const DigestBytes& digest) {
    const auto recovery = Recover(disk);
    ASSERT_TRUE(recovery.ok()) << recovery.status();
    EXPECT_EQ(ToHex(recovery->digest), ToHex(digest));
    Exchange verified;
    const auto all = RecoverExchange(disk, whole_journal, verified);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(ToHex(all->digest), ToHex(digest));
    EXPECT_LE(all->snapshot_sequence, recovery->snapshot_sequence);
  }
  // Some starts of which the last ones have removed segments.
  void RemoveSome() {
    for (int starts = 0; starts < 5; ++starts) NextStart(Keeping(kKeepNs));
    ASSERT_FALSE(Segments(*world_.disk).contains(1));
  }

  ShardWorld world_;
  std::unique_ptr<Exchange> exchange_;
  std::vector<std::uint64_t> snapshots_;
  std::uint64_t client_seq_ = 0;
  std::int64_t seconds_ = 60;  // Of the morning, that have passed.
};

}  // namespace engine
