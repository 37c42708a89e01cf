// A large sweep of a continuous market through a shard: its pace, other markets, restarts.
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/matching.h"
#include "tests/engine/runtime/shard_world.h"

namespace engine {
namespace {

constexpr std::uint32_t kMakers = 3;
constexpr std::uint32_t kTaker = 4;
constexpr std::uint32_t kAsks = 3 * Matching::kTradesACommand;  // Of all makers.
constexpr std::uint32_t kEarlierS = 60;

// Asks of a watt-hour wait; a bid for all of them has come, and nobody takes its events.
class ShardOfASweep : public testing::Test {
 protected:
  void SetUp() override {
    MarketDefinition market = SmallMarket();
    market.rule.rule = Rule::kContinuous;
    market.party_orders_max = kPartyOrdersMax;
    world_.Init(market, kTaker, /*others=*/1, kEarlierS);
    world_.Start();
    world_.Settle();
    for (std::uint32_t maker = 1; maker <= kMakers; ++maker) PutAsks(maker);
    world_.Logon(1, kTaker);
    world_.Take(1);
    ASSERT_TRUE(world_.Submit(1, 1, Bid(kTaker, 1, 20, kAsks)));
    world_.Settle();
  }
  void PutAsks(std::uint32_t maker) {
    std::uint64_t id = 0;
    for (std::uint64_t frame = 1; id < kAsks / kMakers; ++frame) {
      std::vector<OrderBody> asks;
      while (id < kAsks / kMakers && asks.size() < 1'000) asks.push_back(Ask(maker, ++id, 20, 1));
      ASSERT_TRUE(world_.Put(0, world_.Orders(maker, frame, asks)));
      world_.Settle();
    }
  }
  std::size_t TakeFills() { return CountOf(world_.SettleAndTake(1), EventType::kFill); }

  ShardWorld world_;
};

TEST_F(ShardOfASweep, TradesNoFasterThanItIsTold) {
  EXPECT_LE(world_.shard->exchange().Waiting(), std::size_t{2} * Matching::kTradesACommand);
  EXPECT_GT(world_.shard->exchange().open_orders(), kAsks - 2 * Matching::kTradesACommand);
  EXPECT_EQ(TakeFills(), kAsks);
  EXPECT_EQ(world_.shard->exchange().open_orders(), 0u);
}

TEST_F(ShardOfASweep, HoldsUpNoOtherGate) {
  const std::uint64_t before = world_.shard->counters().rounds_cleared.value();
  world_.SettleAt(kGateNs - std::int64_t{kEarlierS} * kSecondNs);
  EXPECT_GT(world_.shard->counters().rounds_cleared.value(), before);
  EXPECT_GT(world_.shard->exchange().open_orders(), 0u);
  EXPECT_EQ(TakeFills(), kAsks);
}

// Its own gate closes when it is done, and it trades all that it met before the gate.
TEST_F(ShardOfASweep, EndsBeforeItsOwnGateCloses) {
  world_.SettleAt(kGateNs + kSecondNs);
  const std::vector<Event> told = world_.SettleAndTake(1);
  EXPECT_EQ(CountOf(told, EventType::kFill), kAsks);
  ASSERT_EQ(told.back().type, EventType::kRoundCleared);
  EXPECT_EQ(told.back().round_cleared.energy_wh, kAsks);
}

TEST_F(ShardOfASweep, GoesOnAfterARestart) {
  world_.Kill();
  world_.Start();
  EXPECT_GT(world_.shard->exchange().open_orders(), 0u);
  world_.Settle();
  EXPECT_EQ(world_.shard->exchange().open_orders(), 0u);
}

}  // namespace
}  // namespace engine
