// The secrets of lotteries over a daemon's starts.
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/sha256.h"
#include "tests/engine/runtime/shard_world.h"

namespace engine {
namespace {

class ShardWithALottery : public testing::Test {
 protected:
  void SetUp() override {
    MarketDefinition market = SmallMarket();
    market.rule.rule = Rule::kMuda;
    market.order_max_wh = 1'000;
    world_.Init(market, 8);
    StartWith(kKey);
    for (std::uint32_t credential = 1; credential <= 8; ++credential) {
      world_.Logon(0, credential);
      ASSERT_TRUE(world_.Submit(
          0, 1, credential % 2 == 0 ? Bid(credential, 1, 50, 10) : Ask(credential, 1, 20, 10)));
    }
    Hear(world_.SettleAndTake(0));
  }
  void StartWith(const LotteryBytes& key) {
    world_.SetLottery(LotteryKey(key));
    world_.Start();
    Hear(world_.SettleAndTake(0));
  }
  void Hear(const std::vector<Event>& events) {
    for (const Event& event : events) {
      if (event.type != EventType::kLottery) continue;
      if (event.lottery.product == ProductId{kMarket, kStart}) lotteries_.push_back(event.lottery);
    }
  }
  void CloseTheRound() {
    world_.clock.Set(kGateNs);
    Hear(world_.SettleAndTake(0));
  }

  static constexpr LotteryBytes kKey{std::byte{1}};
  static constexpr LotteryBytes kOtherKey{std::byte{2}};
  ShardWorld world_{1};
  std::vector<LotteryEvent> lotteries_;
};

TEST_F(ShardWithALottery, RevealsAfterARestartTheSecretThatItAnnouncedBefore) {
  ASSERT_EQ(lotteries_.size(), 1U);
  world_.Kill();
  StartWith(kKey);
  CloseTheRound();
  ASSERT_EQ(lotteries_.size(), 2U);
  EXPECT_EQ(lotteries_[1].part, LotteryEvent::Part::kRevealed);
  EXPECT_EQ(Sha256(lotteries_[1].bytes), lotteries_[0].bytes);
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 1U);
  EXPECT_EQ(world_.shard->counters().lottery_secrets_lost.value(), 0U);
}

TEST_F(ShardWithALottery, VoidsARoundThatAnotherKeyHasAnnouncedAndCountsIt) {
  world_.Kill();
  StartWith(kOtherKey);
  CloseTheRound();
  EXPECT_EQ(lotteries_.size(), 1U) << "there is nothing to reveal";
  EXPECT_TRUE(world_.shard->status().ok());
  EXPECT_EQ(world_.shard->counters().rounds_void.value(), 1U);
  EXPECT_EQ(world_.shard->counters().lottery_secrets_lost.value(), 1U);
}

TEST_F(ShardWithALottery, RecoversARoundWithItsRecordedSecretWhateverItsKeyIs) {
  CloseTheRound();
  const DigestBytes digest = world_.shard->exchange().StateDigest();
  world_.Kill();
  StartWith(kOtherKey);
  EXPECT_EQ(world_.recovered.rounds, 1U);
  EXPECT_EQ(world_.recovered.digest, digest);
}

}  // namespace
}  // namespace engine
