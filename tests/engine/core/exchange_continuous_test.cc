// Markets in which orders match as they arrive.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/matching.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/naive_continuous.h"
#include "tests/support/random_source.h"
#include "tests/support/replayed.h"

namespace engine {
namespace {

MarketDefinition Continuous() {
  MarketDefinition market = SmallMarket();
  market.rule.rule = Rule::kContinuous;
  return market;
}

std::vector<NaiveContinuous::Fill> FillsOf(const ExchangeDriver& driver) {
  std::vector<NaiveContinuous::Fill> fills;
  for (const FillEvent& fill : driver.Fills()) {
    fills.push_back({static_cast<std::uint32_t>(fill.account),
                     static_cast<std::uint64_t>(fill.client_order_id), fill.price_ticks,
                     fill.energy_wh, fill.open_wh});
  }
  return fills;
}

// The journal makes the same state again, from a saved one too.
void ExpectSameOnReplay(const ExchangeDriver& driver) {
  EXPECT_EQ(Replayed(driver).StateDigest(), driver.exchange.StateDigest());
  ExpectSameThroughStates(driver, 1);
}

TEST(ExchangeContinuous, AnOrderTradesAtOnceAtTheLimitsOfThoseThatWait) {
  ExchangeDriver driver = Started(Continuous());
  ASSERT_EQ(driver.Submit(Ask(1, 1, 30, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(3, 1, 19, 50)), Reason::kNone);
  EXPECT_TRUE(driver.Fills().empty());
  ASSERT_EQ(driver.Submit(Bid(4, 1, 40, 150)), Reason::kNone);
  const std::vector<NaiveContinuous::Fill> expected = {
      {2, 1, 20, 100, 0}, {4, 1, 20, 100, 50}, {1, 1, 30, 50, 50}, {4, 1, 30, 50, 0}};
  EXPECT_EQ(FillsOf(driver), expected);
  EXPECT_EQ(driver.Fills()[1].amount_units, 2'000);
  EXPECT_EQ(driver.exchange.open_orders(), 2u);
}

TEST(ExchangeContinuous, OfTheSameLimitTheOlderTradesFirst) {
  ExchangeDriver driver = Started(Continuous());
  driver.Submit(Bid(1, 1, 20, 10));
  driver.Submit(Bid(2, 1, 20, 10));
  driver.Submit(Bid(3, 1, 20, 10));
  driver.Replace(Bid(1, 1, 20, 15));  // More energy: it is the newest now.
  driver.Replace(Bid(2, 1, 20, 5));   // Less: it keeps its place.
  driver.Submit(Ask(4, 1, 10, 20));
  const std::vector<NaiveContinuous::Fill> expected = {{2, 1, 20, 5, 0},  {4, 1, 20, 5, 15},
                                                       {3, 1, 20, 10, 0}, {4, 1, 20, 10, 5},
                                                       {1, 1, 20, 5, 10}, {4, 1, 20, 5, 0}};
  EXPECT_EQ(FillsOf(driver), expected);
}

TEST(ExchangeContinuous, AReplacedOrderTradesAtItsNewLimit) {
  ExchangeDriver driver = Started(Continuous());
  driver.Submit(Ask(1, 1, 30, 100));
  driver.Submit(Bid(2, 1, 20, 40));
  ASSERT_EQ(driver.Replace(Bid(2, 1, 35, 60)), Reason::kNone);
  const std::vector<NaiveContinuous::Fill> expected = {{1, 1, 30, 60, 40}, {2, 1, 30, 60, 0}};
  EXPECT_EQ(FillsOf(driver), expected);
  EXPECT_EQ(driver.Replace(Bid(2, 1, 36, 60)), Reason::kUnknownOrder);
}

TEST(ExchangeContinuous, TheGateEndsTheProductAndSaysWhatItTraded) {
  ExchangeDriver driver = Started(Continuous());
  driver.Submit(Ask(1, 1, 30, 100));
  driver.Submit(Bid(2, 1, 30, 60));
  driver.Submit(Bid(2, 2, 33, 40));
  driver.Submit(Bid(3, 1, 20, 7));
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
  const OutcomeBody& outcome = driver.outcomes.back();
  EXPECT_EQ(outcome.result, RoundResult::kTraded);
  EXPECT_EQ(outcome.energy_wh, 100u);
  EXPECT_EQ(outcome.fills, 4u);
  EXPECT_EQ(outcome.buy_price_ticks, 30);
  EXPECT_EQ(outcome.sell_price_ticks, 30);
  EXPECT_EQ(outcome.operator_balance_units, 0);
  // Everybody who had an order is told of the end, and of no fill a second time.
  const std::vector<Event> cleared = driver.Of(EventType::kRoundCleared);
  ASSERT_EQ(cleared.size(), 3u);
  for (const Event& event : cleared) {
    const bool has_one_open = event.credential == CredentialId{3};
    EXPECT_EQ(event.round_cleared.orders, has_one_open ? 1u : 0u);
    EXPECT_EQ(event.round_cleared.fills, 0u);
    EXPECT_EQ(event.round_cleared.energy_wh, 100u);
  }
  EXPECT_EQ(driver.Fills().size(), 4u);
  EXPECT_EQ(driver.exchange.open_orders(), 0u);
  EXPECT_EQ(driver.Submit(Bid(3, 2, 20, 7)), Reason::kUnknownProduct);
}

// What was told is not taken back where the gate is closed too late to clear a round.
TEST(ExchangeContinuous, IsNeverVoid) {
  ExchangeDriver driver = Started(Continuous());
  driver.Submit(Ask(1, 1, 30, 100));
  driver.Submit(Bid(2, 1, 30, 60));
  driver.now_ns = ExchangeDriver::MinuteNs(kStart);
  driver.AdvanceTo(driver.now_ns);
  EXPECT_EQ(driver.outcomes.back().result, RoundResult::kTraded);
  EXPECT_EQ(driver.outcomes.back().energy_wh, 60u);
  EXPECT_TRUE(driver.Of(EventType::kRoundVoid).empty());
}

TEST(ExchangeContinuous, APartyDoesNotTradeWithItself) {
  for (const SelfTrade self_trade : {SelfTrade::kRefuse, SelfTrade::kCancelOlder}) {
    MarketDefinition market = Continuous();
    market.rule.self_trade = self_trade;
    ExchangeDriver driver = Started(market);
    driver.Submit(Ask(1, 1, 20, 100));
    driver.Submit(Ask(2, 1, 25, 100));
    const bool refuses = self_trade == SelfTrade::kRefuse;
    EXPECT_EQ(driver.Submit(Bid(1, 2, 30, 50)), refuses ? Reason::kSelfTrade : Reason::kNone);
    const std::vector<NaiveContinuous::Fill> by_the_other = {{2, 1, 25, 50, 50}, {1, 2, 25, 50, 0}};
    EXPECT_EQ(FillsOf(driver), refuses ? std::vector<NaiveContinuous::Fill>() : by_the_other);
    EXPECT_EQ(driver.Of(EventType::kOrderCancelled).size(), refuses ? 0u : 1u);
  }
}

// What the one who waits pays or is paid, where both trade.
std::int64_t AmountOfTheFirst(const OrderBody& first, const OrderBody& second) {
  ExchangeDriver driver = Started(Continuous());
  driver.Submit(first);
  driver.Submit(second);
  EXPECT_EQ(driver.Fills().size(), 2u);
  return driver.Fills().empty() ? 0 : driver.Fills()[0].amount_units;
}

// Who waits is paid its own limit, so a lower one is as good as a lower value.
TEST(ExchangeContinuous, LetsABidGainByAFalseLimit) {
  const OrderBody ask = Ask(2, 1, 15, 10);
  EXPECT_LT(AmountOfTheFirst(Bid(1, 1, 20, 10), ask), AmountOfTheFirst(Bid(1, 1, 50, 10), ask));
}

TEST(ExchangeContinuous, LetsAnAskGainByAFalseLimit) {
  const OrderBody bid = Bid(2, 1, 50, 10);
  EXPECT_GT(AmountOfTheFirst(Ask(1, 1, 50, 10), bid), AmountOfTheFirst(Ask(1, 1, 15, 10), bid));
}

// Asks of 20 and 10 are to come, 5 Wh each. Who waits for 10 Wh that are worth 40 ticks to it gains
// more by two bids than by any single one, which pays one limit for all.
TEST(ExchangeContinuous, LetsABuyerGainUnderAFalseName) {
  const auto gain = [](const std::vector<OrderBody>& bids) {
    ExchangeDriver driver = Started(Continuous());
    for (const OrderBody& bid : bids) driver.Submit(bid);
    driver.Submit(Ask(3, 1, 20, 5));
    driver.Submit(Ask(4, 1, 10, 5));
    std::int64_t sum = 0;
    for (const FillEvent& fill : driver.Fills()) {
      if (fill.side == Side::kBuy) sum += 40 * std::int64_t{fill.energy_wh} - fill.amount_units;
    }
    return sum;
  };
  std::int64_t most = 0;
  for (std::int32_t limit = 0; limit < 99; ++limit) {
    most = std::max(most, gain({Bid(1, 1, limit, 10)}));
  }
  EXPECT_EQ(gain({Bid(1, 1, 40, 10)}), 0);
  EXPECT_EQ(most, 200);
  EXPECT_EQ(gain({Bid(1, 1, 20, 5), Bid(2, 1, 10, 5)}), 250);
}

// The first to come takes the energy from the one that values it most.
TEST(ExchangeContinuous, DoesNotTradeWhatIsWorthMost) {
  ExchangeDriver driver = Started(Continuous());
  driver.Submit(Ask(1, 1, 10, 100));
  driver.Submit(Bid(2, 1, 11, 100));
  driver.Submit(Bid(3, 1, 99, 100));
  EXPECT_EQ(driver.FilledWh(2, 1), 100u);
  EXPECT_EQ(driver.FilledWh(3, 1), 0u);
}

// One order against more than a command may trade: the rest is due at once; meanwhile the product
// takes no orders, and another market's does.
TEST(ExchangeContinuous, ASweepGoesOnWithLaterCommands) {
  constexpr std::uint32_t kHomes = 2 * Matching::kTradesACommand + 10;
  ExchangeDriver driver;
  MarketDefinition market = Continuous();
  driver.AddMarket(market);
  market.id = MarketId{2};
  driver.AddMarket(market);
  for (std::uint32_t home = 1; home <= kHomes; ++home) driver.AddAccount(home, 0, 1);
  driver.AddAccount(kHomes + 1, 0, 2);
  driver.AddAccount(kHomes + 2, 0, 3);
  driver.AddAccount(kHomes + 3, 0, 4, MarketId{2});
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  for (std::uint32_t home = 1; home <= kHomes; ++home) {
    ASSERT_TRUE(driver.Submit(1, {Ask(home, 1, 20, 1)}).empty());
  }
  ASSERT_TRUE(driver.Submit(2, {Bid(kHomes + 1, 1, 20, kHomes + 5)}).empty());
  EXPECT_EQ(driver.Fills().size(), 2 * Matching::kTradesACommand);
  const std::vector<Refusal> refusals = driver.Submit(3, {Bid(kHomes + 2, 1, 20, 1)});
  ASSERT_EQ(refusals.size(), 1u);
  EXPECT_EQ(refusals[0].reason, Reason::kMatching);
  OrderBody elsewhere = Bid(kHomes + 3, 1, 20, 1);
  elsewhere.product.market = MarketId{2};
  EXPECT_TRUE(driver.Submit(4, {elsewhere}).empty());
  EXPECT_EQ(driver.CancelAll(2).reason, Reason::kMatching);
  // The taker's session ends, which lets go of what it has open when the sweep is over.
  driver.ApplyFrom(CredentialId{2}, 0, CommandType::kDisconnect, std::span<const OrderBody>());
  ASSERT_EQ(driver.exchange.NextDue()->type, CommandType::kContinueMatching);
  EXPECT_NE(driver.exchange.NextDue(Exchange::Sweeps::kWait)->type, CommandType::kContinueMatching);
  driver.AdvanceTo(driver.now_ns);
  EXPECT_EQ(driver.Fills().size(), 2 * kHomes);
  ASSERT_EQ(driver.Of(EventType::kOrderCancelled).size(), 1u);
  EXPECT_EQ(driver.Of(EventType::kOrderCancelled)[0].order_cancelled.open_wh, 5u);
  EXPECT_EQ(driver.exchange.open_orders(), 1u);
  EXPECT_TRUE(driver.Submit(3, {Bid(kHomes + 2, 2, 20, 1)}).empty());
  ExpectSameOnReplay(driver);
}

// Whose command has made all its trades, and has none left, is not a sweep.
TEST(ExchangeContinuous, AFrameThatTradesExactlyWhatACommandMayIsNoSweep) {
  constexpr std::uint32_t kAsks = Matching::kTradesACommand;
  ExchangeDriver driver;
  driver.AddMarket(Continuous());
  for (std::uint32_t home = 1; home <= kAsks; ++home) driver.AddAccount(home, 0, 1);
  driver.AddAccount(kAsks + 1, 0, 2);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  for (std::uint32_t home = 1; home <= kAsks; ++home) {
    ASSERT_TRUE(driver.Submit(1, {Ask(home, 1, 20, 1)}).empty());
  }
  EXPECT_TRUE(driver.Submit(2, {Bid(kAsks + 1, 1, 20, kAsks), Bid(kAsks + 1, 2, 20, 1)}).empty());
  EXPECT_EQ(driver.Fills().size(), 2 * kAsks);
  EXPECT_NE(driver.exchange.NextDue()->type, CommandType::kContinueMatching);
}

// What a home has traded counts to what its connection carries in the slot.
TEST(ExchangeContinuous, TradedEnergyCountsToTheMeteringPointsLimit) {
  ExchangeDriver driver = Started(Continuous());
  ASSERT_TRUE(driver.Apply(
      CommandType::kDefineMeteringPoint,
      MeteringPointBody{.id = MeteringPointId{1}, .import_limit_w = 0, .export_limit_w = 2'000}));
  driver.Submit(Bid(2, 1, 30, 2'000));
  EXPECT_EQ(driver.Submit(Ask(1, 1, 20, 400)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Ask(1, 2, 20, 101)), Reason::kMeteringPointLimit);
  EXPECT_EQ(driver.Submit(Ask(1, 3, 20, 100)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Ask(1, 4, 20, 1)), Reason::kMeteringPointLimit);
  EXPECT_EQ(driver.FilledWh(2, 1), 500u);
  ExpectSameOnReplay(driver);
}

// Random orders, replaces and cancels beside the definition, fill by fill.
void Compare(std::uint64_t seed, std::uint64_t steps, std::uint64_t replaces_in_16) {
  RandomSource random(seed);
  ExchangeDriver driver = Started(Continuous(), 12);
  driver.keep_journal = false;
  NaiveContinuous naive;
  std::uint64_t next_id = 1;
  for (std::uint64_t step = 0; step < steps; ++step) {
    const auto account = static_cast<std::uint32_t>(1 + random.Below(12));
    const auto ticks = static_cast<std::int32_t>(10 + random.Below(12));
    const auto energy = static_cast<std::uint32_t>(1 + random.Below(50));
    const Side side = account % 2 == 0 ? Side::kBuy : Side::kSell;  // So none meets itself.
    const std::uint64_t what = random.Below(16);
    if (what >= replaces_in_16 + 2) {
      ASSERT_EQ(driver.Submit(MakeOrder(side, account, next_id, ticks, energy)), Reason::kNone);
      naive.Submit({account, next_id++, side, ticks, energy});
    } else if (!naive.orders.empty()) {
      NaiveContinuous::Order* order = &naive.orders[random.Below(naive.orders.size())];
      if (what < replaces_in_16) {
        ASSERT_EQ(driver.Replace(MakeOrder(order->side, order->account, order->id, ticks, energy)),
                  Reason::kNone);
        naive.Replace(order, ticks, energy);
      } else {
        ASSERT_EQ(driver.Cancel(order->account, order->id), Reason::kNone);
        naive.Cancel(order);
      }
    }
    ASSERT_EQ(driver.exchange.open_orders(), naive.orders.size());
  }
  ASSERT_EQ(FillsOf(driver), naive.fills);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
  std::uint64_t energy = 0;
  std::int64_t money = 0;
  for (const FillEvent& fill : driver.Fills()) {
    energy += fill.energy_wh;
    money += fill.side == Side::kBuy ? fill.amount_units : -fill.amount_units;
  }
  EXPECT_EQ(driver.outcomes.back().energy_wh * 2, energy);
  EXPECT_EQ(driver.outcomes.back().fills, naive.fills.size());
  EXPECT_EQ(money, 0);
}

TEST(ExchangeContinuousRandom, TradesAsTheDefinitionDoes) {
  for (std::uint64_t seed = 0; seed < Repeats(100, 3'000); ++seed) {
    SCOPED_TRACE(seed);
    Compare(seed, 150, 4);
  }
}

// So many orders move that the book is compacted, several times, under the queues.
TEST(ExchangeContinuousRandom, TradesOnInACompactedBook) {
  for (std::uint64_t seed = 0; seed < Repeats(2, 20); ++seed) {
    SCOPED_TRACE(seed);
    Compare(1'000 + seed, 6'000, 13);
  }
}

}  // namespace
}  // namespace engine
