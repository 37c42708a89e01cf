// What every rule of the table promises of a round, through the whole exchange, at the edges: empty
// sides, one price, the largest energies and prices, and very many orders at one tick.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/clearing/wide.h"
#include "engine/core/limits.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/random_source.h"
#include "tests/support/rule_name.h"

namespace engine {
namespace {

constexpr std::int32_t kHighestBandTicks = static_cast<std::int32_t>(kPriceTicksMax) - 99;
constexpr std::int32_t kLowestBandTicks = -static_cast<std::int32_t>(kPriceTicksMax);

// So many orders on each side, each of a party of its own, all of a side alike. Limits are ticks
// above the low end of the band.
struct Crowd {
  std::uint32_t bids = 0;
  std::uint32_t asks = 0;
  std::int32_t bid_ticks = 50;
  std::int32_t ask_ticks = 50;
  std::uint32_t energy_wh = 100;
  std::int32_t band_low_ticks = 0;
};

// With as large a book as the rule's market may have.
MarketDefinition MarketOf(const RuleEntry& entry, const Crowd& crowd) {
  MarketDefinition market = SmallMarket();
  market.band_low_ticks = crowd.band_low_ticks;
  market.order_max_wh = static_cast<std::uint32_t>(kOrderEnergyMaxWh);
  market.rule.rule = entry.rule;
  market.rule.rule_version = entry.version;
  while (const RuleParameter* needed = FindImpossible(market.rule)) {
    if (!needed->set(market.rule, std::to_string(crowd.energy_wh))) std::abort();
  }
  if (entry.rule == Rule::kVcg) {
    market.rule.balance_account = AccountId{1};
    market.rule.deficit_cap_units = INT64_MAX;
  }
  market.book_orders_max = kBookOrdersMax;
  while (market.book_orders_max > 1 && !IsPossible(market)) market.book_orders_max /= 2;
  return market;
}

// The one of an auction of one and many wants, or has, as much as all of the others.
std::uint32_t EnergyOfOne(std::uint32_t many, std::uint32_t energy_wh) {
  const std::uint64_t all_wh = std::uint64_t{std::max(many, 1U)} * energy_wh;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(all_wh, kOrderEnergyMaxWh));
}

// Bids, then asks; account n has the n-th order, from 1.
std::vector<OrderBody> OrdersOf(Rule rule, Crowd crowd) {
  std::uint32_t bid_wh = crowd.energy_wh;
  std::uint32_t ask_wh = crowd.energy_wh;
  if (rule == Rule::kReverse) {
    crowd.bids = std::min(crowd.bids, 1U);
    bid_wh = EnergyOfOne(crowd.asks, ask_wh);
  } else if (rule == Rule::kForward) {
    crowd.asks = std::min(crowd.asks, 1U);
    ask_wh = EnergyOfOne(crowd.bids, bid_wh);
  }
  std::vector<OrderBody> orders;
  for (std::uint32_t n = 1; n <= crowd.bids + crowd.asks; ++n) {
    orders.push_back(n <= crowd.bids ? Bid(n, 1, crowd.band_low_ticks + crowd.bid_ticks, bid_wh)
                                     : Ask(n, 1, crowd.band_low_ticks + crowd.ask_ticks, ask_wh));
  }
  return orders;
}

// All accounts are of credential 1.
void SubmitAll(ExchangeDriver& driver, const std::vector<OrderBody>& orders) {
  constexpr std::size_t kFrame = 1'000;
  for (std::size_t at = 0; at < orders.size(); at += kFrame) {
    const auto begin = orders.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kFrame, orders.size() - at));
    ASSERT_TRUE(driver.Submit(1, {begin, begin + count}).empty());
    driver.AdvanceTo(driver.now_ns);
  }
}

// Ensures: a test fails in here where energy or money is not conserved, or an order trades more
//          than its energy or beyond its limit.
void ExpectFair(const std::vector<OrderBody>& orders, const std::vector<Event>& events,
                const OutcomeBody& outcome) {
  std::vector<std::uint64_t> filled_wh(orders.size());
  std::uint64_t energy_wh[2] = {0, 0};
  SignedWide money_units[2] = {0, 0};
  std::size_t beyond_limit = 0;
  for (const Event& event : events) {
    if (event.type != EventType::kFill) continue;
    const FillEvent& fill = event.fill;
    const std::size_t i = static_cast<std::size_t>(fill.account) - 1;
    ASSERT_LT(i, orders.size());
    ASSERT_EQ(fill.side, orders[i].side);
    filled_wh[i] += fill.energy_wh;
    energy_wh[static_cast<std::size_t>(fill.side)] += fill.energy_wh;
    money_units[static_cast<std::size_t>(fill.side)] += fill.amount_units;
    const std::int64_t at_limit = std::int64_t{orders[i].limit_ticks} * fill.energy_wh;
    const bool buys = fill.side == Side::kBuy;
    beyond_limit += (buys ? fill.amount_units > at_limit : fill.amount_units < at_limit) ? 1 : 0;
  }
  std::size_t overfilled = 0;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    overfilled += filled_wh[i] > orders[i].energy_wh ? 1 : 0;
  }
  EXPECT_EQ(overfilled, 0U);
  EXPECT_EQ(beyond_limit, 0U);
  EXPECT_EQ(energy_wh[0], outcome.energy_wh);
  EXPECT_EQ(energy_wh[1], outcome.energy_wh);
  EXPECT_TRUE(money_units[0] - money_units[1] == outcome.operator_balance_units);
  EXPECT_EQ(outcome.result, outcome.energy_wh > 0 ? RoundResult::kTraded : RoundResult::kNoTrade);
}

// Returns what is traded.
std::uint64_t TradeFairly(const RuleEntry& entry, const Crowd& crowd) {
  const std::vector<OrderBody> orders = OrdersOf(entry.rule, crowd);
  ExchangeDriver driver(orders.size() + 10'000);
  driver.keep_journal = false;
  driver.AddMarket(MarketOf(entry, crowd));
  for (std::uint32_t n = 1; n <= orders.size(); ++n) driver.AddAccount(n, n, 1);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  SubmitAll(driver, orders);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
  const auto outcome =
      std::find_if(driver.outcomes.begin(), driver.outcomes.end(), [](const OutcomeBody& each) {
        return each.product == ProductId{kMarket, kStart};
      });
  if (outcome == driver.outcomes.end()) {
    ADD_FAILURE() << "no outcome";
    return 0;
  }
  ExpectFair(orders, driver.events, *outcome);
  return outcome->energy_wh;
}

// By place in the table.
class EveryRule : public testing::TestWithParam<std::size_t> {
 protected:
  static const RuleEntry& Entry() { return Rules()[GetParam()]; }
};

TEST_P(EveryRule, TradesNothingWhereASideIsEmpty) {
  for (const std::uint32_t count : {0U, 1U, 20U}) {
    SCOPED_TRACE(count);
    EXPECT_EQ(TradeFairly(Entry(), {.bids = count}), 0U);
    EXPECT_EQ(TradeFairly(Entry(), {.asks = count}), 0U);
  }
}

TEST_P(EveryRule, TradesNothingWhereNothingCrosses) {
  EXPECT_EQ(TradeFairly(Entry(), {.bids = 20, .asks = 20, .bid_ticks = 49}), 0U);
}

TEST_P(EveryRule, TradesWhereManyCross) {
  const Crowd crowd{.bids = 200, .asks = 200, .bid_ticks = 60, .ask_ticks = 40};
  EXPECT_GT(TradeFairly(Entry(), crowd), 0U);
}

TEST_P(EveryRule, IsFairWhereAllPricesAreEqual) {
  for (const std::uint32_t bids : {1U, 2U, 7U}) {
    for (const std::uint32_t asks : {1U, 2U, 7U}) {
      SCOPED_TRACE(testing::Message() << bids << " bids, " << asks << " asks");
      const std::uint64_t energy_wh = TradeFairly(Entry(), {.bids = bids, .asks = asks});
      EXPECT_LE(energy_wh, std::uint64_t{std::max(bids, asks)} * 100);
    }
  }
}

// Six of the largest orders have more than 64 bits of nano-watt-hours, and of money.
TEST_P(EveryRule, IsFairWithTheLargestEnergiesAndPrices) {
  for (const std::int32_t band_low : {kLowestBandTicks, 0, kHighestBandTicks}) {
    for (const std::uint32_t asks : {5U, 6U}) {
      SCOPED_TRACE(testing::Message() << "band from " << band_low << ", " << asks << " asks");
      Crowd crowd{.bids = 6, .asks = asks, .bid_ticks = 99, .ask_ticks = 0};
      crowd.energy_wh = static_cast<std::uint32_t>(kOrderEnergyMaxWh);
      crowd.band_low_ticks = band_low;
      TradeFairly(Entry(), crowd);
      crowd.ask_ticks = crowd.bid_ticks;
      TradeFairly(Entry(), crowd);
      crowd.ask_ticks = crowd.bid_ticks = 0;
      TradeFairly(Entry(), crowd);
    }
  }
}

TEST_P(EveryRule, IsFairWithVeryManyOrdersAtOneTick) {
  const auto orders = static_cast<std::uint32_t>(Repeats(20'000, 500'000));
  TradeFairly(Entry(), {.bids = orders, .asks = orders});
}

INSTANTIATE_TEST_SUITE_P(, EveryRule, testing::Range(std::size_t{0}, Rules().size()), RuleNameAt);

TEST(RulesOfTheTable, TakeAResponseOnlyWhereItIsFollowed) {
  for (const RuleEntry& entry : Rules()) {
    SCOPED_TRACE(RuleNameOf(entry));
    ExchangeDriver driver;
    driver.AddMarket(MarketOf(entry, {}));
    driver.AddAccount(1);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(590));
    OrderBody order = Bid(1, 1, 50, 100);
    order.response = Response::kQuadratic;
    order.response_param = 30'000;
    const Reason expected = entry.rule == Rule::kStackelberg ? Reason::kNone : Reason::kUnsupported;
    EXPECT_EQ(driver.Submit(order), expected);
  }
}

}  // namespace
}  // namespace engine
