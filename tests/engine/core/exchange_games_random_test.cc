// Games of random books and controllers beside the declared rule and the answers given.
#include <cstdint>
#include <map>

#include <gtest/gtest.h>

#include "tests/support/game_table.h"
#include "tests/support/random_source.h"
#include "tests/support/replayed.h"

namespace engine {
namespace {

// Of random books: both schedules find the price of the declared rule, exactly.
TEST(ExchangeGame, OfHonestBuyersEndsAtThePriceOfTheDeclaredRule) {
  RandomSource random(17);
  const std::uint64_t repeats = Repeats(60, 2'000);
  for (std::uint64_t i = 0; i < repeats; ++i) {
    SideOrders bids(2 + random.Below(8));
    SideOrders asks(2 + random.Below(8));
    for (auto& [ticks, energy] : bids) {
      ticks = static_cast<std::int32_t>(60 + random.Below(200));
      energy = static_cast<std::uint32_t>(1 + random.Below(4'000));
    }
    for (auto& [ticks, energy] : asks) {
      ticks = static_cast<std::int32_t>(40 + random.Below(150));
      energy = static_cast<std::uint32_t>(1 + random.Below(4'000));
    }
    ExchangeDriver declared = Started(PlayedMarket(Schedule::kNone),
                                      static_cast<std::uint32_t>(bids.size() + asks.size()));
    std::uint32_t account = 0;
    for (const auto& [ticks, energy] : bids) {
      OrderBody order = Bid(++account, 1, ticks, energy);
      order.response = Response::kQuadratic;
      order.response_param = kThetaOfThePaper;
      ASSERT_EQ(declared.Submit(order), Reason::kNone);
    }
    for (const auto& [ticks, energy] : asks) {
      ASSERT_EQ(declared.Submit(Ask(++account, 1, ticks, energy)), Reason::kNone);
    }
    declared.AdvanceTo(kGateNs);
    const OutcomeBody& known = declared.outcomes.back();
    for (const Schedule schedule : {Schedule::kDescending, Schedule::kBisecting}) {
      GameTable table(PlayedMarket(schedule), bids, asks);
      table.PlayHonestly();
      ASSERT_TRUE(table.IsOver());
      ASSERT_EQ(table.outcome().buy_price_ticks, known.buy_price_ticks) << i;
      ASSERT_LE(table.outcome().energy_wh, known.energy_wh);
      ASSERT_GE(table.outcome().energy_wh + bids.size(), known.energy_wh);
    }
  }
}

// Whatever controllers do: no fill is over the answer that counts at the price, the replay of the
// journal has the same digest, from a saved state too, and the game ends in time.
TEST(ExchangeGame, OfAnyControllersFillsNobodyBeyondItsAnswerAndReplaysTheSame) {
  RandomSource random(18);
  const std::uint64_t repeats = Repeats(60, 2'000);
  for (std::uint64_t i = 0; i < repeats; ++i) {
    const bool halves = random.Below(2) == 0;
    MarketDefinition market = PlayedMarket(halves ? Schedule::kBisecting : Schedule::kDescending);
    market.rule.step_ticks = static_cast<std::uint32_t>(1 + random.Below(9));
    GameTable table(market);
    std::map<std::uint64_t, std::map<std::int32_t, std::uint64_t>> said;
    std::int32_t last = 1'000;
    table.Play(
        [&](const PriceCallEvent& call) {
          const auto account = static_cast<std::uint64_t>(call.account);
          if (last != call.price_ticks && random.Below(4) == 0) {
            table.driver.AdvanceTo(table.driver.now_ns + 2 * kSecondNs);
          }
          last = call.price_ticks;
          if (random.Below(3) == 0) return;
          const std::uint64_t whole_wh = random.Below(1'300);
          const std::uint64_t demand = whole_wh * kNanoPerWh + random.Below(kNanoPerWh);
          if (table.Answer(call, demand) == Reason::kNone) said[account][call.price_ticks] = demand;
        },
        400);
    table.driver.AdvanceTo(kGateNs + 25 * kSecondNs);
    ASSERT_TRUE(table.IsOver());
    for (const FillEvent& fill : table.driver.Fills()) {
      if (fill.side != Side::kBuy) continue;
      const auto& answers = said[static_cast<std::uint64_t>(fill.account)];
      const auto counts = answers.lower_bound(fill.price_ticks);
      if (counts != answers.end()) {
        ASSERT_LE(fill.energy_wh * kNanoPerWh, counts->second);
      } else if (!answers.empty()) {
        ASSERT_LE(fill.energy_wh * kNanoPerWh, answers.rbegin()->second);
      }
    }
    ASSERT_EQ(Replayed(table.driver).StateDigest(), table.driver.exchange.StateDigest());
    ASSERT_NO_FATAL_FAILURE(ExpectSameThroughStates(table.driver, i));
  }
}

}  // namespace
}  // namespace engine
