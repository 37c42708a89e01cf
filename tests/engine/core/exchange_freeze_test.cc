// The last moments before a gate, in which orders only become firmer.
#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

TEST(ExchangeFreeze, LetsOrdersOnlyBecomeFirmer) {
  MarketDefinition market = SmallMarket();
  market.freeze_s = 60;
  ExchangeDriver driver = Started(market);
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 50, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute - 1));
  EXPECT_EQ(driver.Cancel(1, 1), Reason::kFrozen);
  EXPECT_EQ(driver.Replace(Bid(1, 1, 30, 100)), Reason::kFrozen);
  EXPECT_EQ(driver.Replace(Bid(1, 1, 31, 99)), Reason::kFrozen);
  EXPECT_EQ(driver.Replace(Bid(1, 1, 32, 100)), Reason::kNone);
  EXPECT_EQ(driver.Replace(Ask(2, 1, 51, 100)), Reason::kFrozen);
  EXPECT_EQ(driver.Replace(Ask(2, 1, 49, 101)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Ask(3, 1, 10, 100)), Reason::kNone);
}

TEST(ExchangeFreeze, IsTheReasonOfACancelAllOnlyWhereNothingWent) {
  MarketDefinition market = SmallMarket();
  market.freeze_s = 60;
  ExchangeDriver driver = Started(market);
  OrderBody later = Bid(1, 1, 31, 100);
  later.product.start_minute += 15;
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute - 1));
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(later), Reason::kNone);
  AnswerEvent answer = driver.CancelAll(1);
  EXPECT_EQ(answer.reason, Reason::kNone);
  EXPECT_EQ(answer.items, 1u);
  EXPECT_EQ(driver.exchange.open_orders(), 1u);  // What is frozen stays.
  answer = driver.CancelAll(1);
  EXPECT_EQ(answer.reason, Reason::kFrozen);
  EXPECT_EQ(answer.items, 0u);
  EXPECT_EQ(driver.exchange.open_orders(), 1u);
}

TEST(ExchangeFreeze, IsNoReasonOfACancelAllThatFindsNoOrder) {
  MarketDefinition market = SmallMarket();
  market.freeze_s = 60;
  ExchangeDriver driver = Started(market);
  ASSERT_EQ(driver.Submit(Bid(2, 1, 31, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute - 1));
  const AnswerEvent answer = driver.CancelAll(1);
  EXPECT_EQ(answer.reason, Reason::kNone);
  EXPECT_EQ(answer.items, 0u);
}

TEST(ExchangeFreeze, MakesACancelOnDisconnectWaitForTheRoundsEnd) {
  MarketDefinition market = TwoRounds(1);
  market.freeze_s = 60;
  ExchangeDriver driver = Started(market);
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 300)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(2, 1, 20, 100)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(584));
  driver.ApplyFrom(CredentialId{1}, 0, CommandType::kDisconnect, std::span<const OrderBody>());
  EXPECT_EQ(driver.exchange.open_orders(), 2u);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(585));
  EXPECT_EQ(driver.FilledWh(1, 1), 100u);
  const std::vector<Event> cancelled = driver.Of(EventType::kOrderCancelled);
  ASSERT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(cancelled[0].order_cancelled.open_wh, 200u);
  EXPECT_EQ(cancelled[0].order_cancelled.reason, Reason::kDisconnected);
  EXPECT_EQ(cancelled[0].event_number, 3u);  // After the outcome and the fill.
}

TEST(ExchangeFreeze, RemembersACredentialThatLeavesAgainAndAgainOnce) {
  MarketDefinition market = TwoRounds(1);
  market.freeze_s = 60;
  ExchangeDriver driver = Started(market);
  const auto leave = [&driver](std::uint32_t credential) {
    driver.ApplyFrom(CredentialId{credential}, 0, CommandType::kDisconnect,
                     std::span<const OrderBody>());
  };
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 300)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(2, 1, 31, 300)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(584));
  for (int i = 0; i < 10; ++i) {
    leave(2);
    leave(1);
  }
  ASSERT_EQ(driver.Submit(Bid(1, 2, 31, 100)), Reason::kNone);
  leave(1);  // And that one too.
  driver.AdvanceTo(ExchangeDriver::MinuteNs(585));
  EXPECT_EQ(driver.Of(EventType::kOrderCancelled).size(), 3u);
  EXPECT_EQ(driver.exchange.open_orders(), 0u);
}

TEST(ExchangeFreeze, SparesWhatANewSessionEntersAfterTheOneThatLeft) {
  MarketDefinition market = TwoRounds(1);
  market.freeze_s = 60;
  ExchangeDriver driver = Started(market);
  ASSERT_EQ(driver.Submit(Bid(1, 1, 31, 300)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(584));
  driver.ApplyFrom(CredentialId{1}, 0, CommandType::kDisconnect, std::span<const OrderBody>());
  ASSERT_EQ(driver.Submit(Bid(1, 2, 31, 200)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(585));
  const std::vector<Event> cancelled = driver.Of(EventType::kOrderCancelled);
  ASSERT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(cancelled[0].order_cancelled.client_order_id, ClientOrderId{1});
  EXPECT_EQ(driver.exchange.open_orders(), 1u);
}

}  // namespace
}  // namespace engine
