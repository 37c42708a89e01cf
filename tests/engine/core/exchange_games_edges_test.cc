// Rounds that are played at their edges, by both schedules: books in which nobody has to be asked
// or hardly anybody wins, the largest energies, and a player who leaves.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/limits.h"
#include "tests/support/game_table.h"

namespace engine {
namespace {

class PlayedRound : public testing::TestWithParam<Schedule> {
 protected:
  static MarketDefinition Market() { return PlayedMarket(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(, PlayedRound,
                         testing::Values(Schedule::kDescending, Schedule::kBisecting),
                         [](const auto& test) {
                           return test.param == Schedule::kDescending ? "Descending" : "Bisecting";
                         });

// Nobody is called and the round is over at the gate.
void ExpectNoTrade(const SideOrders& bids, const SideOrders& asks, const MarketDefinition& market) {
  GameTable table(market, bids, asks);
  table.driver.AdvanceTo(kGateNs);
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(table.outcome().result, RoundResult::kNoTrade);
  EXPECT_EQ(table.outcome().energy_wh, 0U);
  EXPECT_TRUE(table.Calls().empty());
  EXPECT_TRUE(table.driver.Fills().empty());
  EXPECT_FALSE(table.driver.exchange.Playing());
}

TEST_P(PlayedRound, CallsNobodyWhereASideIsEmpty) {
  ExpectNoTrade({}, {}, Market());
  ExpectNoTrade({{200, 100}}, {}, Market());
  ExpectNoTrade(PaperBids(), {}, Market());
  ExpectNoTrade({}, PaperAsks(), Market());
}

TEST_P(PlayedRound, CallsNobodyWhereNothingCrosses) {
  ExpectNoTrade({{50, 100}, {40, 100}}, {{51, 100}, {60, 100}}, Market());
}

TEST_P(PlayedRound, AsksASingleLiveBidEveryPriceThatCountsForIt) {
  // E5 of the paper's examples: limits of 15 and 9 cents, and 12 is the best for the seller.
  GameTable table(Market(), {{150, 2'000}}, {{90, 3'000}});
  table.PlayHonestly();
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(table.outcome().buy_price_ticks, 120);
  EXPECT_EQ(table.outcome().energy_wh, 1'000U);
  EXPECT_EQ(table.driver.Of(EventType::kPriceCall).front().price_call.account, AccountId{1});
}

TEST_P(PlayedRound, CallsNobodyWhereTheMarketDropsALoneTrader) {
  MarketDefinition market = Market();
  market.rule.lone_trader = LoneTrader::kDrop;
  ExpectNoTrade({{150, 2'000}}, {{90, 3'000}}, market);
}

TEST_P(PlayedRound, HasOneStepWhereAllPricesAreEqual) {
  GameTable table(Market(), {{100, 500}, {100, 500}, {100, 500}}, {{100, 400}, {100, 400}});
  table.Play([&](const PriceCallEvent& call) {
    EXPECT_EQ(call.price_ticks, 100);
    EXPECT_EQ(table.Answer(call, 300 * kNanoPerWh), Reason::kNone);
  });
  ASSERT_TRUE(table.IsOver());
  const std::vector<PriceCallEvent> calls = table.Calls();
  ASSERT_EQ(calls.size(), 1U) << "the walk ends at the first pair, which is kept";
  EXPECT_EQ(calls[0].step, 1U);
  EXPECT_EQ(table.outcome().buy_price_ticks, 100);
  EXPECT_EQ(table.outcome().energy_wh, 300U);
  EXPECT_EQ(table.driver.FilledWh(1, 1), 300U);
  EXPECT_EQ(table.driver.FilledWh(4, 1), 300U);
}

TEST_P(PlayedRound, CallsNobodyWhereAllWinnersHaveDeclaredTheirResponse) {
  std::vector<OutcomeBody> outcomes;
  for (const MarketDefinition& market : {Market(), PlayedMarket(Schedule::kNone)}) {
    ExchangeDriver driver = Started(market, 14);
    std::uint32_t account = 0;
    for (const auto& [ticks, energy] : PaperBids()) {
      OrderBody order = Bid(++account, 1, ticks, energy);
      order.response = Response::kQuadratic;
      order.response_param = kThetaOfThePaper;
      // The last is too low to win.
      if (ticks == 60 && market.rule.schedule != Schedule::kNone) {
        order = LiveBid(account, ticks, energy);
      }
      ASSERT_EQ(driver.Submit(order), Reason::kNone);
    }
    for (const auto& [ticks, energy] : PaperAsks()) {
      ASSERT_EQ(driver.Submit(Ask(++account, 1, ticks, energy)), Reason::kNone);
    }
    driver.AdvanceTo(kGateNs);
    EXPECT_TRUE(driver.Of(EventType::kPriceCall).empty());
    ASSERT_EQ(driver.outcomes.back().product.start_minute, kStart);
    outcomes.push_back(driver.outcomes.back());
  }
  EXPECT_EQ(outcomes[0].buy_price_ticks, 112);
  EXPECT_EQ(outcomes[0].energy_wh, 2'108U);
  EXPECT_EQ(outcomes[0].buy_price_ticks, outcomes[1].buy_price_ticks);
  EXPECT_EQ(outcomes[0].energy_wh, outcomes[1].energy_wh);
}

TEST_P(PlayedRound, TakesTheLargestEnergiesAndNoAnswerBeyondThem) {
  constexpr auto kMost = static_cast<std::uint32_t>(kOrderEnergyMaxWh);
  constexpr std::uint64_t kMostNwh = std::uint64_t{kMost} * kNanoPerWh;  // 4 * 10^18.
  MarketDefinition market = Market();
  market.order_max_wh = kMost;
  GameTable table(market, {{399, kMost}, {398, kMost}, {397, kMost}, {200, kMost}},
                  {{1, kMost}, {2, kMost}, {3, kMost}, {4, kMost}});
  table.Play([&](const PriceCallEvent& call) {
    EXPECT_EQ(table.Answer(call, UINT64_MAX), Reason::kMoreThanRegistered);
    EXPECT_EQ(table.Answer(call, kMostNwh + 1), Reason::kMoreThanRegistered);
    EXPECT_EQ(table.Answer(call, kMostNwh), Reason::kNone);
  });
  ASSERT_TRUE(table.IsOver());
  // Whoever takes all at any price pays the dearest one.
  EXPECT_EQ(table.outcome().buy_price_ticks, 200);
  EXPECT_EQ(table.outcome().energy_wh, 3 * std::uint64_t{kMost});
  std::int64_t money = 0;
  for (const FillEvent& fill : table.driver.Fills()) {
    EXPECT_EQ(fill.energy_wh, kMost);
    EXPECT_EQ(fill.amount_units, 200 * kOrderEnergyMaxWh);
    money += fill.side == Side::kBuy ? fill.amount_units : -fill.amount_units;
  }
  EXPECT_EQ(table.driver.Fills().size(), 6U);
  EXPECT_EQ(money, 0);
}

void Disconnect(ExchangeDriver& driver, std::uint32_t credential) {
  driver.ApplyFrom(CredentialId{credential}, 0, CommandType::kDisconnect,
                   std::span<const OrderBody>());
}

// Cancel-on-disconnect comes too late for a round whose gate is past.
TEST_P(PlayedRound, KeepsTheBidOfAPlayerWhoLeavesAndAskedForItsOrdersToGo) {
  GameTable table(Market());
  table.driver.AdvanceTo(kGateNs);
  ASSERT_EQ(table.Calls().size(), 5U);
  Disconnect(table.driver, 2);
  EXPECT_TRUE(table.driver.Of(EventType::kOrderCancelled).empty());
  for (const std::int64_t seconds : {1, 2}) {  // After two silences nobody waits for it.
    table.PlayWithout(2, 1);
    table.driver.AdvanceTo(kGateNs + seconds * kSecondNs);
  }
  table.PlayWithout(2, 1'000);
  ASSERT_TRUE(table.IsOver());
  // Who never answered counts with its whole energy.
  EXPECT_EQ(table.outcome().result, RoundResult::kTraded);
  EXPECT_EQ(table.driver.FilledWh(2, 1), 500U);
  EXPECT_TRUE(table.driver.Of(EventType::kOrderCancelled).empty());
  EXPECT_EQ(table.driver.exchange.open_orders(), 0U);
}

TEST_P(PlayedRound, HoldsAPlayerWhoLeavesToWhatItAnswered) {
  GameTable table(Market());
  table.Play(
      [&](const PriceCallEvent& call) {
        const bool leaves = call.account == AccountId{2};
        if (leaves && call.step > 1) return;
        EXPECT_EQ(table.Answer(call, leaves ? 30 * kNanoPerWh : table.Honest(call)), Reason::kNone);
        if (leaves) Disconnect(table.driver, 2);
      },
      2);
  table.driver.AdvanceTo(kGateNs + 25 * kSecondNs);
  ASSERT_TRUE(table.IsOver());
  EXPECT_GT(table.driver.FilledWh(2, 1), 0U);
  EXPECT_LE(table.driver.FilledWh(2, 1), 30U);
}

}  // namespace
}  // namespace engine
