// Rounds whose rule pays two prices, or each order by itself, through the whole exchange.
#include <map>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

MarketDefinition MarketBy(Rule rule) {
  MarketDefinition market = SmallMarket();
  market.rule.rule = rule;
  if (rule == Rule::kVcg) {
    market.rule.balance_account = AccountId{6};
    market.rule.deficit_cap_units = 1'000'000;
  }
  if (rule == Rule::kTradeReduction) market.rule.lot_wh = 100;
  return market;
}

TEST(ExchangePayments, FillsToldInPiecesHaveTheirOwnAmounts) {
  for (const std::size_t piece : {1U, 2U, 3U, 64U}) {
    SCOPED_TRACE(piece);
    ExchangeDriver driver = Started(MarketBy(Rule::kPayAsBid));
    driver.drain_piece = piece;
    ASSERT_EQ(driver.Submit(Bid(1, 1, 40, 100)), Reason::kNone);
    ASSERT_EQ(driver.Submit(Ask(2, 1, 10, 150)), Reason::kNone);
    ASSERT_EQ(driver.Submit(Bid(3, 1, 12, 100)), Reason::kNone);  // Trades nothing.
    ASSERT_EQ(driver.Submit(Ask(4, 1, 20, 100)), Reason::kNone);
    ASSERT_EQ(driver.Submit(Bid(5, 1, 30, 100)), Reason::kNone);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
    std::map<std::uint64_t, std::int64_t> amounts;
    for (const FillEvent& fill : driver.Fills()) {
      amounts[static_cast<std::uint64_t>(fill.account)] = fill.amount_units;
    }
    const std::map<std::uint64_t, std::int64_t> expected = {
        {1, 2'500}, {2, 3'500}, {4, 1'250}, {5, 2'250}};
    EXPECT_EQ(amounts, expected);
    EXPECT_EQ(driver.Fills().front().price_ticks, 25);
    EXPECT_EQ(driver.outcomes.back().operator_balance_units, 0);
  }
}

TEST(ExchangePayments, ARoundWithTwoPricesTellsBothAndWhatTheOperatorKeeps) {
  ExchangeDriver driver = Started(MarketBy(Rule::kTradeReduction));
  ASSERT_EQ(driver.Submit(Bid(1, 1, 40, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 10, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(3, 1, 35, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(4, 1, 20, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(5, 1, 20, 99)), Reason::kNotALot);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
  const RoundClearedEvent told = driver.Of(EventType::kRoundCleared).front().round_cleared;
  EXPECT_EQ(told.buy_price_ticks, 35);
  EXPECT_EQ(told.sell_price_ticks, 20);
  EXPECT_EQ(told.operator_balance_units, 1'500);
  ASSERT_EQ(driver.Fills().size(), 2U);
  EXPECT_EQ(driver.Fills()[0].amount_units, 3'500);
  EXPECT_EQ(driver.Fills()[1].amount_units, 2'000);
}

TEST(ExchangePayments, AReplaceKeepsALotALot) {
  ExchangeDriver driver = Started(MarketBy(Rule::kTradeReduction));
  ASSERT_EQ(driver.Submit(Bid(1, 1, 40, 100)), Reason::kNone);
  EXPECT_EQ(driver.Replace(Bid(1, 1, 40, 99)), Reason::kNotALot);
  EXPECT_EQ(driver.Replace(Bid(1, 1, 41, 100)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 2, 40, 100)), Reason::kOneOrderASide);
}

// A seller's bid below its own ask would not trade, but could name the price.
TEST(ExchangePayments, McAfeeTakesOneOrderOfAPartyInAll) {
  MarketDefinition market = SmallMarket();
  market.rule.rule = Rule::kMcAfee;
  market.rule.lot_wh = 100;
  ExchangeDriver driver = Started(market);
  ASSERT_EQ(driver.Submit(Ask(1, 1, 40, 100)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 2, 39, 100)), Reason::kOneOrderASide);
  EXPECT_EQ(driver.Submit(Ask(1, 3, 41, 100)), Reason::kOneOrderASide);
  EXPECT_EQ(driver.Replace(Ask(1, 1, 41, 100)), Reason::kNone);
  ASSERT_EQ(driver.Cancel(1, 1), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 4, 39, 100)), Reason::kNone);
}

TEST(ExchangePayments, ADeficitIsReportedUpToTheCapAndTradesNothingOverIt) {
  for (const std::int64_t cap : {2'000, 1'999}) {
    MarketDefinition market = MarketBy(Rule::kVcg);
    market.rule.deficit_cap_units = cap;
    ExchangeDriver driver = Started(market);
    ASSERT_EQ(driver.Submit(Bid(1, 1, 40, 100)), Reason::kNone);
    ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
    const OutcomeBody& outcome = driver.outcomes.back();
    const RoundClearedEvent told = driver.Of(EventType::kRoundCleared).front().round_cleared;
    EXPECT_EQ(told.no_trade, outcome.no_trade);
    EXPECT_EQ(told.operator_balance_units, outcome.operator_balance_units);
    if (cap == 2'000) {
      EXPECT_EQ(outcome.operator_balance_units, -2'000);
      EXPECT_EQ(driver.Fills().size(), 2U);
      continue;
    }
    EXPECT_EQ(outcome.result, RoundResult::kNoTrade);
    EXPECT_EQ(outcome.no_trade, Reason::kDeficitOverCap);
    EXPECT_TRUE(driver.Fills().empty());
  }
}

TEST(ExchangePayments, AMarketThatCanOweIsNotDefinedWithoutABalanceAccount) {
  MarketDefinition market = MarketBy(Rule::kVcg);
  market.rule.balance_account = AccountId{};
  EXPECT_FALSE(IsPossible(market));
  ExchangeDriver driver;
  EXPECT_FALSE(driver.Apply(CommandType::kDefineMarket, market));
}

TEST(ExchangePayments, AnIndicativePriceIsWhatBuyersWouldPay) {
  for (const Rule rule : {Rule::kPayAsBid, Rule::kVcg}) {
    MarketDefinition market = MarketBy(rule);
    market.indicative_interval_s = 60;
    market.indicative_min_parties = 1;
    ExchangeDriver driver = Started(market);
    ASSERT_EQ(driver.Submit(Bid(1, 1, 40, 100)), Reason::kNone);
    ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
    driver.exchange.PublishIndicative(driver.now_ns);
    driver.Collect();
    ASSERT_FALSE(driver.Of(EventType::kIndicative).empty());
    EXPECT_EQ(driver.Of(EventType::kIndicative).back().indicative.price_ticks,
              rule == Rule::kVcg ? 20 : 30);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
    EXPECT_EQ(driver.outcomes.back().buy_price_ticks, rule == Rule::kVcg ? 20 : 30);
  }
}

}  // namespace
}  // namespace engine
