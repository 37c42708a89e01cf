// McAfee's double auction and the trade reduction: markets T1 to T7 of the literature in tenths of
// a unit, books of any kind beside the slow twin, and what the two promise.
#include "engine/core/clearing/mcafee.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/false_bids.h"
#include "tests/support/naive_double_auction.h"

namespace engine {
namespace {

constexpr std::uint64_t kLotWh = 100;

MarketDefinition LotMarket(Rule rule) {
  MarketDefinition market = RuleMarket(rule);
  market.rule.lot_wh = kLotWh;
  return market;
}

// Values of the textbook, each a lot; a tick is a tenth.
std::vector<RuleOrder> Lots(const std::vector<std::int64_t>& bids,
                            const std::vector<std::int64_t>& asks) {
  std::vector<RuleOrder> orders;
  orders.reserve(bids.size() + asks.size());
  for (const std::int64_t bid : bids) orders.push_back(Buy(bid * 10, kLotWh));
  for (const std::int64_t ask : asks) orders.push_back(Sell(ask * 10, kLotWh));
  return orders;
}

struct Expected {
  std::uint64_t lots = 0;
  std::int32_t pay = 0;
  std::int32_t get = 0;
};
void ExpectRound(Rule rule, const std::vector<RuleOrder>& orders, const Expected& expected) {
  const ClearedRound round = ClearOrders(LotMarket(rule), orders).cleared;
  EXPECT_EQ(round.energy_wh, expected.lots * kLotWh);
  if (expected.lots == 0) return;
  EXPECT_EQ(round.buy_price_ticks, expected.pay);
  EXPECT_EQ(round.sell_price_ticks, expected.get);
  EXPECT_EQ(round.operator_balance_units,
            (expected.pay - expected.get) * static_cast<std::int64_t>(expected.lots * kLotWh));
}

TEST(McAfee, TradesAllAtThePriceOfThePairLeftOut) {
  ExpectRound(Rule::kMcAfee, Lots({17, 14, 13, 9, 6}, {1, 4, 5, 8, 11}), {4, 85, 85});  // T1
  ExpectRound(Rule::kMcAfee, Lots({9, 4}, {3, 8}), {1, 60, 60});                        // T4
  ExpectRound(Rule::kMcAfee, Lots({10, 8, 6}, {2, 4, 9}), {2, 75, 75});                 // T7
}

TEST(McAfee, DropsTheLastPairWhereTheNextNamesNoPriceBetween) {
  ExpectRound(Rule::kMcAfee, Lots({17, 14, 13, 9, 6}, {1, 4, 5, 8, 13}), {3, 90, 80});  // T2
  ExpectRound(Rule::kMcAfee, Lots({9, 8}, {3, 4}), {1, 80, 40});                        // T3
  ExpectRound(Rule::kMcAfee, Lots({9}, {4}), {0});                                      // T5
  ExpectRound(Rule::kMcAfee, Lots({5, 4}, {6, 7}), {0});                                // T6
}

TEST(McAfee, LeavesTheOperatorWhatTradersDoNotGain) {  // T2
  const std::vector<RuleOrder> orders = Lots({17, 14, 13, 9, 6}, {1, 4, 5, 8, 13});
  const RuleOutcome round = ClearOrders(LotMarket(Rule::kMcAfee), orders);
  constexpr std::int64_t kOne = 10 * std::int64_t{kLotWh};
  EXPECT_EQ(GainsOf(orders, round.filled), 34 * kOne);
  EXPECT_EQ(GainsOf(orders, round.filled) - round.cleared.operator_balance_units, 31 * kOne);
}

TEST(TradeReduction, AlwaysDropsTheLastPair) {
  ExpectRound(Rule::kTradeReduction, Lots({17, 14, 13, 9, 6}, {1, 4, 5, 8, 11}), {3, 90, 80});
  ExpectRound(Rule::kTradeReduction, Lots({9, 8}, {3, 4}), {1, 80, 40});
  ExpectRound(Rule::kTradeReduction, Lots({9}, {4}), {0});
  ExpectRound(Rule::kTradeReduction, Lots({5, 4}, {6, 7}), {0});
}

TEST(McAfee, TradesNothingInAnEmptyOrOneSidedBook) {
  for (const Rule rule : {Rule::kMcAfee, Rule::kTradeReduction}) {
    ExpectRound(rule, {}, {0});
    ExpectRound(rule, Lots({5, 4}, {}), {0});
    ExpectRound(rule, Lots({}, {5, 4}), {0});
  }
}

TEST(McAfee, GivesTheOlderOfEqualOrdersTheLot) {
  const RuleOutcome round = ClearOrders(LotMarket(Rule::kMcAfee), Lots({9, 9, 9}, {9, 9}));
  EXPECT_EQ(round.cleared.buy_price_ticks, 90);
  EXPECT_EQ(round.filled, (std::vector<std::uint64_t>{kLotWh, 0, 0, kLotWh, 0}))
      << "no third ask names a price, so the second pair is dropped";
}

std::vector<RuleOrder> RandomLots(RandomSource& random) {
  std::vector<RuleOrder> orders = RandomRuleOrders(random, 16, 1);
  for (RuleOrder& order : orders) order.energy_wh = kLotWh;
  return orders;
}

class LotRule : public testing::TestWithParam<Rule> {};
INSTANTIATE_TEST_SUITE_P(, LotRule, testing::Values(Rule::kMcAfee, Rule::kTradeReduction),
                         [](const auto& test) {
                           return test.param == Rule::kMcAfee ? "McAfee" : "TradeReduction";
                         });

TEST_P(LotRule, AgreesWithTheSortedListOnBooksOfAnyKind) {
  for (std::uint64_t seed = 0; seed < Repeats(4'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomLots(random);
    const NaiveDoubleAuction expected = NaiveLots(orders, GetParam() == Rule::kMcAfee);
    const RuleOutcome round = ClearOrders(LotMarket(GetParam()), orders);
    ASSERT_EQ(round.filled, expected.filled);
    if (round.cleared.energy_wh == 0) continue;
    ASSERT_EQ(round.cleared.buy_price_ticks, expected.buy_price);
    ASSERT_EQ(round.cleared.sell_price_ticks, expected.sell_price);
    ASSERT_GE(round.cleared.operator_balance_units, 0);  // Weak budget balance.
  }
}

TEST_P(LotRule, LetsNoOrderGainByAFalseLimit) {
  for (const std::size_t bids : {1U, 2U, 3U}) {
    for (const std::size_t asks : {1U, 2U, 3U}) {
      const std::int64_t highest = bids + asks > 5 ? 2 : 4;
      const std::vector<std::uint64_t> energies(bids + asks, kLotWh);
      ForEachMarket(energies, bids, highest, [&](const std::vector<RuleOrder>& orders) {
        const auto found = FindFalseBid(LotMarket(GetParam()), orders, highest);
        ASSERT_FALSE(found.has_value())
            << bids << " bids: order " << found->order << " gains by " << found->limit;
      });
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(LotRule, LosesAtMostOneKthOfWhatCouldBeGained) {
  for (std::uint64_t seed = 0; seed < Repeats(2'000, 50'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomLots(random);
    MarketDefinition efficient = RuleMarket(Rule::kUniform);
    efficient.rule.margin = Margin::kTime;
    const RuleOutcome best = ClearOrders(efficient, orders);
    const auto k = static_cast<std::int64_t>(best.cleared.energy_wh / kLotWh);
    const std::int64_t gained = GainsOf(orders, ClearOrders(LotMarket(GetParam()), orders).filled);
    ASSERT_GE(gained * k, GainsOf(orders, best.filled) * (k - 1));
  }
}

// Tables of erelsgl's simulations (AAAI 2020): n traders a side, values uniform.
struct Published {
  std::size_t n = 0;
  std::int64_t trades_hundredths = 0;
  std::int64_t gain_hundredths = 0;     // Of a percent of what could be gained,
  std::int64_t traders_hundredths = 0;  // and without what the operator keeps.
  std::int64_t noise_hundredths = 0;
};
TEST(McAfee, GainsWhatIsPublishedOfIt) {
  constexpr std::int64_t kMarkets = 2'000;
  MarketDefinition efficient = RuleMarket(Rule::kUniform);
  efficient.rule.margin = Margin::kTime;
  const MarketDefinition market = LotMarket(Rule::kMcAfee);
  for (const Published& published :
       {Published{2, 58, 7'718, 6'901, 300}, Published{5, 204, 9'461, 8'608, 150},
        Published{10, 452, 9'837, 9'178, 100}, Published{25, 1'202, 9'971, 9'635, 50},
        Published{50, 2'449, 9'992, 9'808, 30}, Published{100, 4'950, 9'998, 9'901, 20}}) {
    SCOPED_TRACE(published.n);
    RandomSource random(published.n);
    std::int64_t best = 0;
    std::int64_t gained = 0;
    std::int64_t kept = 0;
    std::int64_t lots = 0;
    for (std::int64_t i = 0; i < kMarkets; ++i) {
      const std::vector<RuleOrder> orders = RandomTraders(random, published.n, kLotWh);
      const RuleOutcome round = ClearOrders(market, orders);
      gained += GainsOf(orders, round.filled);
      kept += round.cleared.operator_balance_units;
      best += GainsOf(orders, ClearOrders(efficient, orders).filled);
      lots += static_cast<std::int64_t>(round.cleared.energy_wh / kLotWh);
    }
    const std::int64_t noise = published.noise_hundredths;
    ExpectWithin(gained / (best / 10'000), published.gain_hundredths, noise);
    ExpectWithin((gained - kept) / (best / 10'000), published.traders_hundredths, noise);
    ExpectWithin(lots * 100 / kMarkets, published.trades_hundredths,
                 10 + published.trades_hundredths / 50);
  }
}

TEST_P(LotRule, CanBeGainedFromUnderAFalseName) {
  // The seller at 3 is paid the second ask. With a bid of 6.5 under another name, which is dropped
  // as the last of its side, a third pair crosses, and it is paid the third ask.
  const RuleOutcome honest = ClearOrders(LotMarket(GetParam()), Lots({9, 8}, {3, 4, 6}));
  EXPECT_EQ(honest.amounts[2], 40 * std::int64_t{kLotWh});
  std::vector<RuleOrder> orders = Lots({9, 8}, {3, 4, 6});
  orders.push_back(Buy(65, kLotWh));
  const RuleOutcome with_false_name = ClearOrders(LotMarket(GetParam()), orders);
  EXPECT_EQ(with_false_name.amounts[2], 60 * std::int64_t{kLotWh});
  EXPECT_EQ(with_false_name.filled[5], 0U);
}

TEST_P(LotRule, ClearsAMillionOrdersAtOneTick) {
  std::vector<RuleOrder> orders(1'000'000);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i] = i % 2 == 0 ? Buy(50, kLotWh) : Sell(50, kLotWh);
  }
  const RuleOutcome round = ClearOrders(LotMarket(GetParam()), orders);
  EXPECT_EQ(round.cleared.energy_wh, 499'999 * kLotWh) << "no next pair names a price";
  EXPECT_EQ(round.filled[999'997], kLotWh);
  EXPECT_EQ(round.filled[999'999], 0U);
}

}  // namespace
}  // namespace engine
