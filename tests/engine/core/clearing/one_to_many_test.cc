// The reverse auction's example: a generator, two inverters and the grid. A tick is 0.001 a kWh.
#include "engine/core/clearing/one_to_many.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/false_bids.h"
#include "tests/support/naive_payments.h"

namespace engine {
namespace {

MarketDefinition OneToMany(Rule rule, ManyPayment payment) {
  MarketDefinition market = RuleMarket(rule);
  market.rule.payment = payment;
  return market;
}

// The buyer's demand, then the offers of the generator, the inverters and the grid.
std::vector<RuleOrder> Microgrid(std::uint64_t demand_wh) {
  return {Buy(120, demand_wh), Sell(90, 3'000), Sell(60, 2'000), Sell(70, 2'000),
          Sell(120, 100'000)};
}

TEST(Reverse, TakesTheCheapestOffersUntilTheDemandIsCovered) {
  struct Case {
    std::uint64_t demand_wh;
    std::int64_t pay_as_bid;
    std::int64_t uniform;
  };
  const Case cases[] = {{1'500, 90'000, 90'000},
                        {3'000, 190'000, 210'000},
                        {5'000, 350'000, 450'000},
                        {9'000, 770'000, 1'080'000}};
  for (const Case& each : cases) {
    const std::vector<RuleOrder> orders = Microgrid(each.demand_wh);
    const RuleOutcome bid = ClearOrders(OneToMany(Rule::kReverse, ManyPayment::kPayAsBid), orders);
    EXPECT_EQ(bid.amounts[0], each.pay_as_bid);
    EXPECT_EQ(ClearOrders(OneToMany(Rule::kReverse, ManyPayment::kUniform), orders).amounts[0],
              each.uniform);
    EXPECT_EQ(bid.cleared.energy_wh, each.demand_wh);
  }
  const RuleOutcome last =
      ClearOrders(OneToMany(Rule::kReverse, ManyPayment::kPayAsBid), Microgrid(9'000));
  EXPECT_EQ(last.filled, (std::vector<std::uint64_t>{9'000, 3'000, 2'000, 2'000, 2'000}));
}

TEST(Reverse, PaysASellerWhatWouldTakeItsPlace) {
  // 3 kWh: the first inverter's 2 would come from the second's other 1 and the generator, the
  // second's 1 from the generator.
  const RuleOutcome round =
      ClearOrders(OneToMany(Rule::kReverse, ManyPayment::kVickrey), Microgrid(3'000));
  EXPECT_EQ(round.amounts[2], 1'000 * 70 + 1'000 * 90);
  EXPECT_EQ(round.amounts[3], 1'000 * 90);
  EXPECT_EQ(round.amounts[0], round.amounts[2] + round.amounts[3]);
}

TEST(Reverse, PaysALoneSellerTheBuyersLimit) {
  const RuleOutcome round =
      ClearOrders(OneToMany(Rule::kReverse, ManyPayment::kVickrey), {Buy(50, 10), Sell(20, 10)});
  EXPECT_EQ(round.amounts[1], 500);
}

TEST(Forward, GivesTheDearestBidsTheEnergy) {
  const std::vector<RuleOrder> orders = {Buy(30, 10), Buy(50, 10), Buy(40, 10), Sell(20, 15)};
  const auto amounts = [&](ManyPayment payment) {
    return ClearOrders(OneToMany(Rule::kForward, payment), orders).amounts;
  };
  EXPECT_EQ(amounts(ManyPayment::kPayAsBid), (std::vector<std::int64_t>{0, 500, 200, 700}));
  EXPECT_EQ(amounts(ManyPayment::kUniform), (std::vector<std::int64_t>{0, 400, 200, 600}));
  // The bid of 50 displaces 5 at 40 and 5 at 30, that of 40 5 at 30.
  EXPECT_EQ(amounts(ManyPayment::kVickrey), (std::vector<std::int64_t>{0, 350, 150, 500}));
}

TEST(OneToMany, TradesNothingWithoutExactlyOneOrderOnTheOnesSide) {
  for (const ManyPayment payment :
       {ManyPayment::kPayAsBid, ManyPayment::kUniform, ManyPayment::kVickrey}) {
    const MarketDefinition reverse = OneToMany(Rule::kReverse, payment);
    const MarketDefinition forward = OneToMany(Rule::kForward, payment);
    const std::vector<RuleOrder> two_each = {Buy(9, 5), Buy(9, 5), Sell(4, 5), Sell(4, 5)};
    EXPECT_EQ(ClearOrders(reverse, two_each).cleared.no_trade, Reason::kNotOneBuyer);
    EXPECT_EQ(ClearOrders(forward, two_each).cleared.no_trade, Reason::kNotOneSeller);
    EXPECT_EQ(ClearOrders(reverse, {}).cleared.no_trade, Reason::kNotOneBuyer);
    EXPECT_EQ(ClearOrders(forward, {}).cleared.no_trade, Reason::kNotOneSeller);
    EXPECT_EQ(ClearOrders(reverse, {Buy(9, 5)}).cleared.no_trade, Reason::kNone);
    EXPECT_EQ(ClearOrders(reverse, {Buy(3, 5), Sell(4, 5)}).cleared.energy_wh, 0U);
  }
}

// One order on the one's side, up to `most` on the other.
std::vector<RuleOrder> RandomAround(RandomSource& random, Side one, std::size_t most) {
  std::vector<RuleOrder> orders = RandomRuleOrders(random, most, 12);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i].side = one == Side::kBuy ? Side::kSell : Side::kBuy;
    orders[i].party = static_cast<std::uint32_t>(i);
  }
  orders.push_back({one, static_cast<std::int64_t>(random.Below(60)), 1 + random.Below(60), 99});
  return orders;
}

// What each of the many gets, or pays, for its watt-hours one by one.
std::vector<std::int64_t> NaiveMany(const std::vector<RuleOrder>& orders, ManyPayment payment) {
  const std::vector<std::uint64_t> filled = NaiveMatch(orders);
  std::vector<std::int64_t> amounts(orders.size());
  std::int64_t last = 0;
  for (const std::size_t i : InPriority(orders, orders[0].side)) {
    if (filled[i] > 0) last = orders[i].limit;
  }
  auto clarke = NaiveClarke(orders);
  for (std::size_t i = 0; i + 1 < orders.size(); ++i) {
    const auto energy = static_cast<std::int64_t>(filled[i]);
    amounts[i] = energy * (payment == ManyPayment::kUniform ? last : orders[i].limit);
    if (payment == ManyPayment::kVickrey) amounts[i] = std::abs(clarke[orders[i].party]);
    amounts.back() += amounts[i];
  }
  return amounts;
}

TEST(OneToMany, AgreesWithPaymentsFoundWattHourByWattHour) {
  for (std::uint64_t seed = 0; seed < Repeats(3'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const Side one = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
    const auto payment = static_cast<ManyPayment>(random.Below(3));
    const std::vector<RuleOrder> orders = RandomAround(random, one, 12);
    const MarketDefinition market =
        OneToMany(one == Side::kBuy ? Rule::kReverse : Rule::kForward, payment);
    const RuleOutcome round = ClearOrders(market, orders);
    ASSERT_EQ(round.filled, NaiveMatch(orders));
    ASSERT_EQ(round.amounts, NaiveMany(orders, payment));
    ASSERT_EQ(round.cleared.operator_balance_units, 0);  // Strong budget balance.
  }
}

// Whether an order of the side gains by a false limit in any market of one order against two.
bool Gains(Rule rule, ManyPayment payment, Side side) {
  bool gained = false;
  const MarketDefinition market = OneToMany(rule, payment);
  for (const std::vector<std::uint64_t>& energies :
       {std::vector<std::uint64_t>{2, 1, 2}, {2, 2, 2}, {1, 1, 1}, {3, 1, 3}}) {
    ForEachMarket(energies, rule == Rule::kReverse ? 1 : 2, 4, [&](const auto& orders) {
      const RuleOutcome honest = ClearOrders(market, orders);
      for (std::size_t i = 0; i < orders.size(); ++i) {
        if (orders[i].side != side) continue;
        std::vector<RuleOrder> told = orders;
        for (told[i].limit = 0; told[i].limit <= 4; ++told[i].limit) {
          gained |= GainOf(ClearOrders(market, told), i, side, orders[i].limit) >
                    GainOf(honest, i, side, orders[i].limit);
        }
      }
    });
  }
  return gained;
}

TEST(OneToMany, LetsNoneOfTheManyGainByAFalseLimitWithVickreyPaymentsOnly) {
  for (const Rule rule : {Rule::kReverse, Rule::kForward}) {
    const Side many = rule == Rule::kReverse ? Side::kSell : Side::kBuy;
    EXPECT_FALSE(Gains(rule, ManyPayment::kVickrey, many));
    EXPECT_TRUE(Gains(rule, ManyPayment::kPayAsBid, many));
    EXPECT_TRUE(Gains(rule, ManyPayment::kUniform, many));
  }
}

TEST(OneToMany, LetsTheOneNotGainByAFalseLimitWithPayAsBidOnly) {
  for (const Rule rule : {Rule::kReverse, Rule::kForward}) {
    const Side one = rule == Rule::kReverse ? Side::kBuy : Side::kSell;
    EXPECT_FALSE(Gains(rule, ManyPayment::kPayAsBid, one));
    EXPECT_TRUE(Gains(rule, ManyPayment::kUniform, one));
    EXPECT_TRUE(Gains(rule, ManyPayment::kVickrey, one));
  }
}

// Every market of one order of 3 Wh and two of 2 on the other side, the first of which is split.
void ExpectNoGainByASecondName(Rule rule) {
  const MarketDefinition market = OneToMany(rule, ManyPayment::kVickrey);
  const bool reverse = rule == Rule::kReverse;
  const Side many = reverse ? Side::kSell : Side::kBuy;
  const std::size_t first = reverse ? 1 : 0;
  const std::vector<std::uint64_t> energies =
      reverse ? std::vector<std::uint64_t>{3, 2, 2} : std::vector<std::uint64_t>{2, 2, 3};
  ForEachMarket(energies, reverse ? 1 : 2, 4, [&](const std::vector<RuleOrder>& orders) {
    const std::int64_t value = orders[first].limit;
    const std::int64_t honest = GainOf(ClearOrders(market, orders), first, many, value);
    std::vector<RuleOrder> split = orders;
    split[first].energy_wh = 1;
    split.push_back(split[first]);
    for (split[first].limit = 0; split[first].limit <= 4; ++split[first].limit) {
      for (split[3].limit = 0; split[3].limit <= 4; ++split[3].limit) {
        const RuleOutcome round = ClearOrders(market, split);
        ASSERT_LE(GainOf(round, first, many, value) + GainOf(round, 3, many, value), honest);
      }
    }
  });
}

TEST(OneToMany, LetsNoneOfTheManyGainByASecondNameWithVickreyPayments) {
  for (const Rule rule : {Rule::kReverse, Rule::kForward}) ExpectNoGainByASecondName(rule);
}

// One of the many is alone and gets, or pays, its own limit. It keeps half of its energy at that
// and offers the other half under another name at the limit of the one.
TEST(OneToMany, LetsOneOfTheManyGainUnderAFalseNameWithTheOtherPayments) {
  const std::vector<RuleOrder> split_ask = {Buy(60, 10), Sell(10, 5), Sell(60, 5)};
  const std::vector<RuleOrder> split_bid = {Buy(60, 5), Buy(10, 5), Sell(10, 10)};
  for (const ManyPayment payment : {ManyPayment::kPayAsBid, ManyPayment::kUniform}) {
    const std::int64_t gain = payment == ManyPayment::kUniform ? 500 : 250;
    const MarketDefinition reverse = OneToMany(Rule::kReverse, payment);
    const MarketDefinition forward = OneToMany(Rule::kForward, payment);
    const std::vector<RuleOrder> honest = {Buy(60, 10), Sell(10, 10)};
    EXPECT_EQ(ClearOrders(reverse, honest).amounts[1], 100);
    EXPECT_EQ(ClearOrders(forward, honest).amounts[0], 600);
    const RuleOutcome asks = ClearOrders(reverse, split_ask);
    EXPECT_EQ(asks.cleared.energy_wh, 10U);
    EXPECT_EQ(asks.amounts[1] + asks.amounts[2] - 100, gain);
    const RuleOutcome bids = ClearOrders(forward, split_bid);
    EXPECT_EQ(bids.cleared.energy_wh, 10U);
    EXPECT_EQ(600 - bids.amounts[0] - bids.amounts[1], gain);
  }
}

TEST(OneToMany, ClearsAMillionOrdersAtOneTick) {
  std::vector<RuleOrder> orders(1'000'000, Sell(50, 7));
  orders.front() = Buy(51, 4'000'000'000);
  const RuleOutcome round = ClearOrders(OneToMany(Rule::kReverse, ManyPayment::kVickrey), orders);
  EXPECT_EQ(round.cleared.energy_wh, 999'999 * std::uint64_t{7});
  EXPECT_EQ(round.amounts[1], 51 * 7);
}

}  // namespace
}  // namespace engine
