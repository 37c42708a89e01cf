#include "engine/core/clearing/uniform_price.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/false_bids.h"
#include "tests/support/naive_auction.h"
#include "tests/support/naive_payments.h"
#include "tests/support/random_source.h"
#include "tests/support/rule_round.h"

namespace engine {
namespace {

// A book of orders whose limits are levels, each of a party of its own.
class Round {
 public:
  explicit Round(const std::vector<NaiveOrder>& orders) {
    for (std::size_t i = 0; i < orders.size(); ++i) {
      NewOrder order{.side = orders[i].side,
                     .level = static_cast<std::uint16_t>(orders[i].limit),
                     .energy_wh = static_cast<std::uint32_t>(orders[i].open),
                     .account = static_cast<std::uint32_t>(i),
                     .party = static_cast<std::uint32_t>(i),
                     .client_order_id = ClientOrderId{i},
                     .order_id = OrderId{i}};
      EXPECT_TRUE(book.Add(memory, order));
    }
  }

  UniformPrice Clear(const RuleParameters& rule) {
    const UniformPrice price = FindUniformPrice(book, memory, rule, *scratch);
    if (price.energy_wh > 0) AllocateUniformPrice(book, memory, rule, price);
    return price;
  }
  // By order, as they were given.
  std::vector<std::uint64_t> Filled(std::size_t orders) {
    std::vector<std::uint64_t> filled(orders);
    for (const Side side : {Side::kBuy, Side::kSell}) {
      for (std::uint32_t at = book.first_chunk(side); at != kNoChunk;) {
        const OrderChunk& chunk = memory.orders.chunk(at);
        for (std::uint32_t i = 0; i < chunk.used; ++i) {
          filled[chunk.account[i]] = chunk.filled_wh[i];
        }
        at = chunk.next;
      }
    }
    return filled;
  }

  BookMemory memory{100'000};
  Book book;
  std::unique_ptr<ClearingScratch> scratch = std::make_unique<ClearingScratch>();
};

NaiveOrder Bid(std::int64_t limit, std::uint64_t open) { return {Side::kBuy, limit, open}; }
NaiveOrder Ask(std::int64_t limit, std::uint64_t open) { return {Side::kSell, limit, open}; }

constexpr RuleParameters kProRata{};
constexpr RuleParameters kByTime{.margin = Margin::kTime};

TEST(UniformPrice, TradesNothingInAnEmptyBook) {
  Round round({});
  EXPECT_EQ(round.Clear(kProRata).energy_wh, 0u);
}

TEST(UniformPrice, TradesNothingInAOneSidedBook) {
  Round bids({Bid(50, 100), Bid(60, 100)});
  EXPECT_EQ(bids.Clear(kProRata).energy_wh, 0u);
  Round asks({Ask(50, 100)});
  EXPECT_EQ(asks.Clear(kProRata).energy_wh, 0u);
}

TEST(UniformPrice, TradesNothingWhenTheBestBidIsBelowTheBestAsk) {
  Round round({Bid(19, 500), Ask(20, 500)});
  EXPECT_EQ(round.Clear(kProRata).energy_wh, 0u);
}

TEST(UniformPrice, RoundsTheMiddleOfTheIntervalDown) {
  Round round({Bid(31, 100), Ask(20, 100)});
  EXPECT_EQ(round.Clear(kProRata).level, 25);  // (20 + 31) / 2 = 25.5
}

TEST(UniformPrice, TakesTheShareKOfTheInterval) {
  RuleParameters rule;
  rule.k_numerator = 0;
  EXPECT_EQ(Round({Bid(31, 100), Ask(20, 100)}).Clear(rule).level, 20);
  rule.k_numerator = rule.k_denominator = 1;
  EXPECT_EQ(Round({Bid(31, 100), Ask(20, 100)}).Clear(rule).level, 31);
}

TEST(UniformPrice, LiesBetweenTheOrdersThatAreLeftOver) {
  // The bid at 28 and the ask at 24 are left over: the interval is 24..28 cut to 24..28,
  // not 20..31.
  Round round({Bid(31, 100), Bid(22, 50), Ask(20, 100), Ask(30, 50)});
  EXPECT_EQ(round.Clear(kProRata).level, 26);  // (22 + 30) / 2
}

TEST(UniformPrice, IsTheLimitOfAnOrderThatTradesInPart) {
  Round round({Bid(40, 100), Bid(31, 300), Ask(10, 150), Ask(20, 100)});
  const UniformPrice price = round.Clear(kProRata);
  EXPECT_EQ(price.energy_wh, 250u);
  EXPECT_EQ(price.level, 31);
}

TEST(UniformPrice, SharesTheMarginByLargestRemainderWithTiesToTheOlder) {
  // 10 Wh for three equal bids of 10: 3.33 each; the spare watt-hour goes to the oldest.
  Round round({Bid(50, 10), Bid(50, 10), Bid(50, 10), Ask(50, 10)});
  round.Clear(kProRata);
  EXPECT_EQ(round.Filled(4), (std::vector<std::uint64_t>{4, 3, 3, 10}));
}

TEST(UniformPrice, GivesTheMarginToTheOlderFirstByTime) {
  Round round({Bid(50, 10), Bid(50, 10), Bid(50, 10), Ask(50, 15)});
  round.Clear(kByTime);
  EXPECT_EQ(round.Filled(4), (std::vector<std::uint64_t>{10, 5, 0, 15}));
}

TEST(UniformPrice, WorksAtBothEndsOfTheWidestBand) {
  Round round({Bid(65'535, 4'000'000'000), Ask(0, 4'000'000'000)});
  const UniformPrice price = round.Clear(kProRata);
  EXPECT_EQ(price.energy_wh, 4'000'000'000u);
  EXPECT_EQ(price.level, 32'767);
}

TEST(UniformPrice, LeavesTheScratchZeroForTheNextBook) {
  Round round({Bid(40, 100), Ask(10, 150), Ask(99, 7)});
  round.Clear(kProRata);
  for (std::size_t i = 0; i < round.scratch->demand_wh.size(); ++i) {
    ASSERT_EQ(round.scratch->demand_wh[i] + round.scratch->supply_wh[i], 0u) << i;
  }
}

// Examples in the manner of the Brooklyn microgrid: prices in cents, energies in Wh.
RuleOutcome ClearWith(UniformPricing pricing, const std::vector<RuleOrder>& orders) {
  MarketDefinition market = RuleMarket(Rule::kUniform);
  market.rule.price = pricing;
  market.rule.margin = Margin::kTime;
  return ClearOrders(market, orders);
}

TEST(UniformPrice, IsTheLastBidOrTheLastAskThatTradesWhereTheMarketSaysSo) {
  const std::vector<RuleOrder> orders = {Buy(20, 2'000),  Buy(18, 1'000), Buy(12, 3'000),
                                         Buy(9, 1'000),   Sell(6, 2'000), Sell(10, 1'500),
                                         Sell(11, 1'000), Sell(15, 2'000)};
  const RuleOutcome last_bid = ClearWith(UniformPricing::kLastBid, orders);
  EXPECT_EQ(last_bid.cleared.energy_wh, 4'500U);
  EXPECT_EQ(last_bid.cleared.buy_price_ticks, 12);
  EXPECT_EQ(last_bid.filled,
            (std::vector<std::uint64_t>{2'000, 1'000, 1'500, 0, 2'000, 1'500, 1'000, 0}));
  EXPECT_EQ(ClearWith(UniformPricing::kLastAsk, orders).cleared.buy_price_ticks, 11);
}

TEST(UniformPrice, OfTheLastBidNeedNotBeAPriceAtWhichSupplyMeetsDemand) {
  // Glut: the ask at 5 has energy left, and would have sold at 7.
  const std::vector<RuleOrder> glut = {Buy(20, 1'000), Buy(7, 1'000), Sell(5, 3'000),
                                       Sell(6, 4'000)};
  EXPECT_EQ(ClearWith(UniformPricing::kLastBid, glut).cleared.buy_price_ticks, 7);
  EXPECT_EQ(ClearWith(UniformPricing::kLastBid, glut).cleared.energy_wh, 2'000U);
  EXPECT_EQ(ClearWith(UniformPricing::kInterval, glut).cleared.buy_price_ticks, 5);
  const std::vector<RuleOrder> shortage = {Buy(20, 5'000), Buy(15, 5'000), Sell(5, 3'000)};
  EXPECT_EQ(ClearWith(UniformPricing::kLastBid, shortage).cleared.buy_price_ticks, 20);
  EXPECT_EQ(ClearWith(UniformPricing::kLastBid, shortage).cleared.energy_wh, 3'000U);
  EXPECT_EQ(ClearWith(UniformPricing::kLastBid, {Buy(5, 10), Sell(9, 10)}).cleared.energy_wh, 0U);
}

TEST(UniformPrice, OfTheLastBidOrAskIsThatOfTheWorstOrderThatTrades) {
  for (std::uint64_t seed = 0; seed < Repeats(2'000, 50'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomRuleOrders(random, 20, 40);
    const RuleOutcome last_bid = ClearWith(UniformPricing::kLastBid, orders);
    const RuleOutcome last_ask = ClearWith(UniformPricing::kLastAsk, orders);
    ASSERT_EQ(last_bid.filled, last_ask.filled);
    if (last_bid.cleared.energy_wh == 0) continue;
    std::int64_t cheapest_bid = INT64_MAX;
    std::int64_t dearest_ask = INT64_MIN;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      if (last_bid.filled[i] == 0) continue;
      if (orders[i].side == Side::kBuy) cheapest_bid = std::min(cheapest_bid, orders[i].limit);
      if (orders[i].side == Side::kSell) dearest_ask = std::max(dearest_ask, orders[i].limit);
    }
    ASSERT_EQ(last_bid.cleared.buy_price_ticks, cheapest_bid);
    ASSERT_EQ(last_ask.cleared.buy_price_ticks, dearest_ask);
  }
}

TEST(UniformPrice, LetsBuyersAndSellersGainByFalseLimitsWithAnyPricing) {
  const auto gain = [](UniformPricing pricing, const std::vector<RuleOrder>& orders,
                       std::size_t order, std::int64_t limit) {
    MarketDefinition market = RuleMarket(Rule::kUniform);
    market.rule.price = pricing;
    return GainByTelling(market, orders, order, limit);
  };
  const std::vector<RuleOrder> pair = {Buy(40, 10), Sell(10, 10)};
  EXPECT_EQ(gain(UniformPricing::kInterval, pair, 0, 20), 100);  // 15, not 25.
  EXPECT_EQ(gain(UniformPricing::kInterval, pair, 1, 30), 100);  // 35, not 25.
  EXPECT_EQ(gain(UniformPricing::kLastBid, pair, 0, 20), 200);
  EXPECT_EQ(gain(UniformPricing::kLastAsk, pair, 1, 30), 200);
  // The side whose limit does not name the price trades half as much, at three times the gain.
  EXPECT_EQ(gain(UniformPricing::kLastBid, {Buy(40, 10), Buy(20, 10), Sell(10, 20)}, 2, 30), 100);
  EXPECT_EQ(gain(UniformPricing::kLastAsk, {Buy(40, 20), Sell(10, 10), Sell(30, 10)}, 0, 20), 100);
}

TEST(UniformPrice, LetsABuyerGainUnderAFalseName) {
  // An ask of 12 that nobody takes keeps the price down from 25 to 11.
  const MarketDefinition market = RuleMarket(Rule::kUniform);
  EXPECT_EQ(ClearOrders(market, {Buy(40, 10), Sell(10, 10)}).amounts[0], 250);
  EXPECT_EQ(ClearOrders(market, {Buy(40, 10), Sell(10, 10), Sell(12, 10)}).amounts[0], 110);
}

TEST(UniformPrice, TradesWhatIsWorthMost) {
  for (std::uint64_t seed = 0; seed < Repeats(1'000, 50'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomRuleOrders(random, 16, 30);
    const RuleOutcome round = ClearOrders(RuleMarket(Rule::kUniform), orders);
    std::int64_t welfare = 0;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      const std::int64_t value = orders[i].limit * static_cast<std::int64_t>(round.filled[i]);
      welfare += orders[i].side == Side::kBuy ? value : -value;
    }
    ASSERT_EQ(welfare, NaiveWelfare(orders));
    ASSERT_EQ(round.cleared.operator_balance_units, 0);  // Strong budget balance.
  }
}

TEST(UniformPrice, ClearsAMillionOrdersAtOneTick) {
  std::vector<RuleOrder> orders(Repeats(100'000, 1'000'000));
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i] = i % 2 == 0 ? Buy(50, 7) : Sell(50, 3);
  }
  orders[1].energy_wh = 5;
  for (const Margin margin : {Margin::kProRata, Margin::kTime}) {
    MarketDefinition market = RuleMarket(Rule::kUniform);
    market.rule.margin = margin;
    const RuleOutcome round = ClearOrders(market, orders);
    EXPECT_EQ(round.cleared.buy_price_ticks, 50);
    EXPECT_EQ(round.cleared.energy_wh, orders.size() / 2 * 3 + 2);
    // Three of the seven each and the two spare ones to the oldest, or the older bids all of
    // theirs.
    const bool by_time = margin == Margin::kTime;
    EXPECT_EQ(round.filled[0], by_time ? 7U : 4U);
    EXPECT_EQ(round.filled[2], by_time ? 7U : 4U);
    EXPECT_EQ(round.filled[4], by_time ? 7U : 3U);
    EXPECT_EQ(round.filled[orders.size() - 2], by_time ? 0U : 3U);
    EXPECT_EQ(round.filled[orders.size() - 1], 3U);
  }
}

std::vector<NaiveOrder> RandomOrders(RandomSource& random) {
  std::vector<NaiveOrder> orders(random.Below(random.Below(8) == 0 ? 400 : 24));
  const std::uint64_t levels = 1 + random.Below(random.Below(2) == 0 ? 6 : 60);
  const std::uint64_t energies = 1 + random.Below(random.Below(4) == 0 ? 4'000'000'000 : 40);
  const std::uint64_t base = random.Below(60'000);
  for (NaiveOrder& order : orders) {
    order.side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
    order.limit = static_cast<std::int64_t>(base + random.Below(levels));
    order.open = 1 + random.Below(energies);
  }
  return orders;
}

// A failure prints the seed that repeats it.
TEST(UniformPrice, AgreesWithTheNaiveAuctionToTheTickAndTheWattHour) {
  const std::uint64_t repeats = Repeats(4'000, 100'000);
  for (std::uint64_t seed = 0; seed < repeats; ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<NaiveOrder> orders = RandomOrders(random);
    RuleParameters rule = random.Below(2) == 0 ? kProRata : kByTime;
    rule.k_denominator = static_cast<std::uint32_t>(1 + random.Below(5));
    rule.k_numerator = static_cast<std::uint32_t>(random.Below(rule.k_denominator + 1));
    const NaiveRound expected = NaiveClear(orders, rule);
    Round round(orders);
    const UniformPrice price = round.Clear(rule);
    ASSERT_EQ(price.energy_wh, expected.energy);
    if (expected.energy == 0) continue;
    ASSERT_EQ(price.level, expected.price);
    ASSERT_EQ(round.Filled(orders.size()), expected.filled);
  }
}

// A book in use beside a plain list: orders come, shrink, are replaced and leave, over rounds that
// keep what is unfilled.
class UsedBook {
 public:
  explicit UsedBook(std::uint64_t seed) : random_(seed) {}

  void Change() {
    if (live_.empty() || random_.Below(3) == 0) return Add();
    const std::size_t place = random_.Below(live_.size());
    NaiveOrder& order = live_[place].order;
    if (order.open == 0) return;
    const Slot slot = round_.book.Find(round_.memory, Party(place), live_[place].account, {});
    switch (random_.Below(3)) {
      case 0:
        round_.book.Withdraw(round_.memory, slot);
        order.open = 0;
        return;
      case 1:
        order.open = 1 + random_.Below(order.open);
        round_.book.Reduce(round_.memory, slot, static_cast<std::uint32_t>(order.open));
        return;
      default:
        Move(place, slot);
    }
  }

  // The round's clear, and what is left of the orders after it.
  void ClearBoth(const RuleParameters& rule) {
    std::vector<NaiveOrder> orders;
    for (const Live& live : live_) orders.push_back(live.order);
    const NaiveRound expected = NaiveClear(orders, rule);
    const UniformPrice price = round_.Clear(rule);
    ASSERT_EQ(price.energy_wh, expected.energy);
    if (expected.energy == 0) return;
    ASSERT_EQ(price.level, expected.price);
    std::vector<std::uint64_t> filled(accounts_);
    round_.book.ForEachOrder(round_.memory, [&](const OrderChunk& chunk, std::uint32_t at) {
      filled[chunk.account[at]] = chunk.filled_wh[at];
    });
    for (std::size_t i = 0; i < live_.size(); ++i) {
      ASSERT_EQ(filled[live_[i].account], expected.filled[i]);
      live_[i].order.open -= expected.filled[i];
    }
    round_.book.Settle(round_.memory);
  }

 private:
  struct Live {
    NaiveOrder order;
    std::uint32_t account = 0;
  };

  std::uint32_t Party(std::size_t place) const { return live_[place].account % 5; }
  NewOrder ToNew(std::size_t place) const {
    const Live& live = live_[place];
    return {.side = live.order.side,
            .level = static_cast<std::uint16_t>(live.order.limit),
            .energy_wh = static_cast<std::uint32_t>(live.order.open),
            .account = live.account,
            .party = Party(place)};
  }
  void Add() {
    const Side side = random_.Below(2) == 0 ? Side::kBuy : Side::kSell;
    live_.push_back({{side, Limit(), 1 + random_.Below(50)}, accounts_++});
    ASSERT_TRUE(round_.book.Add(round_.memory, ToNew(live_.size() - 1)));
  }
  void Move(std::size_t place, Slot slot) {
    Live moved = live_[place];
    moved.order.limit = Limit();
    moved.order.open = 1 + random_.Below(50);
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(place));
    live_.push_back(moved);
    const NewOrder changed = ToNew(live_.size() - 1);
    ASSERT_TRUE(round_.book.Move(round_.memory, slot, changed.party, changed));
  }
  std::int64_t Limit() { return static_cast<std::int64_t>(100 + random_.Below(20)); }

  RandomSource random_;
  Round round_{{}};
  std::vector<Live> live_;  // In order of arrival.
  std::uint32_t accounts_ = 0;
};

TEST(UniformPrice, OfABookInUseIsThatOfTheOrdersOpenInItRoundAfterRound) {
  const std::uint64_t repeats = Repeats(300, 10'000);
  for (std::uint64_t seed = 0; seed < repeats; ++seed) {
    SCOPED_TRACE(seed);
    UsedBook book(seed);
    // Now and then so many replaces that the book is compacted.
    const int changes = seed % 20 == 0 ? 3'000 : 60;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < changes; ++i) book.Change();
      book.ClearBoth(seed % 2 == 0 ? kProRata : kByTime);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace engine
