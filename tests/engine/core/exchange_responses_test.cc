// Orders whose energy follows the price, in a market that plays the Stackelberg auction.
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

class StackelbergMarket : public testing::Test {
 protected:
  void SetUp() override {
    MarketDefinition market = SmallMarket();
    market.band_levels = 400;
    market.rule.rule = Rule::kStackelberg;
    market.rule.min_order_wh = 5;
    market.freeze_s = 60;
    market.feed_in_ticks = 10;
    market.retail_ticks = 300;
    driver.AddMarket(market);
    for (std::uint32_t account = 1; account <= 20; ++account) driver.AddAccount(account);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  }
  static OrderBody QuadraticBid(std::uint32_t account, std::int32_t ticks, std::uint32_t energy_wh,
                                std::uint32_t theta = 30'000) {
    OrderBody order = Bid(account, 1, ticks, energy_wh);
    order.response = Response::kQuadratic;
    order.response_param = theta;
    return order;
  }

  ExchangeDriver driver;
};

// The sixteenth slot of the paper's study.
TEST_F(StackelbergMarket, ClearsAtThePriceOfTheGame) {
  const std::vector<std::pair<std::int32_t, std::uint32_t>> bids = {
      {200, 200}, {180, 500}, {174, 275}, {135, 1'235}, {123, 730}, {120, 900}, {60, 1'000}};
  const std::vector<std::pair<std::int32_t, std::uint32_t>> asks = {
      {60, 620}, {72, 620}, {84, 620}, {90, 620}, {94, 620}, {105, 500}, {160, 2'000}};
  std::uint32_t account = 0;
  for (const auto& [ticks, energy] : bids) {
    ASSERT_EQ(driver.Submit(QuadraticBid(++account, ticks, energy)), Reason::kNone);
  }
  for (const auto& [ticks, energy] : asks) {
    ASSERT_EQ(driver.Submit(Ask(++account, 1, ticks, energy)), Reason::kNone);
  }
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart - 5));
  ASSERT_EQ(driver.outcomes.size(), 4U);  // Three slots before it were empty.
  EXPECT_EQ(driver.outcomes.back().buy_price_ticks, 112);
  EXPECT_EQ(driver.outcomes.back().energy_wh, 2'108U);
  EXPECT_EQ(driver.FilledWh(4, 1), 767U);
  EXPECT_EQ(driver.FilledWh(8, 1), 422U);
  EXPECT_EQ(driver.FilledWh(6, 1), 0U);
  std::int64_t balance = 0;
  for (const FillEvent& fill : driver.Fills()) {
    balance += fill.side == Side::kBuy ? fill.amount_units : -fill.amount_units;
  }
  EXPECT_EQ(balance, 0);
}

TEST_F(StackelbergMarket, TakesOneOrderOfAPartyOnEachSide) {
  ASSERT_EQ(driver.Submit(QuadraticBid(1, 100, 500)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 2, 90, 500)), Reason::kOneOrderASide);
  EXPECT_EQ(driver.Submit(Ask(1, 3, 200, 500)), Reason::kNone);
  EXPECT_EQ(driver.Replace(QuadraticBid(1, 110, 600)), Reason::kNone);
  ASSERT_EQ(driver.Cancel(1, 1), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 4, 90, 500)), Reason::kNone);
}

TEST_F(StackelbergMarket, RefusesWhatItsRuleDoesNotTake) {
  EXPECT_EQ(driver.Submit(QuadraticBid(1, 100, 500, 0)), Reason::kBadResponseParam);
  OrderBody order = Ask(1, 1, 100, 500);
  order.response = Response::kQuadratic;
  order.response_param = 1;
  EXPECT_EQ(driver.Submit(order), Reason::kBadResponseParam);
  order = Bid(1, 1, 100, 500);
  order.response_param = 1;
  EXPECT_EQ(driver.Submit(order), Reason::kBadResponseParam);
  order.response = Response::kLogarithmic;  // The band begins at zero.
  EXPECT_EQ(driver.Submit(order), Reason::kUnsupported);
  order.response = Response::kInteractive;  // Nobody is asked here.
  EXPECT_EQ(driver.Submit(order), Reason::kUnsupported);
  order.response = Response{4};
  EXPECT_EQ(driver.Submit(order), Reason::kBadResponse);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 100, 4)), Reason::kEnergyTooSmall);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 301, 50)), Reason::kGridIsBetter);
  EXPECT_EQ(driver.Submit(Ask(1, 1, 9, 50)), Reason::kGridIsBetter);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 300, 50)), Reason::kNone);
}

// As where a market says no tariffs at all.
TEST(Admission, IsOfEveryLimitWhereTheTariffsAreEqual) {
  for (const Admission admission : {Admission::kClosed, Admission::kStrict}) {
    for (const std::int32_t feed_in : {49, 50}) {
      MarketDefinition market = SmallMarket();
      market.rule.rule = Rule::kStackelberg;
      market.rule.admission = admission;
      market.retail_ticks = 50;
      market.feed_in_ticks = feed_in;
      ExchangeDriver driver = Started(market);
      const Reason outside = feed_in < 50 ? Reason::kGridIsBetter : Reason::kNone;
      EXPECT_EQ(driver.Submit(Bid(1, 1, 51, 100)), outside);
      EXPECT_EQ(driver.Submit(Ask(2, 1, 48, 100)), outside);
    }
  }
}

TEST_F(StackelbergMarket, AnotherResponseIsNotFirmerAndLosesThePlace) {
  ASSERT_EQ(driver.Submit(QuadraticBid(1, 100, 500)), Reason::kNone);
  ASSERT_EQ(driver.Submit(QuadraticBid(2, 100, 500)), Reason::kNone);
  const std::uint64_t before = driver.exchange.open_orders();
  EXPECT_EQ(driver.Replace(QuadraticBid(1, 100, 500, 40'000)), Reason::kNone);
  EXPECT_EQ(driver.exchange.open_orders(), before);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart - 6));
  EXPECT_EQ(driver.Replace(QuadraticBid(1, 100, 500, 50'000)), Reason::kFrozen);
  EXPECT_EQ(driver.Replace(QuadraticBid(1, 110, 500, 40'000)), Reason::kNone);
}

TEST(Responses, AreRefusedWhereTheRuleIgnoresThem) {
  ExchangeDriver driver;
  driver.AddMarket(SmallMarket());
  driver.AddAccount(1);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  OrderBody order = Bid(1, 1, 50, 500);
  order.response = Response::kQuadratic;
  order.response_param = 30'000;
  EXPECT_EQ(driver.Submit(order), Reason::kUnsupported);
}

TEST(Responses, AreForOneRound) {
  ExchangeDriver driver;
  MarketDefinition market = SmallMarket();
  market.rule.rule = Rule::kStackelberg;
  market.rounds = 2;
  market.round_interval_s = 600;
  market.carry_over = 1;
  driver.AddMarket(market);
  driver.AddAccount(1);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  OrderBody order = Bid(1, 1, 50, 500);
  order.response = Response::kQuadratic;
  order.response_param = 30'000;
  EXPECT_EQ(driver.Submit(order), Reason::kUnsupported);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 50, 500)), Reason::kNone);
}

TEST(Responses, ReplayToTheSameDigestAndTellTheSameStateApart) {
  std::vector<DigestBytes> digests;
  for (const std::uint32_t theta : {30'000U, 30'000U, 30'001U}) {
    ExchangeDriver driver;
    MarketDefinition market = SmallMarket();
    market.rule.rule = Rule::kStackelberg;
    driver.AddMarket(market);
    driver.AddAccount(1);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
    OrderBody order = Bid(1, 1, 50, 500);
    order.response = Response::kQuadratic;
    order.response_param = theta;
    ASSERT_EQ(driver.Submit(order), Reason::kNone);
    digests.push_back(driver.exchange.StateDigest());
  }
  EXPECT_EQ(digests[0], digests[1]);
  EXPECT_NE(digests[0], digests[2]);
}

}  // namespace
}  // namespace engine
