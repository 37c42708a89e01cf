// A disk without space stops new orders and nothing else.
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/runtime/shard_world.h"

namespace engine {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Though nothing else happens in that turn.
TEST(Shard, ShowsAtOnceThatTheDiskIsFull) {
  ShardWorld world;
  world.Init(SmallMarket(), 2);
  world.Start();
  world.Settle();
  world.Kill(PowerCut::kKeepsUnsynced);
  world.Start();
  world.disk->SetFreeBytes(0);
  world.Settle();
  EXPECT_EQ(world.shard->counters().disk_full.value(), 1u);
  world.disk->SetFreeBytes(UINT64_MAX);
  world.clock.Advance(2 * kSecond);
  for (int turns = 0; turns < 10; ++turns) world.shard->Turn();
  EXPECT_EQ(world.shard->counters().disk_full.value(), 0u);
}

// In the first half of the reserve whatever needs no space for orders goes on, in the second only
// what time asks for; and what was refused may come again as if it never had.
TEST(Shard, RefusesOrdersWhereTheDiskIsFullAndGoesOnWithTheRest) {
  ShardWorld world;
  world.Init(SmallMarket(), 3);
  world.Start();
  world.Settle();
  ASSERT_TRUE(world.Submit(0, 1, Bid(1, 1, 30, 500)));
  ASSERT_TRUE(world.Submit(0, 1, Ask(2, 1, 20, 500)));
  ASSERT_TRUE(world.Submit(0, 1, Bid(3, 1, 10, 500)));
  world.Settle();
  world.RestartOnAFullDisk();
  for (std::uint32_t home = 1; home <= 3; ++home) world.Logon(0, home);
  world.Take(0);

  const std::uint64_t before = world.shard->exchange().sequence();
  ASSERT_TRUE(world.Submit(0, 2, Bid(1, 2, 40, 100)));
  std::vector<Event> answers = world.SettleAndTake(0);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].answer.reason, Reason::kDiskFull);
  EXPECT_EQ(answers[0].answer.client_seq, 2u);
  EXPECT_EQ(answers[0].answer.command_sequence, 0u);
  EXPECT_EQ(world.shard->exchange().sequence(), before);
  EXPECT_GT(world.shard->IdleNs(), kSecond / 10) << "spins while there is no space";
  ASSERT_TRUE(world.Cancel(0, 2, 3, 1));
  answers = world.SettleAndTake(0);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].answer.reason, Reason::kNone);
  EXPECT_EQ(answers[0].answer.command_sequence, before + 1);
  ASSERT_TRUE(world.Submit(0, 1, Bid(1, 1, 30, 500)));  // A resend hears its answer.
  answers = world.SettleAndTake(0);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].answer.reason, Reason::kNone);

  std::uint64_t seq = 3;
  for (bool taken = true; taken; ++seq) {
    ASSERT_LT(seq, 1'000u) << "the reserve has no end";
    ASSERT_TRUE(world.Cancel(0, seq, 3, 1));
    taken = world.SettleAndTake(0).at(0).answer.reason == Reason::kNone;
  }
  const std::vector<Event> round = (world.clock.Set(kGateNs + kSecond), world.SettleAndTake(0));
  EXPECT_EQ(CountOf(round, EventType::kRoundCleared), 2u);
  EXPECT_EQ(CountOf(round, EventType::kFill), 2u);

  world.disk->SetFreeBytes(UINT64_MAX);
  world.clock.Advance(2 * kSecond);
  for (int turns = 0; turns < 10; ++turns) world.shard->Turn();
  world.SettleAndTake(0);
  OrderBody later = Bid(1, 2, 40, 100);
  later.product.start_minute += 15;
  ASSERT_TRUE(world.Submit(0, 2, later));
  answers = world.SettleAndTake(0);
  EXPECT_EQ(answers.at(0).answer.reason, Reason::kNone);
  EXPECT_EQ(answers.at(0).answer.refused, 0u);
}

// Killed with a full disk, it has no segment but the one made ahead, and killed again only that.
TEST(Shard, IsStartedOnAFullDiskAndRefusesOrdersAlone) {
  for (const PowerCut cut : {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced}) {
    ShardWorld world;
    world.Init(SmallMarket(), 3);
    world.Start();
    world.Settle();
    ASSERT_TRUE(world.Submit(0, 1, Bid(1, 1, 30, 500)));
    ASSERT_TRUE(world.Submit(0, 1, Ask(2, 1, 20, 500)));
    ASSERT_TRUE(world.Submit(0, 1, Bid(3, 1, 10, 500)));
    world.Settle();
    const std::uint64_t before = world.shard->exchange().sequence();
    world.Kill(cut);
    world.disk->SetFreeBytes(0);
    world.Start();
    EXPECT_EQ(world.shard->exchange().sequence(), before);
    for (std::uint32_t home = 1; home <= 3; ++home) world.Logon(0, home);
    world.Take(0);
    EXPECT_EQ(world.shard->counters().disk_full.value(), 1u);

    ASSERT_TRUE(world.Submit(0, 2, Bid(1, 2, 40, 100)));
    EXPECT_EQ(world.SettleAndTake(0).at(0).answer.reason, Reason::kDiskFull);
    ASSERT_TRUE(world.Cancel(0, 2, 3, 1));
    EXPECT_EQ(world.SettleAndTake(0).at(0).answer.reason, Reason::kNone);
    world.Kill(cut);
    world.disk->SetFreeBytes(0);
    world.Start();
    for (std::uint32_t home = 1; home <= 3; ++home) world.Logon(0, home);
    const std::vector<Event> round = (world.clock.Set(kGateNs + kSecond), world.SettleAndTake(0));
    EXPECT_EQ(CountOf(round, EventType::kRoundCleared), 2u);
    EXPECT_EQ(CountOf(round, EventType::kFill), 2u);
    EXPECT_EQ(world.shard->counters().disk_full.value(), 1u);

    world.disk->SetFreeBytes(UINT64_MAX);
    world.clock.Advance(2 * kSecond);
    for (int turns = 0; turns < 10; ++turns) world.shard->Turn();
    world.SettleAndTake(0);
    OrderBody later = Bid(1, 2, 40, 100);
    later.product.start_minute += 15;
    ASSERT_TRUE(world.Submit(0, 2, later));
    EXPECT_EQ(world.SettleAndTake(0).at(0).answer.reason, Reason::kNone);
    const std::uint64_t last = world.shard->exchange().sequence();
    world.Kill(PowerCut::kLosesUnsynced);
    world.Start();
    EXPECT_EQ(world.shard->exchange().sequence(), last);
  }
}

}  // namespace
}  // namespace engine
