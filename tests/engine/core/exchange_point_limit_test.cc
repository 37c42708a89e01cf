// A metering point's limit: of all who trade there, over all rounds of a product.
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

#include "engine/core/entry_version.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/replayed.h"
#include "tests/support/saved_state.h"

namespace engine {
namespace {

// A landlord's roof and a tenant's may share a connection.
TEST(ExchangePointLimit, HoldsForAllPartiesAtTheConnectionTogether) {
  ExchangeDriver driver = Started(SmallMarket());
  const MeteringPointBody point{.id = MeteringPointId{1}, .export_limit_w = 4'000};
  ASSERT_TRUE(driver.Apply(CommandType::kDefineMeteringPoint, point));
  ASSERT_TRUE(
      driver.Apply(CommandType::kDefineAccount, AccountBody{.id = AccountId{20},
                                                            .party = PartyId{20},
                                                            .metering_point = MeteringPointId{1},
                                                            .market = kMarket,
                                                            .credential = CredentialId{1}}));
  ASSERT_EQ(driver.Submit(Ask(1, 1, 20, 700)), Reason::kNone);  // Of 1,000 Wh.
  OrderBody others = Ask(20, 1, 20, 301);
  EXPECT_EQ(driver.Submit(1, {others}).at(0).reason, Reason::kMeteringPointLimit);
  others.energy_wh = 300;
  EXPECT_TRUE(driver.Submit(1, {others}).empty());
  EXPECT_EQ(driver.Replace(Ask(1, 1, 20, 701)), Reason::kMeteringPointLimit);
  EXPECT_EQ(driver.Cancel(1, 1), Reason::kNone);
  others.client_order_id = ClientOrderId{2};
  others.energy_wh = 700;
  EXPECT_TRUE(driver.Submit(1, {others}).empty());
}

ExchangeDriver WithSharedConnection(std::uint16_t entry_version) {
  ExchangeDriver driver(1'000, entry_version);
  driver.AddMarket(TwoRounds(/*carry_over=*/0));
  for (std::uint32_t account = 1; account <= 3; ++account) driver.AddAccount(account);
  EXPECT_TRUE(driver.Apply(CommandType::kDefineMeteringPoint,
                           MeteringPointBody{.id = MeteringPointId{1}, .export_limit_w = 4'000}));
  EXPECT_TRUE(
      driver.Apply(CommandType::kDefineAccount, AccountBody{.id = AccountId{20},
                                                            .party = PartyId{20},
                                                            .metering_point = MeteringPointId{1},
                                                            .market = kMarket,
                                                            .credential = CredentialId{3}}));
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  return driver;
}

// What a journal came to it comes to again: from its next start on it goes by the newer version.
TEST(ExchangePointLimit, IsOfEachPartyAndRoundForAsLongAsAJournalBegunBeforeSaysSo) {
  ExchangeDriver driver = WithSharedConnection(/*entry_version=*/1);
  ASSERT_EQ(driver.Submit(Ask(1, 1, 10, 1'000)), Reason::kNone);
  OrderBody others = Ask(20, 1, 10, 1'000);
  EXPECT_TRUE(driver.Submit(3, {others}).empty());
  ASSERT_EQ(driver.Submit(Bid(2, 1, 20, 2'000)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(586));
  ASSERT_EQ(driver.FilledWh(1, 1), 1'000U);
  EXPECT_EQ(driver.Submit(Ask(1, 2, 90, 1'000)), Reason::kNone);
  ASSERT_EQ(driver.Cancel(1, 2), Reason::kNone);
  const auto adopt = [&driver](std::uint32_t version) {
    return driver.Apply(CommandType::kAdoptEntry, EntryVersionBody{.version = version});
  };
  EXPECT_FALSE(adopt(1));
  EXPECT_FALSE(adopt(kEntryVersion + 1));
  ASSERT_TRUE(adopt(2));
  EXPECT_FALSE(adopt(2));
  EXPECT_EQ(driver.exchange.entry_version(), 2U);
  ASSERT_EQ(driver.Submit(Ask(1, 3, 90, 600)), Reason::kNone);
  others.client_order_id = ClientOrderId{2};
  others.energy_wh = 401;
  EXPECT_EQ(driver.Submit(3, {others}).at(0).reason, Reason::kMeteringPointLimit);
  EXPECT_EQ(Replayed(driver).entry_version(), 2U);
}

// What is traded before a limit is set flows through the connection too.
TEST(ExchangePointLimit, CountsWhatWasTradedBeforeItWasSet) {
  ExchangeDriver driver = Started(TwoRounds(/*carry_over=*/0));
  ASSERT_EQ(driver.Submit(Ask(1, 1, 10, 700)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(2, 1, 20, 700)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(586));
  ASSERT_TRUE(driver.Apply(CommandType::kDefineMeteringPoint,
                           MeteringPointBody{.id = MeteringPointId{1}, .export_limit_w = 4'000}));
  EXPECT_EQ(driver.Submit(Ask(1, 2, 90, 301)), Reason::kMeteringPointLimit);
  EXPECT_EQ(driver.Submit(Ask(1, 2, 90, 300)), Reason::kNone);
}

// What a round has traded flows through the connection as well as what later rounds trade.
TEST(ExchangePointLimit, HoldsForAllRoundsOfAProductTogether) {
  for (const std::uint8_t carry_over : {std::uint8_t{0}, std::uint8_t{1}}) {
    ExchangeDriver driver = Started(TwoRounds(carry_over));
    ASSERT_TRUE(driver.Apply(CommandType::kDefineMeteringPoint,
                             MeteringPointBody{.id = MeteringPointId{1}, .import_limit_w = 4'000}));
    ASSERT_EQ(driver.Submit(Bid(1, 1, 20, 900)), Reason::kNone);  // Of 1,000 Wh.
    ASSERT_EQ(driver.Submit(Ask(2, 1, 10, 600)), Reason::kNone);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(586));
    ASSERT_EQ(driver.FilledWh(1, 1), 600U);
    const std::uint32_t left_wh = carry_over == 1 ? 100 : 400;  // The 300 are open still, or gone.
    Exchange loaded;
    ASSERT_TRUE(LoadState(StateOf(driver.exchange), 4'096, loaded));
    driver.exchange = std::move(loaded);
    EXPECT_EQ(driver.Submit(Bid(1, 2, 20, left_wh + 1)), Reason::kMeteringPointLimit);
    EXPECT_EQ(driver.Submit(Bid(1, 2, 20, left_wh)), Reason::kNone);
    OrderBody next = Bid(1, 3, 20, 1'000);  // Another slot, another 1,000 Wh.
    next.product.start_minute += 15;
    EXPECT_EQ(driver.Submit(next), Reason::kNone);
  }
}

}  // namespace
}  // namespace engine
