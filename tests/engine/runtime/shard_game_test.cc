// Rounds that are played through a shard: rings, deadlines, the journal and restarts.
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/runtime/shard_world.h"

namespace engine {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Three buyers and two sellers; two buyers win and are asked.
class ShardOfAGame : public testing::Test {
 protected:
  void SetUp() override {
    MarketDefinition market = SmallMarket();
    market.rule.rule = Rule::kStackelberg;
    market.rule.schedule = Schedule::kDescending;
    world_.Init(market, 5);
    world_.Start();
    world_.Settle();
    LogOn();
    for (const std::uint32_t home : {1U, 2U, 3U}) {
      OrderBody bid = Bid(home, 1, 60 - 10 * static_cast<std::int32_t>(home), 100);
      bid.response = Response::kInteractive;
      ASSERT_TRUE(world_.Submit(0, 1, bid));
      world_.Settle();
    }
    ASSERT_TRUE(world_.Submit(1, 1, Ask(4, 1, 26, 300)));
    world_.Settle();
    ASSERT_TRUE(world_.Submit(1, 1, Ask(5, 1, 28, 300)));
    world_.Settle();
    world_.Take(0);
    world_.Take(1);
  }
  void LogOn() {
    for (const std::uint32_t home : {1U, 2U, 3U}) world_.Logon(0, home);
    world_.Logon(1, 4);
    world_.Logon(1, 5);
  }
  OwnedCommand AnswerTo(const PriceCallEvent& call, std::uint64_t demand_wh,
                        std::uint64_t client_seq) {
    const QuantityBody answer{.account = call.account,
                              .client_order_id = call.client_order_id,
                              .product = call.product,
                              .demand_nwh = demand_wh * 1'000'000'000,
                              .round = call.round,
                              .step = call.step};
    CommandHeader header;
    header.time_ns = world_.clock.NowNs();
    header.client_seq = client_seq;
    header.credential = CredentialId{static_cast<std::uint32_t>(call.account)};
    header.type = CommandType::kReplyQuantities;
    return OwnedCommand(header, std::span<const QuantityBody>(&answer, 1));
  }
  std::vector<PriceCallEvent> Calls() {
    std::vector<PriceCallEvent> calls;
    for (const Event& event : world_.Take(0, EventType::kPriceCall)) {
      calls.push_back(event.price_call);
    }
    return calls;
  }

  ShardWorld world_;
};

TEST_F(ShardOfAGame, CallsAPriceOnlyWhenTheEndOfTheStepBeforeIsDurable) {
  world_.SettleAt(kGateNs);
  const std::vector<PriceCallEvent> first = Calls();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].price_ticks, 30);
  ASSERT_TRUE(world_.Put(0, AnswerTo(first[0], 60, 2)));
  ASSERT_TRUE(world_.Put(0, AnswerTo(first[1], 40, 2)));
  world_.disk_answers = false;
  world_.Settle();
  EXPECT_TRUE(Calls().empty());
  world_.disk_answers = true;
  world_.Settle();
  const std::vector<PriceCallEvent> second = Calls();
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].step, 2U);
  EXPECT_EQ(second[0].price_ticks, 29);
}

TEST_F(ShardOfAGame, AnAnswerStampedBeforeTheDeadlineButStillInTheRingCounts) {
  world_.SettleAt(kGateNs);
  const std::vector<PriceCallEvent> calls = Calls();
  ASSERT_EQ(calls.size(), 2U);
  world_.clock.Set(calls[0].deadline_ns - 1);
  ASSERT_TRUE(world_.Put(0, AnswerTo(calls[0], 60, 2)));
  world_.clock.Set(calls[0].deadline_ns);
  ASSERT_TRUE(world_.Put(0, AnswerTo(calls[1], 40, 2)));
  const std::vector<Event> events = world_.SettleAndTake(0);
  std::vector<Reason> reasons;
  for (const Event& event : events) {
    if (event.type == EventType::kRefusals) reasons.push_back(event.refusals.refusals[0].reason);
  }
  EXPECT_EQ(reasons, std::vector{Reason::kAnswerTooLate});
  EXPECT_EQ(CountOf(events, EventType::kPriceCall), 2U);
}

TEST_F(ShardOfAGame, ADeadlineWaitsForAGatewayThatReads) {
  world_.SettleAt(kGateNs);
  const std::vector<PriceCallEvent> calls = Calls();
  ASSERT_EQ(calls.size(), 2U);
  world_.clock.Set(calls[0].deadline_ns - 1);
  world_.gateways[0].BeginRead(world_.clock);
  const OwnedCommand answer = AnswerTo(calls[0], 60, 2);
  world_.SettleAt(calls[0].deadline_ns + 5);
  EXPECT_TRUE(Calls().empty());
  ASSERT_TRUE(world_.Put(0, answer));
  world_.gateways[0].EndRead();
  EXPECT_EQ(CountOf(world_.SettleAndTake(0), EventType::kPriceCall), 2U);
  EXPECT_EQ(world_.shard->exchange().game_counts().silences, 0U);  // Counted at its end.
}

TEST_F(ShardOfAGame, ARestartInTheMiddleGivesTimeAndCallsAgainWhoLogsOn) {
  world_.SettleAt(kGateNs);
  const std::vector<PriceCallEvent> calls = Calls();
  ASSERT_EQ(calls.size(), 2U);
  ASSERT_TRUE(world_.Put(0, AnswerTo(calls[0], 60, 2)));
  world_.Settle();
  world_.Kill();
  world_.clock.Set(kGateNs + 30 * kSecond);
  world_.Start();
  world_.Settle();
  LogOn();
  const std::vector<PriceCallEvent> again = Calls();
  ASSERT_EQ(again.size(), 1U);  // The other one has answered.
  EXPECT_EQ(again[0].account, AccountId{2});
  EXPECT_EQ(again[0].step, 1U);
  EXPECT_EQ(again[0].deadline_ns, kGateNs + 41 * kSecond);  // Ten to come back, and one.
  world_.SettleAt(again[0].deadline_ns - 1);
  EXPECT_TRUE(Calls().empty());
  world_.SettleAt(again[0].deadline_ns);
  EXPECT_EQ(Calls().size(), 2U);
  // Another restart comes to the same digest.
  const DigestBytes digest = world_.shard->exchange().StateDigest();
  world_.Kill();
  world_.Start();
  EXPECT_EQ(world_.recovered.digest, digest);
}

TEST_F(ShardOfAGame, ThatBeginsLateGivesBuyersTheirWholeWait) {
  world_.Kill();
  world_.clock.Set(kGateNs + 100 * kSecond);  // The daemon was away over the gate.
  world_.Start();
  LogOn();
  const std::vector<PriceCallEvent> calls = Calls();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].step, 1U);
  EXPECT_EQ(calls[0].deadline_ns, kGateNs + 111 * kSecond);  // Ten to come back, and one.
  // A step that ends late, too.
  world_.SettleAt(kGateNs + 130 * kSecond);
  const std::vector<PriceCallEvent> second = Calls();
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].step, 2U);
  EXPECT_EQ(second[0].deadline_ns, kGateNs + 131 * kSecond);
}

TEST_F(ShardOfAGame, TradesAndIsCounted) {
  world_.SettleAt(kGateNs);
  std::uint64_t client_seq = 1;
  for (std::vector<PriceCallEvent> calls = Calls(); !calls.empty(); calls = Calls()) {
    ++client_seq;
    for (const PriceCallEvent& call : calls) {
      ASSERT_TRUE(world_.Put(0, AnswerTo(call, 50, client_seq)));
      world_.Settle();
    }
    if (calls[0].price_ticks == 27) break;
  }
  world_.SettleAt(kGateNs + 21 * kSecond);
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 1U);
  EXPECT_EQ(world_.shard->counters().games.value(), 1U);
  EXPECT_GE(world_.shard->counters().game_steps.value(), 3U);
}

}  // namespace
}  // namespace engine
