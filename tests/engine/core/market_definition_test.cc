#include "engine/core/market_definition.h"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

TEST(MarketDefinition, IsPossibleByDefault) {
  MarketDefinition market;
  market.id = MarketId{1};
  EXPECT_TRUE(IsPossible(market));
  EXPECT_TRUE(IsPossible(SmallMarket()));
}

TEST(MarketDefinition, IsImpossibleWithAnySingleImpossibleValue) {
  const std::vector<std::function<void(MarketDefinition&)>> spoils = {
      [](MarketDefinition& m) { m.id = MarketId{}; },
      [](MarketDefinition& m) { m.slot_minutes = 7; },
      [](MarketDefinition& m) { m.band_levels = 0; },
      [](MarketDefinition& m) { m.band_levels = 65'537; },
      [](MarketDefinition& m) { m.band_low_ticks = 1'000'000'000; },
      [](MarketDefinition& m) { m.rounds = 0; },
      [](MarketDefinition& m) { m.rounds = 2; },  // Without an interval.
      [](MarketDefinition& m) { m.open_before_s = m.gate_before_s; },
      [](MarketDefinition& m) { m.min_notice_s = m.gate_before_s + 1; },
      [](MarketDefinition& m) { m.freeze_s = m.open_before_s; },
      [](MarketDefinition& m) { m.order_max_wh = 0; },
      [](MarketDefinition& m) { m.order_max_wh = 4'000'000'001; },
      [](MarketDefinition& m) { m.party_orders_max = 0; },
      [](MarketDefinition& m) { m.book_orders_max = 0; },
      [](MarketDefinition& m) { m.feed_in_ticks = m.retail_ticks + 1; },
      [](MarketDefinition& m) { m.carry_over = 2; },
      [](MarketDefinition& m) { m.indicative_step_ticks = 0; },
      [](MarketDefinition& m) { m.rule.rule = Rule{99}; },
      [](MarketDefinition& m) { m.rule.rule_version = 2; },
      [](MarketDefinition& m) { m.rule.k_denominator = 0; },
      [](MarketDefinition& m) { m.rule.k_numerator = 3; },
      [](MarketDefinition& m) { m.rule.margin = Margin{2}; },
      [](MarketDefinition& m) { m.rule.long_side = LongSide::kVickrey; },
      [](MarketDefinition& m) { m.rule.zero2 = 1; },
      [](MarketDefinition& m) { m.rule.step_ticks = 2; },  // Not a parameter of the rule.
      [](MarketDefinition& m) {
        m.rule.rule = Rule::kStackelberg;
        m.rule.step_ticks = 0;
      },
      [](MarketDefinition& m) {
        m.rule.rule = Rule::kStackelberg;
        m.rule.margin = Margin::kTime;
      },
      [](MarketDefinition& m) {
        m.rule.rule = Rule::kStackelberg;
        m.rule.announce_from = AnnounceFrom::kBand;  // Nothing is announced.
      },
      [](MarketDefinition& m) {
        m.rule.rule = Rule::kStackelberg;
        m.rule.min_order_wh = m.order_max_wh + 1;
      },
      [](MarketDefinition& m) {
        m.rule.rule = Rule::kMuda;
        m.order_max_wh = 1'000;  // So that its balance can be counted.
        m.indicative_interval_s = 60;
      },
  };
  for (std::size_t i = 0; i < spoils.size(); ++i) {
    MarketDefinition market = SmallMarket();
    spoils[i](market);
    EXPECT_FALSE(IsPossible(market)) << i;
  }
}

}  // namespace
}  // namespace engine
