// Rounds that are played: prices are called, live buyers answer, the best price clears.
#include <gtest/gtest.h>

#include "tests/support/game_table.h"

namespace engine {
namespace {

TEST(ExchangeGame, CallsEveryPriceOfTheRangeAndClearsAtTheBest) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  table.PlayHonestly();
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(table.outcome().buy_price_ticks, 112);
  // Answers count in whole watt-hours: 766.67 Wh and 366.67 Wh are 766 and 366.
  EXPECT_EQ(table.outcome().energy_wh, 2'107U);
  EXPECT_EQ(table.driver.FilledWh(4, 1), 766U);
  const std::vector<PriceCallEvent> last = table.Calls();
  EXPECT_EQ(last.front().step, 27U);
  EXPECT_EQ(last.front().price_ticks, 94);
  EXPECT_EQ(last.size(), 5U);  // The winners alone are asked.
  EXPECT_EQ(table.driver.Of(EventType::kPriceCall).front().price_call.price_ticks, 120);
}

TEST(ExchangeGame, FindsTheSamePriceByHalves) {
  GameTable table(PlayedMarket(Schedule::kBisecting));
  table.PlayHonestly();
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(table.outcome().buy_price_ticks, 112);
  EXPECT_EQ(table.outcome().energy_wh, 2'107U);
  EXPECT_LE(table.Calls().front().step, 10U);
  EXPECT_EQ(table.driver.exchange.game_counts().fell_back, 0U);
}

TEST(ExchangeGame, AnnouncesFromTheTariffWhereTheFirstPriceThatCountsIsNobodysBusiness) {
  MarketDefinition market = PlayedMarket(Schedule::kDescending);
  market.rule.announce_from = AnnounceFrom::kBand;
  market.feed_in_ticks = 10;
  market.retail_ticks = 300;
  GameTable table(market);
  table.PlayHonestly();
  EXPECT_EQ(table.driver.Of(EventType::kPriceCall).front().price_call.price_ticks, 300);
  EXPECT_EQ(table.Calls().front().step, 27U + 180U);
  EXPECT_EQ(table.outcome().buy_price_ticks, 112);
}

// Above the first bid that was left out a seller's margin would be larger still.
TEST(ExchangeGame, CountsNoPriceAboveTheRangeThoughItIsAnnounced) {
  MarketDefinition market = PlayedMarket(Schedule::kDescending);
  market.rule.announce_from = AnnounceFrom::kBand;
  market.feed_in_ticks = 10;
  market.retail_ticks = 300;
  const SideOrders bids = {{200, 100}, {190, 100}, {150, 100}};
  GameTable table(market, bids, {{60, 100}, {80, 100}, {100, 100}});
  std::int32_t highest_taken = 0;
  table.Play([&](const PriceCallEvent& call) {
    const auto& [limit, energy_wh] = bids[static_cast<std::size_t>(call.account) - 1];
    const bool takes = call.price_ticks < limit;
    if (takes) highest_taken = std::max(highest_taken, call.price_ticks);
    EXPECT_EQ(table.Answer(call, takes ? energy_wh * kNanoPerWh : 0), Reason::kNone);
  });
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(highest_taken, 199) << "prices above the range were answered";
  EXPECT_EQ(table.outcome().buy_price_ticks, 150);
}

TEST(ExchangeGame, LetsAnotherMarketClearWhileItIsPlayed) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  MarketDefinition other = SmallMarket();
  other.id = MarketId{2};
  table.driver.AddMarket(other);
  for (const std::uint32_t account : {100U, 101U}) {
    table.driver.AddAccount(account, 0, 0, MarketId{2});
  }
  table.driver.AdvanceTo(table.driver.now_ns);
  const auto elsewhere = [](OrderBody order) {
    order.product.market = MarketId{2};
    return order;
  };
  ASSERT_EQ(table.driver.Submit(elsewhere(Bid(100, 1, 30, 100))), Reason::kNone);
  ASSERT_EQ(table.driver.Submit(elsewhere(Ask(101, 1, 20, 100))), Reason::kNone);
  table.PlayHonestly(3);
  ASSERT_TRUE(table.driver.exchange.Playing());
  EXPECT_EQ(table.driver.FilledWh(100, 1), 100U);
  EXPECT_EQ(table.driver.FilledWh(101, 1), 100U);
  table.PlayHonestly();
  EXPECT_FALSE(table.driver.exchange.Playing());
}

TEST(ExchangeGame, EndsAStepAtItsDeadlineAndASilentHomeCountsWithItsLastAnswer) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  table.PlayHonestly(5);
  table.PlayWithout(4, 1);
  const std::int64_t deadline = table.Calls().front().deadline_ns;
  table.driver.AdvanceTo(deadline - 1);
  EXPECT_EQ(table.Calls().front().step, 6U);
  table.driver.AdvanceTo(deadline);
  EXPECT_EQ(table.Calls().front().step, 7U);
  table.PlayWithout(4, 1);
  table.driver.AdvanceTo(deadline + kSecondNs);
  EXPECT_EQ(table.Calls().front().step, 8U);
  // From the second silence on nobody waits for it.
  table.PlayWithout(4);
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(table.driver.now_ns, deadline + kSecondNs);
  EXPECT_EQ(table.driver.exchange.game_counts().silences, 2U);
  // 633.33 Wh at 116 ticks, the price of the fifth step.
  EXPECT_EQ(table.driver.FilledWh(4, 1), 633U);
}

TEST(ExchangeGame, EndsWithTheBestPriceSoFarWhenItsBudgetIsUsedUp) {
  MarketDefinition market = PlayedMarket(Schedule::kDescending);
  market.rule.game_budget_ms = 1'500;
  GameTable table(market);
  table.PlayHonestly(5);
  table.PlayWithout(4, 1);
  table.driver.AdvanceTo(kGateNs + kSecondNs);
  EXPECT_EQ(table.Calls().front().step, 7U);
  EXPECT_EQ(table.Calls().front().deadline_ns, kGateNs + 1'500'000'000);
  table.PlayWithout(4, 1);
  table.driver.AdvanceTo(kGateNs + 1'500'000'000 - 1);
  EXPECT_FALSE(table.IsOver());
  table.driver.AdvanceTo(kGateNs + 1'500'000'000);
  ASSERT_TRUE(table.IsOver());
  // The seventh step, 114 ticks, was the last; without the answer of one the fifth was the best.
  EXPECT_EQ(table.outcome().buy_price_ticks, 116);
}

TEST(ExchangeGame, OfSilentHomesClearsAtTheDearestPriceWithAllTheirEnergy) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  table.driver.AdvanceTo(kGateNs + 10 * kSecondNs);
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(table.outcome().buy_price_ticks, 120);
  EXPECT_EQ(table.outcome().energy_wh, 200U + 500 + 275 + 1'235 + 730);
  EXPECT_EQ(table.driver.exchange.game_counts().steps, 2U);
}

TEST(ExchangeGame, LooksAtTheRestOfThePricesForDeclaredBuyersWhenNobodyAnswers) {
  ExchangeDriver driver = Started(PlayedMarket(Schedule::kDescending));
  OrderBody elastic = Bid(1, 1, 200, 3'000);
  elastic.response = Response::kQuadratic;
  elastic.response_param = 30'000;
  ASSERT_EQ(driver.Submit(elastic), Reason::kNone);
  ASSERT_EQ(driver.Submit(LiveBid(2, 199, 10)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(3, 1, 198, 10)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(4, 1, 10, 2'000)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(5, 1, 20, 2'000)), Reason::kNone);
  driver.AdvanceTo(kGateNs + 10 * kSecondNs);
  // The declared one takes more and more down to 110 ticks, where it has its whole energy.
  const OutcomeBody& outcome = driver.outcomes.back();
  EXPECT_EQ(outcome.product.start_minute, kStart);
  EXPECT_EQ(outcome.buy_price_ticks, 110);
  EXPECT_EQ(driver.exchange.game_counts().steps, 2U);
}

TEST(ExchangeGame, RefusesByNumberWhatDoesNotCount) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  const PriceCallEvent early{.account = AccountId{1},
                             .client_order_id = ClientOrderId{1},
                             .product = {kMarket, kStart},
                             .round = 1,
                             .step = 1};
  EXPECT_EQ(table.Answer(early, 1), Reason::kNotCalled);
  table.PlayHonestly(1);
  PriceCallEvent call = table.Calls()[3];
  ASSERT_EQ(call.account, AccountId{4});
  EXPECT_EQ(table.Answer(call, 1'235'000'000'001), Reason::kMoreThanRegistered);
  EXPECT_EQ(table.Answer(call, table.Honest(call) / 2), Reason::kDemandRises);
  --call.step;
  EXPECT_EQ(table.Answer(call, table.Honest(call)), Reason::kAnswerTooLate);
  call.step += 2;
  EXPECT_EQ(table.Answer(call, table.Honest(call)), Reason::kNotCalled);
  --call.step;
  EXPECT_EQ(table.Answer(call, table.Honest(call)), Reason::kNone);
  EXPECT_EQ(table.Answer(call, table.Honest(call)), Reason::kAnsweredAlready);
  PriceCallEvent loser = call;
  loser.account = AccountId{7};
  EXPECT_EQ(table.Answer(loser, 1), Reason::kNotCalled);
  loser.client_order_id = ClientOrderId{9};
  EXPECT_EQ(table.Answer(loser, 1), Reason::kUnknownOrder);
  loser.product.start_minute = 1;
  EXPECT_EQ(table.Answer(loser, 1), Reason::kUnknownProduct);
  loser.product.market = MarketId{9};
  EXPECT_EQ(table.Answer(loser, 1), Reason::kUnknownMarket);
  table.PlayHonestly();
  EXPECT_EQ(table.outcome().buy_price_ticks, 112);
}

TEST(ExchangeGame, TakesLiveBidsOnlyWhereTheMarketPlays) {
  ExchangeDriver driver = Started(PlayedMarket(Schedule::kNone));
  EXPECT_EQ(driver.Submit(LiveBid(1, 100, 100)), Reason::kUnsupported);
  ExchangeDriver played = Started(PlayedMarket(Schedule::kDescending));
  OrderBody order = LiveBid(1, 100, 100);
  order.response_param = 1;
  EXPECT_EQ(played.Submit(order), Reason::kBadResponseParam);
  order = LiveBid(1, 100, 100);
  order.side = Side::kSell;
  EXPECT_EQ(played.Submit(order), Reason::kBadResponseParam);
}

TEST(ExchangeGame, FallsBackToEveryPriceWhereAnswersContradictASearchByHalves) {
  // Demand that jumps below 105 ticks: welfare has a peak at 104, and another at the dearest price.
  const auto jumpy = [](const PriceCallEvent& call) -> std::uint64_t {
    return (call.price_ticks > 104 ? 100 : 1'000) * kNanoPerWh;
  };
  std::vector<std::int32_t> prices;
  for (const Schedule schedule : {Schedule::kDescending, Schedule::kBisecting}) {
    GameTable table(PlayedMarket(schedule), {{200, 1'000}, {199, 1'000}, {198, 1'000}},
                    {{10, 2'000}, {20, 2'000}});
    table.Play([&](const PriceCallEvent& call) {
      EXPECT_EQ(table.Answer(call, jumpy(call)), Reason::kNone);
    });
    ASSERT_TRUE(table.IsOver());
    prices.push_back(table.outcome().buy_price_ticks);
    const bool by_halves = schedule == Schedule::kBisecting;
    EXPECT_EQ(table.driver.exchange.game_counts().fell_back, by_halves ? 1U : 0U);
  }
  EXPECT_EQ(prices[0], 104);
  EXPECT_EQ(prices[1], 104);
}

TEST(ExchangeGame, IsCalledAnewForWhoLogsOnInTheMiddleOfIt) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  table.PlayHonestly(3);
  const std::vector<PriceCallEvent> calls = table.Calls();
  ASSERT_EQ(table.Answer(calls[0], table.Honest(calls[0])), Reason::kNone);
  table.driver.events.clear();
  for (const std::uint32_t account : {1U, 2U, 7U}) {
    LogonBody logon;
    std::memcpy(logon.hash.data(), &account, sizeof(account));
    CommandHeader header;
    header.type = CommandType::kLogon;
    table.driver.exchange.Ask(OwnedCommand(header, std::span<const LogonBody>(&logon, 1)).view());
    table.driver.Collect();
  }
  const std::vector<Event> again = table.driver.Of(EventType::kPriceCall);
  ASSERT_EQ(again.size(), 1U);  // The first has answered, the last is no winner.
  EXPECT_EQ(again[0].price_call.account, AccountId{2});
  EXPECT_EQ(again[0].price_call.step, calls[1].step);
}

TEST(ExchangeGame, GivesControllersTimeToComeBackAfterARestart) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  table.PlayHonestly(3);
  const std::int64_t deadline = table.Calls().front().deadline_ns;
  const std::int64_t back = table.driver.now_ns + 30 * kSecondNs;
  EXPECT_TRUE(table.driver.exchange.Playing());
  ASSERT_TRUE(
      table.driver.Apply(CommandType::kResumeGames, ResumeBody{.product = {}, .until_ns = back}));
  table.driver.AdvanceTo(deadline + kSecondNs);
  EXPECT_EQ(table.Calls().front().step, 4U);
  table.driver.AdvanceTo(back + kSecondNs - 1);
  EXPECT_EQ(table.Calls().front().step, 4U);
  table.PlayHonestly();
  EXPECT_EQ(table.outcome().buy_price_ticks, 112);
  EXPECT_FALSE(table.driver.exchange.Playing());
}

TEST(ExchangeGame, EndsInTimeForDeliveryHoweverLongItWasHeldUp) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  table.PlayHonestly(3);
  const std::int64_t delivery = std::int64_t{kStart} * 60 * kSecondNs;
  ASSERT_TRUE(table.driver.Apply(CommandType::kResumeGames,
                                 ResumeBody{.product = {}, .until_ns = delivery}));
  table.driver.AdvanceTo(delivery - 60 * kSecondNs);  // The market's notice.
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(table.outcome().result, RoundResult::kTraded);
  EXPECT_EQ(table.outcome().buy_price_ticks, 118);  // Best of the first, while one was silent.
}

TEST(ExchangeGame, WhoseStepEndsTooLateForDeliveryIsVoid) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  table.PlayHonestly(3);
  table.driver.now_ns = std::int64_t{kStart} * 60 * kSecondNs;
  ASSERT_TRUE(table.driver.Apply(CommandType::kStepGame,
                                 ProductBody{.product = {kMarket, kStart}, .round = 1, .step = 4}));
  ASSERT_TRUE(table.IsOver());
  EXPECT_EQ(table.outcome().result, RoundResult::kVoid);
  table.driver.AdvanceTo(table.driver.now_ns);
  EXPECT_EQ(table.driver.exchange.open_orders(), 0U);
}

TEST(ExchangeGame, HeldUpInOneProductLeavesTheDeadlinesOfOthers) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  table.PlayHonestly(3);
  const std::int64_t deadline = table.Calls().front().deadline_ns;
  const ResumeBody other{.product = {MarketId{7}, kStart}, .until_ns = deadline + kSecondNs};
  ASSERT_TRUE(table.driver.Apply(CommandType::kResumeGames, other));
  table.driver.AdvanceTo(deadline);
  EXPECT_EQ(table.Calls().front().step, 5U);
}

// By halves prices go up and down: 107, 106, 114, ...
TEST(ExchangeGame, CountsWhoIsSilentAtADearerPriceWithNoMoreThanItSaidAtACheaperOne) {
  GameTable table(PlayedMarket(Schedule::kBisecting));
  table.Play(
      [&](const PriceCallEvent& call) {
        const bool quiet = call.account == AccountId{4};
        if (quiet && call.price_ticks > 107) return;
        table.Answer(call, quiet ? 10 * kNanoPerWh : table.Honest(call));
      },
      3);
  EXPECT_EQ(table.Calls().front().price_ticks, 114);
  table.driver.AdvanceTo(kGateNs + 25 * kSecondNs);
  ASSERT_TRUE(table.IsOver());
  EXPECT_LE(table.driver.FilledWh(4, 1), 10U);
}

TEST(ExchangeGame, JudgesAPriceByWhatWasSaidAfterIt) {
  std::vector<std::int32_t> prices;
  for (const bool silent_at_first : {false, true}) {
    GameTable table(PlayedMarket(Schedule::kBisecting));
    table.Play(
        [&](const PriceCallEvent& call) {
          const bool takes_nothing = call.account == AccountId{4};
          if (takes_nothing && silent_at_first && call.step == 1) return;
          table.Answer(call, takes_nothing ? 0 : table.Honest(call));
        },
        1);
    table.driver.AdvanceTo(kGateNs + kSecondNs);
    table.Play([&](const PriceCallEvent& call) {
      table.Answer(call, call.account == AccountId{4} ? 0 : table.Honest(call));
    });
    ASSERT_TRUE(table.IsOver());
    prices.push_back(table.outcome().buy_price_ticks);
    EXPECT_EQ(table.driver.FilledWh(4, 1), 0U);
  }
  EXPECT_EQ(prices[0], prices[1]);
}

TEST(ExchangeGame, LeavesOtherMarketsAndRoundsAlone) {
  GameTable table(PlayedMarket(Schedule::kDescending));
  MarketDefinition other = SmallMarket();
  other.id = MarketId{2};
  table.driver.AddMarket(other);
  table.driver.AddAccount(100, 0, 0, MarketId{2});
  table.driver.AddAccount(101, 0, 0, MarketId{2});
  table.PlayHonestly(3);
  const auto elsewhere = [](OrderBody order) {
    order.product = {MarketId{2}, kStart + 15};
    return order;
  };
  EXPECT_EQ(table.driver.Submit(elsewhere(Bid(100, 1, 30, 100))), Reason::kNone);
  EXPECT_EQ(table.driver.Submit(elsewhere(Ask(101, 1, 20, 100))), Reason::kNone);
  // Its own book waits; the market's next product goes on.
  EXPECT_EQ(table.driver.Cancel(1, 1), Reason::kGateClosed);
  OrderBody next = LiveBid(1, 100, 100);
  next.product.start_minute = kStart + 15;
  EXPECT_EQ(table.driver.Submit(next), Reason::kNone);
  table.PlayHonestly();
  EXPECT_EQ(table.outcome().buy_price_ticks, 112);
}

TEST(ExchangeGame, ThatDoesNotFitBetweenGateAndDeliveryIsNoMarket) {
  MarketDefinition market = PlayedMarket(Schedule::kDescending);
  market.gate_before_s = 300;
  market.min_notice_s = 60;
  market.rule.game_budget_ms = 240'000;
  EXPECT_TRUE(IsPossible(market));
  market.rule.game_budget_ms = 240'001;
  EXPECT_FALSE(IsPossible(market));
  market.rule.game_budget_ms = 20'000;
  market.rule.answer_ms = 20'001;
  EXPECT_FALSE(IsPossible(market));
  market.rule.answer_ms = 1'000;
  market.rounds = 2;
  market.round_interval_s = 20;
  EXPECT_FALSE(IsPossible(market));
  market.round_interval_s = 21;
  EXPECT_TRUE(IsPossible(market));
  market.indicative_interval_s = 1;
  EXPECT_FALSE(IsPossible(market));
  market.indicative_interval_s = 0;
  market.band_levels = 4'097;
  EXPECT_FALSE(IsPossible(market));
  market.rule.step_ticks = 2;
  EXPECT_TRUE(IsPossible(market));
  market.rule.schedule = Schedule::kBisecting;
  market.rule.announce_from = AnnounceFrom::kBand;
  EXPECT_FALSE(IsPossible(market));
}

}  // namespace
}  // namespace engine
