// The double auction with Clarke payments: markets T1 to T7 of the literature in tenths of a unit,
// a slow twin that solves each market again without each party, and what the rule promises.
#include "engine/core/clearing/vcg.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/false_bids.h"
#include "tests/support/naive_payments.h"

namespace engine {
namespace {

const MarketDefinition vcg_market = RuleMarket(Rule::kVcg);

std::vector<RuleOrder> Units(const std::vector<std::int64_t>& bids,
                             const std::vector<std::int64_t>& asks) {
  std::vector<RuleOrder> orders;
  orders.reserve(bids.size() + asks.size());
  for (const std::int64_t bid : bids) orders.push_back(Buy(bid * 10, 1));
  for (const std::int64_t ask : asks) orders.push_back(Sell(ask * 10, 1));
  return orders;
}

struct Expected {
  std::uint64_t units = 0;
  std::int32_t pay = 0;
  std::int32_t get = 0;
  std::int64_t balance = 0;
};
void ExpectRound(const std::vector<RuleOrder>& orders, const Expected& expected) {
  const ClearedRound round = ClearOrders(vcg_market, orders).cleared;
  EXPECT_EQ(round.energy_wh, expected.units);
  if (expected.units == 0) return;
  EXPECT_EQ(round.buy_price_ticks, expected.pay);
  EXPECT_EQ(round.sell_price_ticks, expected.get);
  EXPECT_EQ(round.operator_balance_units, expected.balance);
}

TEST(Vcg, PaysEachTheUnitsThatWouldTradeInItsPlace) {
  ExpectRound(Units({17, 14, 13, 9, 6}, {1, 4, 5, 8, 11}), {4, 80, 90, -40});  // T1
  ExpectRound(Units({9, 8}, {3, 4}), {2, 40, 80, -80});                        // T3
  ExpectRound(Units({9, 4}, {3, 8}), {1, 40, 80, -40});                        // T4
  ExpectRound(Units({9}, {4}), {1, 40, 90, -50});                              // T5
  ExpectRound(Units({5, 4}, {6, 7}), {0});                                     // T6
  ExpectRound(Units({10, 8, 6}, {2, 4, 9}), {2, 60, 80, -40});                 // T7
}

TEST(Vcg, TradesNothingInAnEmptyOrOneSidedBook) {
  ExpectRound({}, {0});
  ExpectRound(Units({5}, {}), {0});
  ExpectRound(Units({}, {5}), {0});
}

TEST(Vcg, HasNoDeficitWhereAllPricesAreEqual) {
  ExpectRound(Units({5, 5, 5}, {5, 5}), {2, 50, 50, 0});
}

// Up to four parties, none of which could trade with itself.
std::vector<RuleOrder> RandomParties(RandomSource& random) {
  std::vector<RuleOrder> orders = RandomRuleOrders(random, 14, 12);
  std::vector<RuleOrder> kept;
  for (RuleOrder& order : orders) {
    order.party = static_cast<std::uint32_t>(random.Below(5));
    bool crosses = false;
    for (const RuleOrder& own : kept) {
      if (own.party != order.party || own.side == order.side) continue;
      crosses |= order.side == Side::kBuy ? order.limit >= own.limit : own.limit >= order.limit;
    }
    if (!crosses) kept.push_back(order);
  }
  return kept;
}

TEST(Vcg, PaysAPartyWhatTheOthersLoseByIt) {
  for (std::uint64_t seed = 0; seed < Repeats(3'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomParties(random);
    const RuleOutcome round = ClearOrders(vcg_market, orders);
    ASSERT_EQ(round.filled, NaiveMatch(orders));
    std::map<std::uint32_t, std::int64_t> payments;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      payments[orders[i].party] +=
          orders[i].side == Side::kBuy ? round.amounts[i] : -round.amounts[i];
    }
    ASSERT_EQ(payments, NaiveClarke(orders));
    ASSERT_LE(round.cleared.operator_balance_units, 0);  // A deficit, or none.
  }
}

TEST(Vcg, SplitsAPartysPaymentByEnergyWithTheSpareUnitsToTheLargestRemainders) {
  // The buyer of 2 + 1 Wh displaces bids at 7, 7 and 5: 19 units for 3 Wh.
  const RuleOutcome round =
      ClearOrders(vcg_market, {Buy(20, 2, 1), Buy(10, 1, 1), Buy(7, 2), Buy(5, 9), Sell(5, 3)});
  EXPECT_EQ(round.amounts[0], 13);  // 12 and two thirds.
  EXPECT_EQ(round.amounts[1], 6);   // 6 and one third.
}

TEST(Vcg, LetsNoOrderGainByAFalseLimit) {
  const std::vector<std::vector<std::uint64_t>> energies = {
      {1, 1}, {2, 1}, {1, 1, 1, 1}, {2, 1, 1, 2}, {1, 3, 2, 2}};
  for (const std::vector<std::uint64_t>& each : energies) {
    ForEachMarket(each, each.size() / 2, 4, [&](const std::vector<RuleOrder>& orders) {
      const auto found = FindFalseBid(vcg_market, orders, 4);
      ASSERT_FALSE(found.has_value()) << "order " << found->order << " gains by " << found->limit;
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Vcg, CanBeGainedFromUnderAFalseName) {
  // A seller at 1 is paid the ask at 2 that would take its place. With a bid of 9 under another
  // name it sells and buys one unit, so nothing in sum, and is paid 9 - 2.
  const RuleOutcome honest = ClearOrders(vcg_market, {Buy(9, 1), Sell(1, 1), Sell(2, 1)});
  const RuleOutcome false_name =
      ClearOrders(vcg_market, {Buy(9, 1), Sell(1, 1), Sell(2, 1), Buy(9, 1)});
  EXPECT_EQ(GainOf(honest, 1, Side::kSell, 1), 1);
  EXPECT_EQ(false_name.amounts[1] - false_name.amounts[3], 7);
}

TEST(Vcg, TradesNothingWhereTheDeficitWouldBeOverTheCap) {
  MarketDefinition market = vcg_market;
  market.rule.balance_account = AccountId{7};
  market.rule.deficit_cap_units = 50;
  const std::vector<RuleOrder> orders = Units({9}, {4});
  EXPECT_EQ(ClearOrders(market, orders).cleared.operator_balance_units, -50);
  market.rule.deficit_cap_units = 49;
  const ClearedRound refused = ClearOrders(market, orders).cleared;
  EXPECT_EQ(refused.energy_wh, 0U);
  EXPECT_EQ(refused.operator_balance_units, 0);
  EXPECT_EQ(refused.no_trade, Reason::kDeficitOverCap);
}

// The cap is the end of truthfulness: a deficit that is just over it is talked down.
TEST(Vcg, LetsABuyerAndASellerGainByFalseLimitsNearTheCap) {
  MarketDefinition market = vcg_market;
  market.rule.balance_account = AccountId{7};
  market.rule.deficit_cap_units = 49;
  const std::vector<RuleOrder> orders = Units({9}, {4});  // A deficit of 90 - 40.
  EXPECT_EQ(GainByTelling(market, orders, 0, 89), 50);
  EXPECT_EQ(GainByTelling(market, orders, 1, 41), 50);
  market.rule.deficit_cap_units = 50;
  EXPECT_FALSE(FindFalseBid(market, orders, 100).has_value());
}

TEST(Vcg, StaysExactAtTheLimitsOfEnergyAndBand) {
  constexpr std::uint64_t kMost = kOrderEnergyMaxWh;
  const std::int64_t low = -kPriceTicksMax;
  const std::int64_t high = low + kBandLevelsMax - 1;
  const RuleOutcome round =
      ClearOrders(RuleMarket(Rule::kVcg, -kPriceTicksMax), {Buy(high, kMost), Sell(low, kMost)});
  EXPECT_EQ(round.amounts[0], low * static_cast<std::int64_t>(kMost));
  EXPECT_EQ(round.amounts[1], high * static_cast<std::int64_t>(kMost));
}

TEST(Vcg, ClearsAMillionOrdersAtOneTick) {
  std::vector<RuleOrder> orders(1'000'000);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i] = i % 2 == 0 ? Buy(50, 7) : Sell(50, 7);
  }
  const RuleOutcome round = ClearOrders(vcg_market, orders);
  EXPECT_EQ(round.cleared.energy_wh, 3'500'000U);
  EXPECT_EQ(round.cleared.operator_balance_units, 0);
}

}  // namespace
}  // namespace engine
