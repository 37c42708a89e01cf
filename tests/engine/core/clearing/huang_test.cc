// The multi-unit double auction of Huang and others: examples in units of 1,000 Wh and 10 ticks,
// books of any kind beside the paper's walk, and what it promises.
#include "engine/core/clearing/huang.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/false_bids.h"
#include "tests/support/naive_double_auction.h"

namespace engine {
namespace {

const MarketDefinition huang_market = RuleMarket(Rule::kHuang);

TEST(Huang, DropsTheMarginalTraderOfEachSideWhoNamesItsPrice) {  // H1
  const RuleOutcome round =
      ClearOrders(huang_market, {Buy(30, 1'000), Buy(40, 2'000), Buy(10, 5'000), Sell(20, 4'000),
                                 Sell(10, 1'000), Sell(60, 5'000)});
  EXPECT_EQ(round.cleared.buy_price_ticks, 30);
  EXPECT_EQ(round.cleared.sell_price_ticks, 20);
  EXPECT_EQ(round.filled, (std::vector<std::uint64_t>{0, 1'000, 0, 0, 1'000, 0}));
  EXPECT_EQ(round.cleared.operator_balance_units, 10'000);
}

TEST(Huang, LetsWhoeverHasLessThanItsPartLeaveWithNothing) {  // H2
  const RuleOutcome round = ClearOrders(
      huang_market, {Buy(60, 1'000), Buy(50, 100), Buy(40, 1'900), Buy(30, 1'000), Sell(10, 1'000),
                     Sell(20, 1'500), Sell(25, 1'000), Sell(40, 1'000)});
  EXPECT_EQ(round.cleared.buy_price_ticks, 30);
  EXPECT_EQ(round.cleared.sell_price_ticks, 25);
  EXPECT_EQ(round.filled, (std::vector<std::uint64_t>{800, 0, 1'700, 0, 1'000, 1'500, 0, 0}));
  EXPECT_EQ(round.cleared.operator_balance_units, 12'500);
}

TEST(Huang, CutsTheLongerSideByEqualParts) {  // H3
  const RuleOutcome round = ClearOrders(
      huang_market, {Buy(200, 3'000), Buy(180, 2'000), Buy(120, 2'000), Buy(70, 1'000),
                     Sell(50, 2'000), Sell(80, 2'000), Sell(100, 4'000), Sell(150, 1'000)});
  EXPECT_EQ(round.cleared.buy_price_ticks, 120);
  EXPECT_EQ(round.cleared.sell_price_ticks, 100);
  EXPECT_EQ(round.filled, (std::vector<std::uint64_t>{2'500, 1'500, 0, 0, 2'000, 2'000, 0, 0}));
  EXPECT_EQ(round.cleared.operator_balance_units, 80'000);
}

TEST(Huang, TradesNothingWhereASideHasOneTraderOnly) {
  EXPECT_EQ(ClearOrders(huang_market, {}).cleared.energy_wh, 0U);
  EXPECT_EQ(ClearOrders(huang_market, {Buy(9, 5)}).cleared.energy_wh, 0U);
  EXPECT_EQ(ClearOrders(huang_market, {Buy(9, 5), Sell(4, 5)}).cleared.energy_wh, 0U);
  EXPECT_EQ(ClearOrders(huang_market, {Buy(9, 5), Buy(8, 5), Sell(4, 5)}).cleared.energy_wh, 0U);
}

TEST(Huang, TradesNothingWhereAllPricesAreEqual) {
  EXPECT_EQ(
      ClearOrders(huang_market, {Buy(9, 5), Buy(9, 5), Sell(9, 5), Sell(9, 5)}).cleared.energy_wh,
      0U);
}

TEST(Huang, AgreesWithTheWalkOfThePaperOnBooksOfAnyKind) {
  std::uint64_t traded = 0;
  for (std::uint64_t seed = 0; seed < Repeats(4'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::uint64_t most = random.Below(4) == 0 ? 4'000'000'000 : 12;
    const std::vector<RuleOrder> orders = RandomRuleOrders(random, 20, most);
    const NaiveDoubleAuction expected = NaiveHuang(orders);
    const RuleOutcome round = ClearOrders(huang_market, orders);
    ASSERT_EQ(round.filled, expected.filled);
    if (round.cleared.energy_wh == 0) continue;
    ++traded;
    ASSERT_EQ(round.cleared.buy_price_ticks, expected.buy_price);
    ASSERT_EQ(round.cleared.sell_price_ticks, expected.sell_price);
    ASSERT_GE(round.cleared.operator_balance_units, 0);  // Weak budget balance.
  }
  EXPECT_GT(traded, 500U);
}

TEST(Huang, LetsNoOrderGainByAFalseLimit) {
  const std::vector<std::vector<std::uint64_t>> energies = {
      {1, 1, 1, 1}, {2, 1, 1, 2}, {1, 2, 2, 2}, {2, 2, 3, 1}, {3, 1, 2, 1}};
  for (const std::vector<std::uint64_t>& each : energies) {
    ForEachMarket(each, 2, 5, [&](const std::vector<RuleOrder>& orders) {
      const auto found = FindFalseBid(huang_market, orders, 5);
      ASSERT_FALSE(found.has_value()) << "order " << found->order << " gains by " << found->limit;
    });
    if (HasFatalFailure()) return;
  }
  for (const std::size_t bids : {2U, 3U}) {
    ForEachMarket({2, 1, 2, 1, 2}, bids, 3, [&](const std::vector<RuleOrder>& orders) {
      const auto found = FindFalseBid(huang_market, orders, 3);
      ASSERT_FALSE(found.has_value()) << "order " << found->order << " gains by " << found->limit;
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Huang, CanBeGainedFromUnderAFalseName) {
  // The seller at 30 is paid the ask at 40. With a bid of 65 under another name, which is dropped
  // as the last of its side, it is paid the ask at 60.
  const std::vector<RuleOrder> honest = {Buy(90, 10), Buy(80, 10), Sell(30, 10), Sell(40, 10),
                                         Sell(60, 20)};
  std::vector<RuleOrder> under_false_name = honest;
  under_false_name.push_back(Buy(65, 10));
  const RuleOutcome one = ClearOrders(huang_market, honest);
  const RuleOutcome two = ClearOrders(huang_market, under_false_name);
  EXPECT_EQ(two.filled[5], 0U);
  EXPECT_GT(GainOf(two, 2, Side::kSell, 30), GainOf(one, 2, Side::kSell, 30));
}

TEST(Huang, StaysExactAtTheLimitsOfEnergyAndBand) {
  MarketDefinition market = RuleMarket(Rule::kHuang, -kPriceTicksMax);
  constexpr std::uint64_t kMost = kOrderEnergyMaxWh;
  const std::int64_t low = -kPriceTicksMax;
  const std::int64_t high = low + kBandLevelsMax - 1;
  const RuleOutcome round =
      ClearOrders(market, {Buy(high, kMost), Buy(high, kMost), Buy(high, kMost), Sell(low, kMost),
                           Sell(low, kMost - 1), Sell(low, 1), Sell(low, kMost)});
  EXPECT_EQ(round.cleared.buy_price_ticks, high);
  EXPECT_EQ(round.cleared.sell_price_ticks, low);
  EXPECT_EQ(round.cleared.energy_wh, 2 * kMost);
}

TEST(Huang, ClearsAMillionOrdersAtOneTick) {
  std::vector<RuleOrder> orders(1'000'000);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i] = i % 2 == 0 ? Buy(51, 7) : Sell(50, 5 + i % 7);
  }
  const RuleOutcome round = ClearOrders(huang_market, orders);
  EXPECT_GT(round.cleared.energy_wh, 0U);
  EXPECT_EQ(round.cleared.buy_price_ticks, 51);
  EXPECT_EQ(round.cleared.sell_price_ticks, 50);
}

}  // namespace
}  // namespace engine
