// Random days of markets of each rule of the table: what each promises of every round, that it
// trades at all, and that the journal makes the same state again.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/clearing/rules.h"
#include "engine/core/units.h"
#include "tests/support/day_of_a_rule.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/random_source.h"
#include "tests/support/replayed.h"
#include "tests/support/rule_name.h"

namespace engine {
namespace {

// What the rule says of the operator's balance of one round.
void ExpectBalance(const RuleParameters& rule, std::int64_t balance_units) {
  switch (rule.rule) {
    case Rule::kVcg:
      EXPECT_LE(balance_units, 0);
      EXPECT_GE(balance_units, -rule.deficit_cap_units);
      break;
    case Rule::kMcAfee:
    case Rule::kTradeReduction:
    case Rule::kHuang:
      EXPECT_GE(balance_units, 0);
      break;
    case Rule::kMuda:
      EXPECT_GE(balance_units, 0);
      if (rule.long_side == LongSide::kVickrey) break;
      [[fallthrough]];
    default:
      EXPECT_EQ(balance_units, 0);
  }
}

// Of one round.
struct Traded {
  std::int64_t bought_wh = 0;
  std::int64_t sold_wh = 0;
  std::int64_t paid_units = 0;
  std::int64_t got_units = 0;
};

// Ensures: a test fails in here where a round's energy or money is not that of its outcome.
void ExpectConserved(const ExchangeDriver& driver) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, Traded> rounds;  // By product and round.
  for (const Event& event : driver.events) {
    if (event.type != EventType::kFill) continue;
    const FillEvent& fill = event.fill;
    Traded& traded = rounds[{fill.product.start_minute, fill.round}];
    (fill.side == Side::kBuy ? traded.bought_wh : traded.sold_wh) += fill.energy_wh;
    (fill.side == Side::kBuy ? traded.paid_units : traded.got_units) += fill.amount_units;
    ASSERT_EQ(DivideDown(fill.amount_units, fill.energy_wh), fill.price_ticks);
  }
  for (const OutcomeBody& outcome : driver.outcomes) {
    const Traded& traded = rounds[{outcome.product.start_minute, outcome.round}];
    const auto energy_wh = static_cast<std::int64_t>(outcome.energy_wh);
    ASSERT_EQ(traded.bought_wh, energy_wh);
    ASSERT_EQ(traded.sold_wh, energy_wh);
    ASSERT_EQ(traded.paid_units - traded.got_units, outcome.operator_balance_units);
    ASSERT_EQ(outcome.result == RoundResult::kTraded, energy_wh > 0);
    ExpectBalance(outcome.rule, outcome.operator_balance_units);
  }
}

// By place in the table.
class DayOfEveryRule : public testing::TestWithParam<std::size_t> {
 protected:
  static const RuleEntry& Entry() { return Rules()[GetParam()]; }
};

TEST_P(DayOfEveryRule, TradesWithinLimitsAndConservesEnergyAndMoneyInEveryRound) {
  const std::uint64_t days = Repeats(40, 3'000);
  std::uint64_t traded = 0;
  for (std::uint64_t seed = 0; seed < days; ++seed) {
    SCOPED_TRACE(seed);
    const DayOfARule day(seed, Entry());
    ExpectConserved(day.driver);
    if (HasFailure()) return;
    const std::vector<OutcomeBody>& outcomes = day.driver.outcomes;
    traded += std::any_of(outcomes.begin(), outcomes.end(),
                          [](const OutcomeBody& outcome) { return outcome.energy_wh > 0; })
                  ? 1
                  : 0;
  }
  EXPECT_GT(traded, days * 9 / 10) << "days on which nothing trades guard nothing";
}

TEST_P(DayOfEveryRule, IsTheSameAgainFromItsJournal) {
  for (std::uint64_t seed = 1'000; seed < 1'000 + Repeats(10, 500); ++seed) {
    SCOPED_TRACE(seed);
    const DayOfARule day(seed, Entry());
    const Exchange replayed = Replayed(day.driver);
    EXPECT_EQ(ToHex(replayed.StateDigest()), ToHex(day.driver.exchange.StateDigest()));
    EXPECT_EQ(replayed.open_orders(), day.driver.exchange.open_orders());
  }
}

INSTANTIATE_TEST_SUITE_P(, DayOfEveryRule, testing::Range(std::size_t{0}, Rules().size()),
                         RuleNameAt);

}  // namespace
}  // namespace engine
