#include "engine/core/clearing/pay_as_bid.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/false_bids.h"
#include "tests/support/naive_payments.h"

namespace engine {
namespace {

MarketDefinition PairMarket(PairPricing pricing, std::int32_t band_low = 0) {
  MarketDefinition market = RuleMarket(Rule::kPayAsBid, band_low);
  market.rule.pricing = pricing;
  return market;
}
const MarketDefinition midpoint_market = PairMarket(PairPricing::kMidpoint);
const MarketDefinition buyer_market = PairMarket(PairPricing::kBuyer);

TEST(PayAsBid, PaysEachPairTheMiddleBetweenItsLimits) {
  const std::vector<RuleOrder> orders = {Buy(40, 100), Buy(30, 100), Sell(10, 150), Sell(20, 100)};
  const RuleOutcome round = ClearOrders(midpoint_market, orders);
  // 100 Wh at 25, 50 at 20, 50 at 25.
  EXPECT_EQ(round.cleared.energy_wh, 200U);
  EXPECT_EQ(round.amounts, (std::vector<std::int64_t>{2'500, 2'250, 3'500, 1'250}));
  EXPECT_EQ(round.cleared.buy_price_ticks, 23);  // 4,750 / 200, rounded down.
  EXPECT_EQ(round.cleared.operator_balance_units, 0);
}

TEST(PayAsBid, PaysTheBidWhereTheMarketSaysSo) {
  const RuleOutcome round =
      ClearOrders(buyer_market, {Buy(40, 100), Buy(30, 100), Sell(10, 150), Sell(20, 100)});
  EXPECT_EQ(round.amounts, (std::vector<std::int64_t>{4'000, 3'000, 5'500, 1'500}));
}

TEST(PayAsBid, RoundsHalfUnitsOnceOverASideAndGivesTheSpareOnesToTheOlder) {
  // Three pairs of 1 Wh at 10.5: 31.5 units, so 31 on each side.
  const RuleOutcome round =
      ClearOrders(midpoint_market, {Buy(11, 1), Buy(11, 1), Buy(11, 1), Sell(10, 1), Sell(10, 2)});
  EXPECT_EQ(round.amounts, (std::vector<std::int64_t>{11, 10, 10, 10, 21}));
}

TEST(PayAsBid, RoundsTheSameBelowZero) {
  const RuleOutcome round = ClearOrders(PairMarket(PairPricing::kMidpoint, -20),
                                        {Buy(-10, 1), Buy(-10, 1), Sell(-11, 2)});
  EXPECT_EQ(round.amounts, (std::vector<std::int64_t>{-10, -11, -21}));
}

TEST(PayAsBid, TradesNothingWhereNothingCrosses) {
  EXPECT_EQ(ClearOrders(midpoint_market, {}).cleared.energy_wh, 0U);
  EXPECT_EQ(ClearOrders(midpoint_market, {Buy(9, 5)}).cleared.energy_wh, 0U);
  EXPECT_EQ(ClearOrders(midpoint_market, {Buy(9, 5), Sell(10, 5)}).cleared.energy_wh, 0U);
}

TEST(PayAsBid, AgreesWithPairsOfSingleWattHours) {
  for (std::uint64_t seed = 0; seed < Repeats(3'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomRuleOrders(random, 16, 30);
    const PairPricing pricing = seed % 2 == 0 ? PairPricing::kMidpoint : PairPricing::kBuyer;
    const RuleOutcome round = ClearOrders(PairMarket(pricing), orders);
    ASSERT_EQ(round.filled, NaiveMatch(orders));
    const std::vector<std::int64_t> halves = NaivePairHalves(orders, pricing);
    for (const Side side : {Side::kBuy, Side::kSell}) {
      std::int64_t total = 0;
      std::int64_t odd = 0;
      for (std::size_t i = 0; i < orders.size(); ++i) {
        if (orders[i].side != side) continue;
        total += halves[i];
        odd += halves[i] % 2;
        // The older half of the odd ones, rounded down, is rounded up.
      }
      std::int64_t spare = odd / 2;
      for (std::size_t i = 0; i < orders.size(); ++i) {
        if (orders[i].side != side) continue;
        const bool up = halves[i] % 2 != 0 && spare-- > 0;
        ASSERT_EQ(round.amounts[i], halves[i] / 2 + (up ? 1 : 0));
        total -= 2 * round.amounts[i];
      }
      ASSERT_TRUE(total == 0 || total == 1);
    }
    ASSERT_EQ(round.cleared.operator_balance_units, 0);  // Strong budget balance.
  }
}

TEST(PayAsBid, LetsBuyersAndSellersGainByFalseLimits) {
  // A bid of 40 pays 25; one of 20 pays 15. An ask of 10 is paid 25; one of 30 is paid 35.
  const auto bid = FindFalseBid(midpoint_market, {Buy(40, 10), Sell(10, 10)}, 40);
  ASSERT_TRUE(bid.has_value());
  EXPECT_EQ(bid->order, 0U);
  const RuleOutcome shaded = ClearOrders(midpoint_market, {Buy(40, 10), Sell(30, 10)});
  EXPECT_EQ(GainOf(shaded, 1, Side::kSell, 10), 250);
  EXPECT_EQ(GainOf(ClearOrders(midpoint_market, {Buy(40, 10), Sell(10, 10)}), 1, Side::kSell, 10),
            150);
  // At the bid's price a false bid changes what is paid, and a false ask who is paid by whom: the
  // younger of two asks at 10 sells to the bid of 20, at 9 to that of 40.
  EXPECT_EQ(GainByTelling(buyer_market, {Buy(40, 10), Sell(10, 10)}, 0, 10), 300);
  EXPECT_EQ(
      GainByTelling(buyer_market, {Buy(40, 10), Buy(20, 10), Sell(10, 10), Sell(10, 10)}, 3, 9),
      200);
}

TEST(PayAsBid, LetsABuyerGainUnderAFalseName) {
  // The bid of 40 goes without. An ask of 9 under another name takes the dearer bid's place at the
  // ask of 10: what the buyer gets there it passes on for more.
  for (const MarketDefinition& market : {midpoint_market, buyer_market}) {
    const std::vector<RuleOrder> honest = {Buy(50, 10), Buy(40, 10), Sell(10, 10)};
    EXPECT_EQ(ClearOrders(market, honest).filled[1], 0U);
    std::vector<RuleOrder> orders = honest;
    orders.push_back(Sell(9, 10));
    const RuleOutcome round = ClearOrders(market, orders);
    EXPECT_EQ(round.filled[1], round.filled[3]);
    EXPECT_EQ(round.amounts[3] - round.amounts[1],
              market.rule.pricing == PairPricing::kBuyer ? 500 - 400 : 295 - 250);
  }
}

TEST(PayAsBid, StaysExactAtTheLimitsOfEnergyAndBand) {
  constexpr std::uint64_t kMost = kOrderEnergyMaxWh;
  const std::int64_t high = kPriceTicksMax;
  const std::int64_t low = high - kBandLevelsMax + 1;
  const MarketDefinition market =
      PairMarket(PairPricing::kMidpoint, static_cast<std::int32_t>(low));
  const RuleOutcome round =
      ClearOrders(market, {Buy(high, kMost - 1), Buy(high, 1), Sell(low, kMost)});
  EXPECT_EQ(round.amounts[2], (high + low) * static_cast<std::int64_t>(kMost / 2));
}

TEST(PayAsBid, ClearsAMillionOrdersAtOneTick) {
  std::vector<RuleOrder> orders(1'000'000);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i] = i % 2 == 0 ? Buy(51, 7) : Sell(50, 7);
  }
  const RuleOutcome round = ClearOrders(midpoint_market, orders);
  EXPECT_EQ(round.cleared.energy_wh, 3'500'000U);
  EXPECT_EQ(round.amounts.front(), 354);  // 353.5 each: half of them one more.
  EXPECT_EQ(round.amounts[999'998], 353);
}

}  // namespace
}  // namespace engine
