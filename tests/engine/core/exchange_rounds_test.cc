#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

TEST(ExchangeRound, TellsEveryoneWithAnOrderInItAndFillsThoseWhoTraded) {
  ExchangeDriver driver = Started(SmallMarket());
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(3, 1, 10, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
  const std::vector<Event> told = driver.Of(EventType::kRoundCleared);
  ASSERT_EQ(told.size(), 3u);
  for (const Event& event : told) {
    EXPECT_EQ(event.round_cleared.result, RoundResult::kTraded);
    EXPECT_EQ(event.round_cleared.buy_price_ticks, 25);
    EXPECT_EQ(event.round_cleared.sell_price_ticks, 25);
    EXPECT_EQ(event.round_cleared.energy_wh, 100u);
    EXPECT_EQ(event.event_number, 1u);
  }
  const std::vector<FillEvent> fills = driver.Fills();
  ASSERT_EQ(fills.size(), 2u);
  EXPECT_EQ(fills[0].amount_units, 2'500);
  EXPECT_EQ(fills[1].amount_units, 2'500);
  EXPECT_EQ(driver.FilledWh(3, 1), 0u);
  EXPECT_EQ(driver.exchange.open_orders(), 0u);
}

// A market's parameters are frozen into a product when it opens.
TEST(ExchangeRound, KeepsTheRuleThatItsProductOpenedWith) {
  ExchangeDriver driver = Started(SmallMarket());
  MarketDefinition changed = SmallMarket();
  changed.rule.rule = Rule::kPayAsBid;
  driver.AddMarket(changed);
  const auto rule_of_next = [&](std::uint32_t start) {
    driver.AdvanceTo(ExchangeDriver::MinuteNs(start - 6));
    OrderBody bid = Bid(1, start, 31, 100);
    OrderBody ask = Ask(2, start, 20, 100);
    bid.product.start_minute = ask.product.start_minute = start;
    EXPECT_EQ(driver.Submit(bid), Reason::kNone);
    EXPECT_EQ(driver.Submit(ask), Reason::kNone);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(start - 5));
    return driver.outcomes.back().rule.rule;
  };
  EXPECT_EQ(rule_of_next(kStart), Rule::kUniform);
  std::uint32_t start = kStart;  // The last one that was open when the rule changed.
  for (start += 15; rule_of_next(start) == Rule::kUniform; start += 15) {
    ASSERT_LT(start, kStart + 2 * 24 * 60);
  }
  EXPECT_EQ(driver.outcomes.back().rule.rule, Rule::kPayAsBid);
  EXPECT_EQ(rule_of_next(start + 15), Rule::kPayAsBid);
}

TEST(ExchangeRound, ThatDoesNotCrossIsAResult) {
  ExchangeDriver driver = Started(SmallMarket());
  ASSERT_EQ(driver.Submit(Bid(1, 1, 10, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
  const std::vector<Event> told = driver.Of(EventType::kRoundCleared);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].round_cleared.result, RoundResult::kNoTrade);
  EXPECT_EQ(told[0].round_cleared.orders, 1u);
  EXPECT_EQ(told[0].round_cleared.fills, 0u);
}

TEST(ExchangeRound, TakesOrdersUntilTheGateAndNotAtIt) {
  ExchangeDriver driver = Started(SmallMarket());
  driver.now_ns = ExchangeDriver::MinuteNs(kGateMinute) - 1;
  EXPECT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  driver.now_ns = ExchangeDriver::MinuteNs(kGateMinute);
  EXPECT_EQ(driver.Submit(Bid(2, 1, 31, 100)), Reason::kGateClosed);
  EXPECT_EQ(driver.Cancel(1, 1), Reason::kGateClosed);
}

TEST(ExchangeRound, IsVoidWhenTheNoticeBeforeDeliveryHasPassed) {
  ExchangeDriver driver = Started(SmallMarket());
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
  driver.now_ns = ExchangeDriver::MinuteNs(kStart - 1) + 1;  // The daemon was down at the gate.
  driver.AdvanceTo(driver.now_ns);
  EXPECT_EQ(driver.Of(EventType::kRoundVoid).size(), 2u);
  EXPECT_TRUE(driver.Fills().empty());
}

TEST(ExchangeRound, IsClearedLateWhileTheNoticeRemains) {
  ExchangeDriver driver = Started(SmallMarket());
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
  driver.now_ns = ExchangeDriver::MinuteNs(kStart - 1);
  driver.AdvanceTo(driver.now_ns);
  EXPECT_EQ(driver.Fills().size(), 2u);
}

TEST(ExchangeRound, KeepsUnfilledOrdersForTheNextWhereTheMarketSaysSo) {
  ExchangeDriver driver = Started(TwoRounds(1));
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 300)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(585));
  EXPECT_EQ(driver.FilledWh(1, 1), 100u);
  EXPECT_EQ(driver.Fills()[0].open_wh, 200u);
  EXPECT_EQ(driver.exchange.open_orders(), 1u);
  ASSERT_EQ(driver.Submit(Ask(3, 1, 20, 50)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Ask(2, 1, 20, 50)), Reason::kDuplicateClientOrderId);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(595));
  EXPECT_EQ(driver.FilledWh(1, 1), 150u);
  EXPECT_EQ(driver.exchange.open_orders(), 0u);
}

TEST(ExchangeRound, BeginsEmptyWhereOrdersDoNotStay) {
  MarketDefinition market = TwoRounds(0);
  market.party_orders_max = 1;
  market.book_orders_max = 2;
  ExchangeDriver driver = Started(market);
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 300)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(2, 1, 31, 300)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(3, 1, 31, 300)), Reason::kBookFull);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(585));
  EXPECT_EQ(driver.exchange.open_orders(), 0u);
  EXPECT_EQ(driver.Submit(Bid(1, 2, 31, 300)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 3, 31, 300)), Reason::kPartyOrderLimit);
  ASSERT_EQ(driver.Submit(Ask(2, 2, 20, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(595));
  EXPECT_EQ(driver.FilledWh(1, 1), 0u);
  EXPECT_EQ(driver.FilledWh(1, 2), 100u);
  EXPECT_EQ(driver.exchange.open_orders(), 0u);
}

TEST(ExchangeRound, LeavesTheClientOrderIdsOfEarlierOnesTaken) {
  ExchangeDriver driver = Started(TwoRounds(0));
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 300)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(585));
  EXPECT_EQ(driver.Submit(Bid(1, 1, 31, 300)), Reason::kDuplicateClientOrderId);
  EXPECT_EQ(driver.Replace(Bid(1, 1, 31, 200)), Reason::kUnknownOrder);
}

TEST(ExchangeRound, BelongingToAnEarlierGateIsSkippedWhenTheProductOpensLate) {
  ExchangeDriver driver;
  driver.AddMarket(TwoRounds(1));
  driver.AddAccount(1);
  driver.now_ns = ExchangeDriver::MinuteNs(590);
  driver.AdvanceTo(driver.now_ns);
  for (const Event& event : driver.Of(EventType::kProductOpened)) {
    if (event.product_opened.product.start_minute == kStart) {
      EXPECT_EQ(event.product_opened.round, 2u);
    }
  }
  EXPECT_EQ(driver.Submit(Bid(1, 1, 31, 300)), Reason::kNone);
}

// At a gate its round is over: one that began then would close before anyone could enter it.
TEST(ExchangeRound, IsTheNextOneWhereTheProductOpensAtAGate) {
  ExchangeDriver driver;
  driver.AddMarket(TwoRounds(1));
  driver.now_ns = ExchangeDriver::MinuteNs(585);
  driver.AdvanceTo(driver.now_ns);
  const std::vector<Event> opened = driver.Of(EventType::kProductOpened);
  ASSERT_FALSE(opened.empty());
  ASSERT_EQ(opened.front().product_opened.product.start_minute, kStart);
  EXPECT_EQ(opened.front().product_opened.round, 2u);
  EXPECT_TRUE(driver.outcomes.empty());
}

TEST(ExchangeProduct, KeepsTheParametersThatItOpenedWith) {
  ExchangeDriver driver = Started(SmallMarket());
  MarketDefinition smaller = SmallMarket();
  smaller.band_levels = 30;
  driver.AddMarket(smaller);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart - 45));  // The next product opens.
  OrderBody next = Bid(1, 1, 50, 100);
  next.product.start_minute = kStart + 15;
  EXPECT_EQ(driver.Submit(Bid(1, 1, 50, 100)), Reason::kNone);
  EXPECT_EQ(driver.Submit(next), Reason::kPriceOutsideBand);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 40, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
  EXPECT_EQ(driver.FilledWh(1, 1), 100u);
  EXPECT_EQ(driver.outcomes.back().buy_price_ticks, 45);
}

TEST(ExchangeIndicative, IsWhatClearingAtThatInstantWouldGive) {
  MarketDefinition market = SmallMarket();
  market.indicative_interval_s = 10;
  market.indicative_min_parties = 1;
  ExchangeDriver driver = Started(market);
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 90)), Reason::kNone);
  const DigestBytes before = driver.exchange.StateDigest();
  driver.exchange.PublishIndicative(driver.now_ns);
  driver.Collect();
  ASSERT_EQ(driver.exchange.StateDigest(), before);
  const std::vector<Event> told = driver.Of(EventType::kIndicative);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].indicative.crossing, 1);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
  ASSERT_FALSE(driver.outcomes.empty());
  EXPECT_EQ(told[0].indicative.price_ticks, driver.outcomes.back().buy_price_ticks);
  EXPECT_EQ(told[0].indicative.energy_wh, driver.outcomes.back().energy_wh);
}

TEST(ExchangeIndicative, IsRoundedToTheStepAndWithheldBelowTheNumberOfParties) {
  MarketDefinition market = SmallMarket();
  market.indicative_interval_s = 10;
  market.indicative_min_parties = 2;
  market.indicative_step_ticks = 10;
  market.indicative_step_wh = 50;
  ExchangeDriver driver = Started(market);
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 90)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(3, 1, 3, 100)), Reason::kNone);
  const std::int64_t next = driver.exchange.PublishIndicative(driver.now_ns);
  EXPECT_EQ(next, driver.now_ns + 10 * kSecondNs);
  driver.Collect();
  EXPECT_TRUE(driver.Of(EventType::kIndicative).empty());
  ASSERT_EQ(driver.Submit(Ask(4, 1, 90, 90)), Reason::kNone);
  driver.exchange.PublishIndicative(next);
  driver.Collect();
  const std::vector<Event> told = driver.Of(EventType::kIndicative);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].indicative.price_ticks, 30);  // The bid at 31 is left over: price 31.
  EXPECT_EQ(told[0].indicative.energy_wh, 50u);
}

TEST(ExchangeIndicative, IsToldForAFewBooksACallAndForTheOthersAtOnceBehind) {
  MarketDefinition market = SmallMarket();
  market.slot_minutes = 5;
  market.open_before_s = 40 * 300;
  market.indicative_interval_s = 10;
  market.indicative_min_parties = 1;
  ExchangeDriver driver = Started(market);
  for (std::uint32_t start = kStart - 30; start < kStart + 100; start += 5) {
    OrderBody bid = Bid(1, 1, 31, 100);
    OrderBody ask = Ask(2, 1, 20, 100);
    bid.product.start_minute = ask.product.start_minute = start;
    ASSERT_EQ(driver.Submit(bid), Reason::kNone);
    ASSERT_EQ(driver.Submit(ask), Reason::kNone);
  }
  std::size_t calls = 0;
  while (driver.exchange.PublishIndicative(driver.now_ns) <= driver.now_ns) ++calls;
  driver.Collect();
  EXPECT_EQ(driver.Of(EventType::kIndicative).size(), 26u);
  EXPECT_GE(calls, 1u);
}

TEST(ExchangeClearing, RefusesOrdersForTheBookAndServesOtherMarkets) {
  ExchangeDriver driver;
  MarketDefinition market = TwoRounds(1);
  driver.AddMarket(market);
  MarketDefinition other = SmallMarket();
  other.id = MarketId{2};
  driver.AddMarket(other);
  for (std::uint32_t account = 1; account <= 300; ++account) driver.AddAccount(account);
  driver.AddAccount(301, 0, 0, MarketId{2});
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  for (std::uint32_t account = 1; account <= 300; ++account) {
    ASSERT_EQ(driver.Submit(account % 2 ? Bid(account, 1, 31, 100) : Ask(account, 1, 20, 100)),
              Reason::kNone);
  }
  // The close, by hand and undrained.
  driver.now_ns = ExchangeDriver::MinuteNs(585);
  const ProductBody body{.product = {kMarket, kStart}, .round = 1};
  ASSERT_TRUE(driver.ApplyUndrained(CommandType::kCloseRound, body));
  ASSERT_TRUE(driver.ApplyUndrained(CommandType::kOutcome, *driver.exchange.TakeOutcome()));

  std::vector<Event> piece(16);
  driver.exchange.Drain(piece);
  ASSERT_TRUE(driver.exchange.Draining());
  const auto submit = [&](std::uint32_t account, const OrderBody& order) {
    CommandHeader client;
    client.sequence = driver.exchange.sequence() + 1;
    client.time_ns = driver.now_ns;
    client.type = CommandType::kSubmitOrders;
    client.credential = CredentialId{account};
    client.client_seq = ++driver.client_seq[account];
    const OwnedCommand command(client, std::span<const OrderBody>(&order, 1));
    EXPECT_TRUE(driver.exchange.Screen(command.view()));
    EXPECT_TRUE(driver.exchange.Apply(command.view()));
    EXPECT_GT(driver.exchange.Drain(piece), 0u);
    EXPECT_EQ(piece[0].type, EventType::kAnswer);
    return piece[0].answer.refused == 0 ? Reason::kNone : piece[1].refusals.refusals[0].reason;
  };
  EXPECT_EQ(submit(1, Bid(1, 2, 31, 100)), Reason::kClearing);
  OrderBody elsewhere = Bid(301, 1, 31, 100);
  elsewhere.product.market = MarketId{2};
  EXPECT_EQ(submit(301, elsewhere), Reason::kNone);
  EXPECT_NE(driver.exchange.NextDue()->type, CommandType::kFinishRound);
  driver.Collect();
  EXPECT_EQ(driver.exchange.NextDue()->type, CommandType::kFinishRound);
}

TEST(ExchangeClearing, IsTheReasonOfACancelAllOnlyWhereNothingWent) {
  ExchangeDriver driver = Started(TwoRounds(1));
  driver.AdvanceTo(ExchangeDriver::MinuteNs(584));
  OrderBody later = Bid(1, 1, 31, 100);
  later.product.start_minute += 15;
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(later), Reason::kNone);
  // By hand, so that the book stays in clearing.
  driver.now_ns = ExchangeDriver::MinuteNs(585);
  const ProductBody body{.product = {kMarket, kStart}, .round = 1};
  ASSERT_TRUE(driver.ApplyUndrained(CommandType::kCloseRound, body));
  ASSERT_TRUE(driver.ApplyUndrained(CommandType::kOutcome, *driver.exchange.TakeOutcome()));
  AnswerEvent answer = driver.CancelAll(1);
  EXPECT_EQ(answer.reason, Reason::kNone);
  EXPECT_EQ(answer.items, 1u);
  EXPECT_EQ(driver.exchange.open_orders(), 1u);  // What is being cleared stays.
  answer = driver.CancelAll(1);
  EXPECT_EQ(answer.reason, Reason::kClearing);
  EXPECT_EQ(answer.items, 0u);
  EXPECT_EQ(driver.exchange.open_orders(), 1u);
}

TEST(ExchangeClearing, IsFinishedThoughAListIsStillBeingTold) {
  ExchangeDriver driver = Started(TwoRounds(1));
  for (std::uint64_t id = 1; id <= 40; ++id) {
    ASSERT_EQ(driver.Submit(Bid(1, id, 10, 100)), Reason::kNone);
  }
  CommandHeader header;
  header.type = CommandType::kListOpenOrders;
  header.credential = CredentialId{1};
  const OrderScopeBody all{};
  driver.exchange.Ask(OwnedCommand(header, std::span<const OrderScopeBody>(&all, 1)).view());
  std::vector<Event> piece(8);
  ASSERT_EQ(driver.exchange.Drain(piece), piece.size());
  // By hand, and drained as far as the round goes.
  driver.now_ns = ExchangeDriver::MinuteNs(585);
  const ProductBody body{.product = {kMarket, kStart}, .round = 1};
  ASSERT_TRUE(driver.ApplyUndrained(CommandType::kCloseRound, body));
  ASSERT_TRUE(driver.ApplyUndrained(CommandType::kOutcome, *driver.exchange.TakeOutcome()));
  while (driver.exchange.NextDue()->type != CommandType::kFinishRound) {
    ASSERT_TRUE(driver.exchange.Draining());
    driver.exchange.Drain(piece);
  }
  ASSERT_TRUE(driver.exchange.Draining());
  EXPECT_TRUE(driver.ApplyUndrained(CommandType::kFinishRound, body));
}

TEST(ExchangeDrain, GivesTheSameEventsInPiecesOfAnySize) {
  std::vector<std::vector<std::uint64_t>> numbers;
  for (const std::size_t piece : {1u, 2u, 7u, 1'000u}) {
    ExchangeDriver driver = Started(SmallMarket(), 60);
    for (std::uint32_t account = 1; account <= 60; ++account) {
      ASSERT_EQ(driver.Submit(account % 2 ? Bid(account, 1, 31, 100) : Ask(account, 1, 20, 90)),
                Reason::kNone);
    }
    driver.drain_piece = piece;
    driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
    numbers.emplace_back();
    for (const Event& event : driver.events) {
      if (event.type == EventType::kFill) {
        numbers.back().push_back(static_cast<std::uint64_t>(event.fill.order));
        numbers.back().push_back(event.fill.energy_wh);
        numbers.back().push_back(event.event_number);
      }
    }
    EXPECT_EQ(numbers.back(), numbers.front());
  }
}

TEST(ExchangeOutcome, OtherThanWhatWasComputedIsRefused) {
  ExchangeDriver driver = Started(SmallMarket());
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute) - 1);
  driver.now_ns = ExchangeDriver::MinuteNs(kGateMinute);
  const ProductBody body{.product = {kMarket, kStart}, .round = 1};
  ASSERT_TRUE(driver.ApplyUndrained(CommandType::kCloseRound, body));
  OutcomeBody outcome = *driver.exchange.TakeOutcome();
  outcome.operator_balance_units += 1;
  EXPECT_FALSE(driver.ApplyUndrained(CommandType::kOutcome, outcome));
  outcome.operator_balance_units -= 1;
  EXPECT_TRUE(driver.ApplyUndrained(CommandType::kOutcome, outcome));
}

}  // namespace
}  // namespace engine
