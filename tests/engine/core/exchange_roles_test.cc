// What operators may do: who has roles, who hears every market, who looks into a sealed book.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/acts.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/saved_state.h"

namespace engine {
namespace {

constexpr std::uint32_t kOperator = 9;
constexpr MarketId kOtherMarket{2};

constexpr std::uint8_t Bits(Role role) { return static_cast<std::uint8_t>(role); }

// Homes 1, 2 and 3 in one market, home 50 in another, and an operator without an account. Each home
// has an order open.
class ExchangeRoles : public testing::Test {
 protected:
  ExchangeRoles() {
    MarketDefinition other = SmallMarket();
    other.id = kOtherMarket;
    driver.AddMarket(SmallMarket());
    driver.AddMarket(other);
    for (std::uint32_t id = 1; id <= 3; ++id) driver.AddAccount(id);
    driver.AddAccount(50, 0, 0, kOtherMarket);
    EXPECT_TRUE(Define(CredentialKind::kOperator, kNoRoles));
    driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
    for (std::uint32_t id = 1; id <= 3; ++id) driver.Submit(Bid(id, 1, 20, 100 * id));
    OrderBody elsewhere = Bid(50, 1, 20, 50);
    elsewhere.product.market = kOtherMarket;
    driver.Submit(elsewhere);
  }

  bool Define(CredentialKind kind, std::uint8_t roles, std::uint32_t id = kOperator) {
    CredentialBody body{.id = CredentialId{id}, .kind = kind, .roles = roles};
    std::memcpy(body.token_hash.data(), &id, sizeof(id));
    return ApplyAct(driver, std::vector{body});
  }
  void Give(std::uint8_t roles) { ASSERT_TRUE(Define(CredentialKind::kOperator, roles)); }

  std::vector<Event> Ask(CommandType type, const OrderScopeBody& scope,
                         std::uint32_t credential = kOperator) {
    CommandHeader header;
    header.type = type;
    header.credential = CredentialId{credential};
    header.client_seq = 42;
    const std::size_t before = driver.events.size();
    driver.exchange.Ask(OwnedCommand(header, std::span(&scope, 1)).view());
    driver.Collect();
    return {driver.events.begin() + static_cast<std::ptrdiff_t>(before), driver.events.end()};
  }
  // The accounts whose orders are listed; empty where it is refused, for the reason that `refused`
  // is then.
  std::vector<std::uint64_t> Look(std::uint64_t account, MarketId market,
                                  std::uint32_t credential = kOperator) {
    std::vector<std::uint64_t> accounts;
    refused = Reason::kNone;
    end = {};
    for (const Event& event : Ask(CommandType::kListOpenOrders,
                                  {.account = AccountId{account}, .market = market}, credential)) {
      EXPECT_EQ(event.credential, CredentialId{credential});
      if (event.type == EventType::kAnswer) refused = event.answer.reason;
      if (event.type == EventType::kOpenOrdersEnd) end = event.list_end;
      if (event.type != EventType::kOpenOrder) continue;
      accounts.push_back(static_cast<std::uint64_t>(event.open_order.account));
    }
    return accounts;
  }
  // The markets that the operator hears, as its logon says.
  std::vector<MarketId> Heard() {
    LogonBody body{.session = 77};
    std::memcpy(body.hash.data(), &kOperator, sizeof(kOperator));
    CommandHeader header;
    header.type = CommandType::kLogon;
    const std::size_t before = driver.events.size();
    driver.exchange.Ask(OwnedCommand(header, std::span<const LogonBody>(&body, 1)).view());
    driver.Collect();
    std::vector<MarketId> markets;
    for (std::size_t i = before; i < driver.events.size(); ++i) {
      const Event& event = driver.events[i];
      if (event.type == EventType::kLogonMarket) markets.push_back(event.logon_market.market);
    }
    EXPECT_EQ(driver.events.back().type, EventType::kLogonAnswer);
    return markets;
  }

  using Accounts = std::vector<std::uint64_t>;
  ExchangeDriver driver;
  Reason refused{};
  ListEndEvent end;
};

TEST_F(ExchangeRoles, AreOfOperatorsAlone) {
  const DigestBytes before = driver.exchange.StateDigest();
  for (const CredentialKind kind : {CredentialKind::kDevice, CredentialKind::kAggregator}) {
    for (std::uint8_t roles = 1; roles <= kAllRoles; ++roles) {
      EXPECT_FALSE(Define(kind, roles, 1));
    }
  }
  EXPECT_EQ(driver.exchange.StateDigest(), before);
  EXPECT_TRUE(Define(CredentialKind::kAggregator, kNoRoles, 1));
  for (std::uint8_t roles = 0; roles <= kAllRoles; ++roles) {
    EXPECT_TRUE(Define(CredentialKind::kOperator, roles));
  }
}

TEST_F(ExchangeRoles, ThatThisVersionDoesNotKnowAreRefused) {
  for (const int roles : {16, 17, 128, 255}) {
    EXPECT_FALSE(Define(CredentialKind::kOperator, static_cast<std::uint8_t>(roles)));
  }
}

// Nobody would have to answer for it.
TEST_F(ExchangeRoles, AreNeitherGivenNorTakenByABareDefinition) {
  const auto bare = [this](std::uint8_t roles) {
    return driver.Apply(
        CommandType::kDefineCredential,
        CredentialBody{
            .id = CredentialId{kOperator}, .kind = CredentialKind::kOperator, .roles = roles});
  };
  EXPECT_FALSE(bare(Bits(Role::kRead)));
  EXPECT_TRUE(bare(kNoRoles));
  Give(Bits(Role::kRead));
  EXPECT_FALSE(bare(kNoRoles));
}

TEST_F(ExchangeRoles, AreInTheStateAndANewDefinitionTakesThemAway) {
  const std::size_t without = StateOf(driver.exchange).size();
  Give(Bits(Role::kRead) + Bits(Role::kSurveillance));
  const std::vector<std::byte> state = StateOf(driver.exchange);
  EXPECT_EQ(state.size(), without) << "a byte that was zero before there were roles";
  Exchange loaded;
  std::string error;
  ASSERT_TRUE(LoadState(state, 64, loaded, &error)) << error;
  EXPECT_EQ(loaded.FindCredential(CredentialId{kOperator})->roles, 9);
  Give(kNoRoles);
  EXPECT_TRUE(Look(2, {}).empty());
  EXPECT_EQ(refused, Reason::kNotAuthorised);
}

TEST_F(ExchangeRoles, SurveillanceLooksIntoTheBooksOfAMarket) {
  Give(Bits(Role::kSurveillance));
  EXPECT_EQ(Look(0, kMarket), (Accounts{1, 2, 3}));
  EXPECT_EQ(end.told, 3u);
  EXPECT_EQ(end.query, 42u);
  EXPECT_EQ(Look(0, kOtherMarket), Accounts{50});
}

TEST_F(ExchangeRoles, SurveillanceSeesEachOrderOfAPartyOfManyAccountsOnce) {
  Give(Bits(Role::kSurveillance));
  driver.AddAccount(60, /*party=*/2, /*credential=*/2);
  driver.AddAccount(61, /*party=*/2, /*credential=*/3);
  driver.AddAccount(62, /*party=*/2, /*credential=*/2, kOtherMarket);
  OrderBody elsewhere = Bid(62, 1, 20, 5);
  elsewhere.product.market = kOtherMarket;
  ASSERT_TRUE(driver.Submit(2, {Bid(60, 1, 20, 5), Bid(60, 2, 20, 5), elsewhere}).empty());
  ASSERT_TRUE(driver.Submit(3, {Bid(61, 1, 20, 5)}).empty());
  for (const std::size_t piece : {1u, 2u, 64u}) {
    driver.drain_piece = piece;
    Accounts accounts = Look(0, kMarket);
    std::ranges::sort(accounts);
    EXPECT_EQ(accounts, (Accounts{1, 2, 3, 60, 60, 61}));
    EXPECT_EQ(end.told, 6u);
    EXPECT_EQ(Look(0, kOtherMarket), (Accounts{50, 62}));
    EXPECT_EQ(Look(60, {}), (Accounts{60, 60}));
  }
}

TEST_F(ExchangeRoles, SurveillanceLooksAtTheOrdersOfAnAccount) {
  Give(Bits(Role::kSurveillance));
  EXPECT_EQ(Look(2, {}), Accounts{2});
  EXPECT_EQ(Look(2, kMarket), Accounts{2});
  EXPECT_EQ(Look(2, kOtherMarket), Accounts{}) << "it is in another market";
  EXPECT_EQ(refused, Reason::kNone);
}

TEST_F(ExchangeRoles, SurveillanceIsToldInPiecesOfAnySize) {
  Give(Bits(Role::kSurveillance));
  for (const std::size_t piece : {1u, 2u, 3u, 64u}) {
    driver.drain_piece = piece;
    EXPECT_EQ(Look(0, kMarket), (Accounts{1, 2, 3}));
    EXPECT_EQ(Look(3, {}), Accounts{3});
  }
}

TEST_F(ExchangeRoles, SurveillanceHearsWhatIsNotThere) {
  Give(Bits(Role::kSurveillance));
  EXPECT_EQ(Look(77, {}), Accounts{});
  EXPECT_EQ(refused, Reason::kNotYourAccount);
  EXPECT_EQ(Look(0, MarketId{77}), Accounts{});
  EXPECT_EQ(refused, Reason::kUnknownMarket);
  EXPECT_EQ(Look(2, MarketId{77}), Accounts{});
  EXPECT_EQ(refused, Reason::kUnknownMarket);
  driver.AddAccount(60, 0, kOperator);
  EXPECT_EQ(Look(60, MarketId{77}), Accounts{});
  EXPECT_EQ(refused, Reason::kUnknownMarket) << "nor of its own";
}

TEST_F(ExchangeRoles, ALookIsSaidBeforeTheFirstOrderOfIt) {
  Give(Bits(Role::kSurveillance));
  const std::vector<Event> told = Ask(CommandType::kListOpenOrders, {.market = kMarket});
  ASSERT_EQ(told.size(), 1u + 3 + 1);
  EXPECT_EQ(told[0].type, EventType::kLook);
  EXPECT_EQ(told[0].credential, CredentialId{kOperator});
  EXPECT_EQ(told[0].list_end.market, kMarket);
  EXPECT_EQ(Ask(CommandType::kListOpenOrders, {}).size(), 1u) << "the end: none of its own";
  EXPECT_EQ(Ask(CommandType::kListOpenOrders, {}, 1).size(), 2u) << "its order and the end";
}

// So that all books are never told by mistake.
TEST_F(ExchangeRoles, SurveillanceOfNothingNamedIsOfTheOperatorsOwnAccounts) {
  Give(kAllRoles);
  EXPECT_EQ(Look(0, {}), Accounts{});
  EXPECT_EQ(refused, Reason::kNone);
  driver.AddAccount(60, 0, kOperator);
  ASSERT_TRUE(driver.Submit(kOperator, {Bid(60, 1, 20, 5)}).empty());
  EXPECT_EQ(Look(0, {}), Accounts{60});
}

TEST_F(ExchangeRoles, ALookIsSaidAtItsEndAndAListOfOnesOwnIsNone) {
  Give(Bits(Role::kSurveillance));
  Look(0, kMarket);
  EXPECT_EQ(end.market, kMarket);
  Look(2, {});
  EXPECT_EQ(end.account, AccountId{2});
  driver.AddAccount(60, 0, kOperator);
  EXPECT_EQ(Look(60, {}), Accounts{});
  EXPECT_EQ(end.account, AccountId{});
  Look(1, kMarket, 1);
  EXPECT_EQ(end.market, MarketId{});
}

TEST_F(ExchangeRoles, WithoutSurveillanceAnOperatorSeesItsOwnAccountsAlone) {
  Give(kAllRoles - Bits(Role::kSurveillance));
  for (const std::uint64_t account : {1u, 77u}) {
    EXPECT_EQ(Look(account, {}), Accounts{});
    EXPECT_EQ(refused, Reason::kNotAuthorised) << "whether it is there is not said";
  }
  for (const MarketId market : {kMarket, MarketId{77}}) {
    EXPECT_EQ(Look(0, market), Accounts{});
    EXPECT_EQ(refused, Reason::kNotAuthorised);
  }
  driver.AddAccount(60, 0, kOperator);
  ASSERT_TRUE(driver.Submit(kOperator, {Bid(60, 1, 20, 5)}).empty());
  EXPECT_EQ(Look(0, kMarket), Accounts{60});
  EXPECT_EQ(Look(60, {}), Accounts{60});
}

TEST_F(ExchangeRoles, ToOthersWhatIsNotTheirsIsAnEmptyList) {
  for (const CredentialKind kind : {CredentialKind::kDevice, CredentialKind::kAggregator}) {
    ASSERT_TRUE(Define(kind, kNoRoles, 1));
    EXPECT_EQ(Look(2, {}, 1), Accounts{});
    EXPECT_EQ(Look(0, kMarket, 1), Accounts{1});
    EXPECT_EQ(Look(0, kOtherMarket, 1), Accounts{});
    EXPECT_EQ(refused, Reason::kNone);
  }
}

TEST_F(ExchangeRoles, ReadersHearEveryMarketAndOthersThoseOfTheirAccounts) {
  EXPECT_EQ(Heard(), std::vector<MarketId>{});
  Give(kAllRoles - Bits(Role::kRead));
  EXPECT_EQ(Heard(), std::vector<MarketId>{});
  driver.AddAccount(60, 0, kOperator, kOtherMarket);
  EXPECT_EQ(Heard(), std::vector<MarketId>{kOtherMarket});
  Give(Bits(Role::kRead));
  EXPECT_EQ(Heard(), (std::vector<MarketId>{kMarket, kOtherMarket}));
}

TEST_F(ExchangeRoles, ReadersListTheProductsOfEveryMarket) {
  EXPECT_EQ(Ask(CommandType::kListProducts, {}).size(), 1u) << "the end alone";
  Give(Bits(Role::kRead));
  const std::size_t products = Ask(CommandType::kListProducts, {}).size() - 1;
  EXPECT_EQ(products, 2 * 4u) << "an hour of quarters each";
  const OrderScopeBody one{.market = kOtherMarket};
  EXPECT_EQ(Ask(CommandType::kListProducts, one).size(), 4u + 1);
}

}  // namespace
}  // namespace engine
