#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

class ExchangeOrders : public testing::Test {
 protected:
  void Start(const MarketDefinition& market) {
    driver.AddMarket(market);
    for (std::uint32_t account = 1; account <= 6; ++account) driver.AddAccount(account);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  }
  void SetUp() override { Start(SmallMarket()); }

  ExchangeDriver driver;
};

TEST_F(ExchangeOrders, AreRefusedForAnAccountThatIsNotTheCredentials) {
  EXPECT_EQ(driver.Submit(1, {Bid(2, 1, 20, 500)})[0].reason, Reason::kNotYourAccount);
  EXPECT_EQ(driver.Submit(1, {Bid(99, 1, 20, 500)})[0].reason, Reason::kNotYourAccount);
}

TEST_F(ExchangeOrders, AreRefusedForAnUnknownMarketOrProduct) {
  OrderBody order = Bid(1, 1, 20, 500);
  order.product.market = MarketId{7};
  EXPECT_EQ(driver.Submit(order), Reason::kUnknownMarket);
  order.product = {kMarket, kStart + 1};
  EXPECT_EQ(driver.Submit(order), Reason::kUnknownProduct);
  order.product = {kMarket, kStart + 600};
  EXPECT_EQ(driver.Submit(order), Reason::kUnknownProduct);
}

TEST_F(ExchangeOrders, AreRefusedInAMarketThatIsNotTheAccounts) {
  MarketDefinition other = SmallMarket();
  other.id = MarketId{2};
  driver.AddMarket(other);
  OrderBody order = Bid(1, 1, 20, 500);
  order.product.market = MarketId{2};
  EXPECT_EQ(driver.Submit(order), Reason::kAccountNotInMarket);
}

TEST_F(ExchangeOrders, AreRefusedOutsideTheBand) {
  EXPECT_EQ(driver.Submit(Bid(1, 1, -1, 500)), Reason::kPriceOutsideBand);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 100, 500)), Reason::kPriceOutsideBand);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 0, 500)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(2, 1, 99, 500)), Reason::kNone);
}

TEST_F(ExchangeOrders, AreRefusedWithoutEnergyOrWithTooMuch) {
  EXPECT_EQ(driver.Submit(Bid(1, 1, 20, 0)), Reason::kEnergyZero);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 20, 1'000'001)), Reason::kEnergyTooLarge);
}

TEST_F(ExchangeOrders, AreRefusedWithWhatTheRuleDoesNotKnow) {
  OrderBody order = Bid(1, 1, 20, 500);
  order.response_param = 1;
  EXPECT_EQ(driver.Submit(order), Reason::kBadResponseParam);
  order.response = Response::kQuadratic;
  EXPECT_EQ(driver.Submit(order), Reason::kUnsupported);
  order.response = Response::kFixed;
  order.response_param = 0;
  order.side = static_cast<Side>(2);
  EXPECT_EQ(driver.Submit(order), Reason::kBadSide);
}

TEST_F(ExchangeOrders, AreRefusedUnderAnIdThatWasUsedBeforeEvenIfCancelled) {
  ASSERT_EQ(driver.Submit(Bid(1, 1, 20, 500)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 30, 400)), Reason::kDuplicateClientOrderId);
  ASSERT_EQ(driver.Cancel(1, 1), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 1, 30, 400)), Reason::kDuplicateClientOrderId);
  EXPECT_EQ(driver.Submit(Bid(2, 1, 30, 400)), Reason::kNone);
}

TEST_F(ExchangeOrders, OfOneFrameAreJudgedOneByOne) {
  const std::vector<Refusal> refused = driver.Submit(
      1, {Bid(1, 1, 20, 500), Bid(1, 1, 20, 500), Bid(1, 2, 200, 5), Bid(1, 3, 2, 5)});
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].index, 1u);
  EXPECT_EQ(refused[0].reason, Reason::kDuplicateClientOrderId);
  EXPECT_EQ(refused[1].index, 2u);
  EXPECT_EQ(refused[1].reason, Reason::kPriceOutsideBand);
  EXPECT_EQ(driver.exchange.open_orders(), 2u);
}

TEST_F(ExchangeOrders, OfOnePartyDoNotCross) {
  driver.AddAccount(11, /*party=*/1);
  ASSERT_EQ(driver.Submit(Ask(1, 1, 20, 500)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(11, 1, 20, 500)), Reason::kSelfTrade);
  EXPECT_EQ(driver.Submit(Bid(11, 1, 19, 500)), Reason::kNone);
  EXPECT_EQ(driver.Replace(Bid(11, 1, 25, 500)), Reason::kSelfTrade);
  EXPECT_EQ(driver.Replace(Ask(1, 1, 19, 500)), Reason::kSelfTrade);
  EXPECT_EQ(driver.Submit(Bid(2, 1, 25, 500)), Reason::kNone);
}

TEST_F(ExchangeOrders, OfOnePartyMayFollowOneThatLeft) {
  ASSERT_EQ(driver.Submit(Ask(1, 1, 20, 500)), Reason::kNone);
  ASSERT_EQ(driver.Cancel(1, 1), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 2, 30, 500)), Reason::kNone);
}

TEST_F(ExchangeOrders, AreLimitedByTheMeteringPointTogether) {
  ASSERT_TRUE(driver.Apply(
      CommandType::kDefineMeteringPoint,
      MeteringPointBody{
          .id = MeteringPointId{1}, .import_limit_w = 4'000, .export_limit_w = 2'000}));
  EXPECT_EQ(driver.Submit(Bid(1, 1, 20, 1'001)), Reason::kMeteringPointLimit);  // 4 kW * 1/4 h
  EXPECT_EQ(driver.Submit(Bid(1, 1, 20, 600)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 2, 20, 401)), Reason::kMeteringPointLimit);
  EXPECT_EQ(driver.Submit(Bid(1, 2, 20, 400)), Reason::kNone);
  EXPECT_EQ(driver.Replace(Bid(1, 2, 20, 401)), Reason::kMeteringPointLimit);
  EXPECT_EQ(driver.Submit(Ask(1, 3, 30, 501)), Reason::kMeteringPointLimit);
  EXPECT_EQ(driver.Submit(Ask(1, 3, 30, 500)), Reason::kNone);
}

TEST_F(ExchangeOrders, KeepTheirPriorityWhenOnlyEnergyShrinks) {
  ASSERT_EQ(driver.Submit(Bid(1, 1, 20, 500)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(2, 1, 20, 500)), Reason::kNone);
  ASSERT_EQ(driver.Replace(Bid(1, 1, 20, 3)), Reason::kNone);
  // One watt-hour for remainders 3/503 and 500/503 of it: it goes by remainder, so ask for a tie.
  ASSERT_EQ(driver.Replace(Bid(2, 1, 20, 3)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(3, 1, 20, 1)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(596));
  EXPECT_EQ(driver.FilledWh(1, 1), 1u);
}

TEST_F(ExchangeOrders, LoseTheirPriorityWithMoreEnergyOrAnotherPrice) {
  ASSERT_EQ(driver.Submit(Bid(1, 1, 20, 2)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(2, 1, 20, 3)), Reason::kNone);
  ASSERT_EQ(driver.Replace(Bid(1, 1, 20, 3)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(3, 1, 20, 1)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(596));
  EXPECT_EQ(driver.FilledWh(2, 1), 1u);
  EXPECT_EQ(driver.FilledWh(1, 1), 0u);
}

TEST_F(ExchangeOrders, CannotBeReplacedOrCancelledWhenNotOpen) {
  EXPECT_EQ(driver.Replace(Bid(1, 1, 20, 500)), Reason::kUnknownOrder);
  EXPECT_EQ(driver.Cancel(1, 1), Reason::kUnknownOrder);
  ASSERT_EQ(driver.Submit(Bid(1, 1, 20, 500)), Reason::kNone);
  EXPECT_EQ(driver.Replace(Ask(1, 1, 20, 500)), Reason::kUnknownOrder);  // The other side.
  ASSERT_EQ(driver.Cancel(1, 1), Reason::kNone);
  EXPECT_EQ(driver.Cancel(1, 1), Reason::kUnknownOrder);
}

TEST_F(ExchangeOrders, AreCancelledAllAtOnceWithinTheScope) {
  ASSERT_TRUE(driver.Submit(1, {Bid(1, 1, 20, 500), Bid(1, 2, 21, 500)}).empty());
  ASSERT_EQ(driver.Submit(Bid(2, 1, 20, 500)), Reason::kNone);
  EXPECT_EQ(driver.CancelAll(1).items, 2u);
  EXPECT_EQ(driver.exchange.open_orders(), 1u);
}

TEST_F(ExchangeOrders, AreListedWithWhatIsOpen) {
  ASSERT_TRUE(driver.Submit(1, {Bid(1, 1, 20, 500), Ask(1, 2, 30, 70)}).empty());
  ASSERT_EQ(driver.Replace(Bid(1, 1, 20, 400)), Reason::kNone);
  CommandHeader header;
  header.type = CommandType::kListOpenOrders;
  header.credential = CredentialId{1};
  header.client_seq = 42;
  const OrderScopeBody all{};
  const OwnedCommand query(header, std::span<const OrderScopeBody>(&all, 1));
  driver.exchange.Ask(query.view());
  driver.Collect();
  const std::vector<Event> orders = driver.Of(EventType::kOpenOrder);
  ASSERT_EQ(orders.size(), 2u);
  EXPECT_EQ(orders[0].open_order.open_wh + orders[1].open_order.open_wh, 470u);
  ASSERT_EQ(driver.events.back().type, EventType::kOpenOrdersEnd);
  EXPECT_EQ(driver.events.back().list_end.told, 2u);
  EXPECT_EQ(driver.events.back().list_end.query, 42u);
}

// The events of one question.
std::vector<Event> AnswerTo(ExchangeDriver& driver, std::uint32_t credential, CommandType type,
                            const OrderScopeBody& scope = {}, std::uint64_t query = 42) {
  CommandHeader header;
  header.type = type;
  header.credential = CredentialId{credential};
  header.client_seq = query;
  const std::size_t before = driver.events.size();
  driver.exchange.Ask(OwnedCommand(header, std::span<const OrderScopeBody>(&scope, 1)).view());
  driver.Collect();
  return {driver.events.begin() + static_cast<std::ptrdiff_t>(before), driver.events.end()};
}

TEST_F(ExchangeOrders, AreListedByAccountByMarketAndInPiecesOfAnySize) {
  driver.AddMarket([] {
    MarketDefinition other = SmallMarket();
    other.id = MarketId{2};
    return other;
  }());
  driver.AddAccount(50, 0, /*credential=*/1);
  driver.AddAccount(51, 0, /*credential=*/1, MarketId{2});
  driver.AdvanceTo(driver.now_ns + 1);
  OrderBody elsewhere = Bid(51, 1, 20, 10);
  elsewhere.product.market = MarketId{2};
  ASSERT_TRUE(
      driver.Submit(1, {Bid(1, 1, 20, 500), Bid(50, 1, 20, 70), Bid(50, 2, 20, 70), elsewhere})
          .empty());
  for (const std::size_t piece : {1u, 2u, 64u}) {
    driver.drain_piece = piece;
    EXPECT_EQ(AnswerTo(driver, 1, CommandType::kListOpenOrders).size(), 5u);
    EXPECT_EQ(
        AnswerTo(driver, 1, CommandType::kListOpenOrders, {.account = AccountId{50}, .market = {}})
            .size(),
        3u);
    EXPECT_EQ(
        AnswerTo(driver, 1, CommandType::kListOpenOrders, {.account = {}, .market = MarketId{2}})
            .size(),
        2u);
  }
}

TEST_F(ExchangeOrders, SayWhichProductsAreOpen) {
  const std::vector<Event> products = AnswerTo(driver, 1, CommandType::kListProducts);
  ASSERT_EQ(products.size(), 5u);  // An hour of quarters, and the end.
  const ProductOpenedEvent& first = products[0].product_opened;
  EXPECT_EQ(products[0].credential, CredentialId{1});
  EXPECT_EQ(first.product, (ProductId{kMarket, 555}));
  EXPECT_EQ(first.gate_ns, ExchangeDriver::MinuteNs(550));
  EXPECT_EQ(first.band_levels, 100u);
  EXPECT_EQ(products[4].type, EventType::kProductsEnd);
  EXPECT_EQ(products[4].list_end.told, 4u);
  EXPECT_EQ(products[4].list_end.query, 42u);
  const OrderScopeBody unknown{.account = {}, .market = MarketId{9}};
  EXPECT_EQ(AnswerTo(driver, 1, CommandType::kListProducts, unknown).size(), 1u);
}

TEST_F(ExchangeOrders, AreListedOnceAtATimeForACredential) {
  std::vector<OrderBody> orders;
  for (std::uint64_t id = 1; id <= 30; ++id) orders.push_back(Bid(1, id, 20, 10));
  ASSERT_TRUE(driver.Submit(1, orders).empty());
  CommandHeader header;
  header.type = CommandType::kListOpenOrders;
  header.credential = CredentialId{1};
  header.client_seq = 1;
  const OrderScopeBody all{};
  const OwnedCommand query(header, std::span<const OrderScopeBody>(&all, 1));
  driver.exchange.Ask(query.view());
  std::vector<Event> piece(8);
  ASSERT_EQ(driver.exchange.Drain(piece), 8u);
  EXPECT_FALSE(driver.exchange.Answering());  // A list is nothing that others wait for.
  driver.exchange.Ask(query.view());
  ASSERT_TRUE(driver.exchange.Answering());
  driver.exchange.Drain(piece);
  EXPECT_EQ(piece[0].type, EventType::kAnswer);
  EXPECT_EQ(piece[0].answer.reason, Reason::kBusy);
  driver.Collect();
  EXPECT_EQ(AnswerTo(driver, 1, CommandType::kListOpenOrders).size(), 31u);
}

TEST(ExchangeOrderLimits, CountNoOrderThatWasReplaced) {
  ExchangeDriver driver(std::uint64_t{3} * kChunkOrders);
  MarketDefinition market = SmallMarket();
  market.party_orders_max = 1;
  market.book_orders_max = 3;
  driver.AddMarket(market);
  driver.AddAccount(1);
  driver.AddAccount(2);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  ASSERT_EQ(driver.Submit(Bid(1, 1, 20, 5)), Reason::kNone);
  for (std::int32_t i = 0; i < 1'000; ++i) {
    const auto energy_wh = static_cast<std::uint32_t>(5 + i % 3);
    ASSERT_EQ(driver.Replace(Bid(1, 1, 20 + i % 2, energy_wh)), Reason::kNone) << i;
  }
  EXPECT_EQ(driver.Submit(Bid(2, 1, 20, 5)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Ask(2, 2, 60, 5)), Reason::kPartyOrderLimit);
}

TEST(ExchangeOrderLimits, BoundTheProductsOfAllMarkets) {
  ExchangeDriver driver;
  MarketDefinition market = SmallMarket();
  market.slot_minutes = 5;
  market.open_before_s = 7 * 86'400;
  std::uint32_t markets = 0;
  do {
    market.id = MarketId{++markets};
  } while (driver.Apply(CommandType::kDefineMarket, market));
  EXPECT_EQ(markets - 1, kOpenProductsMax / OpenProductsMost(market));
  driver.AdvanceTo(driver.now_ns + std::int64_t{3'600} * kSecondNs);  // All that are due open.
}

TEST(ExchangeOrderLimits, BoundAPartyABookAndTheShard) {
  ExchangeDriver driver(std::uint64_t{2} * kChunkOrders);
  MarketDefinition market = SmallMarket();
  market.party_orders_max = 2;
  market.book_orders_max = 200;
  driver.AddMarket(market);
  for (std::uint32_t account = 1; account <= 400; ++account) driver.AddAccount(account);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  EXPECT_EQ(driver.Submit(Bid(1, 1, 20, 5)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 2, 20, 5)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Bid(1, 3, 20, 5)), Reason::kPartyOrderLimit);
  for (std::uint32_t account = 3; account <= 200; ++account) {
    ASSERT_EQ(driver.Submit(Bid(account, 1, 20, 5)), Reason::kNone);
  }
  EXPECT_EQ(driver.Submit(Bid(201, 1, 20, 5)), Reason::kBookFull);
  OrderBody other = Bid(201, 1, 20, 5);
  other.product.start_minute = kStart - 15;
  EXPECT_EQ(driver.Submit(other), Reason::kShardFull);
}

TEST(ExchangeSelfTrade, CancelsTheOlderWhereTheMarketSaysSo) {
  ExchangeDriver driver;
  MarketDefinition market = SmallMarket();
  market.rule.self_trade = SelfTrade::kCancelOlder;
  driver.AddMarket(market);
  driver.AddAccount(1);
  driver.AddAccount(2);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  ASSERT_TRUE(driver.Submit(1, {Ask(1, 1, 20, 500), Ask(1, 2, 40, 500)}).empty());
  ASSERT_EQ(driver.Submit(Bid(1, 3, 30, 700)), Reason::kNone);
  const std::vector<Event> cancelled = driver.Of(EventType::kOrderCancelled);
  ASSERT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(cancelled[0].order_cancelled.client_order_id, ClientOrderId{1});
  EXPECT_EQ(cancelled[0].order_cancelled.reason, Reason::kSelfTradeCancelled);
  EXPECT_EQ(cancelled[0].order_cancelled.open_wh, 500u);
  EXPECT_EQ(driver.exchange.open_orders(), 2u);
}

}  // namespace
}  // namespace engine
