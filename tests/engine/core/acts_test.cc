#include "tests/support/acts.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/act.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/saved_state.h"

namespace engine {
namespace {

constexpr std::uint32_t kAdministrator = 8;
constexpr std::uint32_t kOtherOperator = 9;

CredentialBody MakeCredential(std::uint32_t id, std::uint32_t token) {
  CredentialBody body{.id = CredentialId{id}};
  std::memcpy(body.token_hash.data(), &token, sizeof(token));
  return body;
}

CredentialBody MakeOperator(std::uint32_t id, std::uint8_t roles) {
  CredentialBody body = MakeCredential(id, id);
  body.kind = CredentialKind::kOperator;
  body.roles = roles;
  return body;
}

AccountBody MakeAccount(std::uint32_t id, MarketId market = kMarket) {
  return {.id = AccountId{id},
          .party = PartyId{id},
          .metering_point = MeteringPointId{1},
          .market = market,
          .credential = CredentialId{1}};
}

CertificateBody MakeCertificate(std::uint32_t credential, std::uint8_t place, std::uint32_t hash) {
  CertificateBody body{.credential = CredentialId{credential}, .place = place};
  std::memcpy(body.hash.data(), &hash, sizeof(hash));
  return body;
}

// A market, a metering point, home 1, and two operators of whom one administers.
class Acts : public testing::Test {
 protected:
  Acts() {
    EXPECT_TRUE(ApplyAct(driver, std::vector{SmallMarket()}));
    EXPECT_TRUE(ApplyAct(driver, std::vector{MeteringPointBody{.id = MeteringPointId{1}}}));
    EXPECT_TRUE(
        ApplyAct(driver, std::vector{MakeCredential(1, 1), MakeOperator(kAdministrator, kAllRoles),
                                     MakeOperator(kOtherOperator, 11)}));
    EXPECT_TRUE(ApplyAct(driver, std::vector{MakeAccount(1)}));
  }

  // Whether it is refused, and nothing changed.
  template <typename Body>
  bool Refused(const ActBody& act, const std::vector<Body>& bodies) {
    const std::vector<std::byte> before = StateOf(driver.exchange);
    return !ApplyAct(driver, act, bodies) && StateOf(driver.exchange) == before;
  }
  template <typename Body>
  bool Refused(const std::vector<Body>& bodies, std::uint32_t who = 0) {
    return Refused(MakeAct(CredentialId{who}, 0, kDefines<Body>, "a test"), bodies);
  }

  ExchangeDriver driver;
  const std::vector<MeteringPointBody> point = {{.id = MeteringPointId{2}}};
};

TEST_F(Acts, DefineWhatTheySay) {
  EXPECT_NE(driver.exchange.FindMarket(kMarket), nullptr);
  EXPECT_NE(driver.exchange.FindAccount(AccountId{1}), nullptr);
  EXPECT_EQ(driver.exchange.FindCredential(CredentialId{kAdministrator})->roles, kAllRoles);
  ASSERT_TRUE(ApplyAct(driver, std::vector{MakeCertificate(1, 0, 5), MakeCertificate(1, 1, 6)}));
  EXPECT_EQ(driver.exchange.FindCertificates(CredentialId{1})[1], MakeCertificate(1, 1, 6).hash);
  EXPECT_EQ(driver.exchange.sequence(), 1u + 5) << "one command each, whatever it is of";
}

TEST_F(Acts, ComeToWhatBareDefinitionsComeTo) {
  ExchangeDriver bare;
  ASSERT_TRUE(bare.Apply(CommandType::kDefineMarket, SmallMarket()));
  ASSERT_TRUE(
      bare.Apply(CommandType::kDefineMeteringPoint, MeteringPointBody{.id = MeteringPointId{1}}));
  ASSERT_TRUE(bare.Apply(CommandType::kDefineCredential, MakeCredential(1, 1)));
  ASSERT_TRUE(ApplyAct(
      bare, std::vector{MakeOperator(kAdministrator, kAllRoles), MakeOperator(kOtherOperator, 11)}))
      << "a bare one has no roles";
  ASSERT_TRUE(bare.Apply(CommandType::kDefineAccount, MakeAccount(1)));
  const std::vector<std::byte> acts = StateOf(driver.exchange);
  const std::vector<std::byte> other = StateOf(bare.exchange);
  // But for how many commands it took: the sequence, the time and the running digest.
  constexpr std::size_t kBehind = sizeof(GenesisBody) + 8 + 8 + sizeof(DigestBytes);
  ASSERT_EQ(acts.size(), other.size());
  EXPECT_TRUE(std::equal(acts.begin() + kBehind, acts.end(), other.begin() + kBehind));
}

TEST_F(Acts, AreOfWhoOwnsTheMachineOrOfAnOperatorThatAdministers) {
  EXPECT_TRUE(Refused(point, 77)) << "nobody";
  EXPECT_TRUE(Refused(point, 1)) << "a device";
  EXPECT_TRUE(Refused(point, kOtherOperator)) << "every other role";
  EXPECT_TRUE(ApplyAct(driver, point, kAdministrator));
  EXPECT_TRUE(ApplyAct(driver, point));
}

TEST_F(Acts, OfAnOperatorEndWithItsRole) {
  ASSERT_TRUE(ApplyAct(driver, std::vector{MakeOperator(kAdministrator, 11)}, kAdministrator))
      << "it may give up its own, though nobody else has it";
  EXPECT_TRUE(Refused(point, kAdministrator));
  EXPECT_TRUE(Refused(std::vector{MakeOperator(kAdministrator, kAllRoles)}, kAdministrator));
  EXPECT_TRUE(ApplyAct(driver, std::vector{MakeOperator(kAdministrator, kAllRoles)}))
      << "who owns the machine gives it back";
  EXPECT_TRUE(ApplyAct(driver, point, kAdministrator));
}

// Nobody but who owns the machine gives what he has not.
TEST_F(Acts, OfAnOperatorGiveSurveillanceOnlyWhereItHasThatItself) {
  constexpr std::uint8_t kAdministers = static_cast<std::uint8_t>(Role::kAdminister);
  constexpr std::uint8_t kLooks = static_cast<std::uint8_t>(Role::kSurveillance);
  const CredentialBody watcher = MakeOperator(20, kLooks);
  ASSERT_TRUE(ApplyAct(driver, std::vector{MakeOperator(10, kAdministers), watcher}));
  EXPECT_TRUE(Refused(std::vector{MakeOperator(10, kAdministers | kLooks)}, 10)) << "to itself";
  EXPECT_TRUE(Refused(std::vector{MakeOperator(21, kLooks)}, 10)) << "to a new one";
  EXPECT_TRUE(Refused(std::vector{MakeOperator(21, 0), MakeOperator(22, kLooks)}, 10));
  CredentialBody other_token = watcher;
  other_token.token_hash = MakeCredential(20, 77).token_hash;
  EXPECT_TRUE(Refused(std::vector{other_token}, 10)) << "whoever has that token looks";
  EXPECT_TRUE(Refused(std::vector{MakeCertificate(20, 0, 5)}, 10));
  CredentialBody slower = watcher;
  slower.orders_per_second = 1;
  EXPECT_TRUE(ApplyAct(driver, std::vector{slower}, 10)) << "it had the role before";
  EXPECT_TRUE(ApplyAct(driver, std::vector{MakeOperator(20, 0)}, 10)) << "it may take it away";
  EXPECT_TRUE(ApplyAct(driver, std::vector{watcher}, kAdministrator));
  EXPECT_TRUE(ApplyAct(driver, std::vector{other_token}, kAdministrator));
  EXPECT_TRUE(ApplyAct(driver, std::vector{MakeCertificate(20, 0, 5)}, kAdministrator));
  EXPECT_TRUE(ApplyAct(driver, std::vector{MakeOperator(10, kAdministers | kLooks)}));
}

TEST_F(Acts, OfAnOperatorMakeNoOperatorTheOwnerOfOpenOrders) {
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  AccountBody taken = MakeAccount(1);
  taken.credential = CredentialId{kOtherOperator};
  const CredentialBody turned = MakeOperator(1, 0);
  ASSERT_EQ(driver.Submit(Bid(1, 1, 20, 500)), Reason::kNone);
  EXPECT_TRUE(Refused(std::vector{taken}, kAdministrator));
  EXPECT_TRUE(Refused(std::vector{MakeAccount(2), taken}, kAdministrator));
  EXPECT_TRUE(Refused(std::vector{turned}, kAdministrator)) << "its owner becomes an operator";
  ASSERT_TRUE(ApplyAct(driver, std::vector{MakeCredential(2, 2)}));
  AccountBody moved = taken;
  moved.credential = CredentialId{2};
  EXPECT_TRUE(ApplyAct(driver, std::vector{moved}, kAdministrator)) << "to a device";
  EXPECT_TRUE(ApplyAct(driver, std::vector{taken})) << "by who owns the machine";
  EXPECT_TRUE(ApplyAct(driver, std::vector{taken}, kAdministrator)) << "which is so already";
  AccountBody without = MakeAccount(3);
  ASSERT_TRUE(ApplyAct(driver, std::vector{without}));
  without.credential = CredentialId{kOtherOperator};
  EXPECT_TRUE(ApplyAct(driver, std::vector{without}, kAdministrator)) << "of no open orders";
}

TEST_F(Acts, NameTheirUserOnlyWhereNoCredentialActs) {
  ActBody act = MakeAct({}, 1'000, CommandType::kDefineMeteringPoint, "why");
  EXPECT_EQ(act.uid, 1'000u);
  EXPECT_TRUE(ApplyAct(driver, act, point));
  act = MakeAct(CredentialId{kAdministrator}, 1'000, CommandType::kDefineMeteringPoint, "why");
  EXPECT_EQ(act.uid, 0u);
  act.uid = 1'000;
  EXPECT_TRUE(Refused(act, point));
}

TEST_F(Acts, AreOfDefinitionsAlone) {
  for (int type = 0; type < 70; ++type) {
    ActBody act = MakeAct({}, 0, CommandType::kDefineMeteringPoint, "why");
    act.type = static_cast<CommandType>(type);
    const bool is_it = act.type == CommandType::kDefineMeteringPoint;
    EXPECT_EQ(Refused(act, point), !is_it) << type;
  }
}

TEST_F(Acts, AreRefusedWhereTheyAreNotAsTheyAreMade) {
  const ActBody good = MakeAct({}, 0, CommandType::kDefineMeteringPoint, "why");
  ActBody act = good;
  act.zero = 1;
  EXPECT_TRUE(Refused(act, point));
  act = good;
  act.reason[100] = 'x';
  EXPECT_TRUE(Refused(act, point)) << "behind the reason";
  for (const int bytes : {0, 4, 161, 65'535}) {
    act = good;
    act.reason_bytes = static_cast<std::uint16_t>(bytes);
    EXPECT_TRUE(Refused(act, point)) << bytes;
  }
  act = good;
  act.reason[1] = '\n';
  EXPECT_TRUE(Refused(act, point));
}

TEST_F(Acts, AreSentByNoClient) {
  for (const std::uint64_t client_seq : {0u, 1u}) {
    OwnedCommand command = ActCommand(
        driver.now_ns, MakeAct({}, 0, CommandType::kDefineMeteringPoint, "why"), std::span(point));
    command.header().client_seq = client_seq;
    if (client_seq == 0) command.header().credential = CredentialId{kAdministrator};
    EXPECT_FALSE(driver.Sequence(std::move(command)));
  }
}

TEST_F(Acts, HaveAsManyBodiesAsTheySayAndAtLeastOne) {
  const ActBody act = MakeAct({}, 0, CommandType::kDefineMeteringPoint, "why");
  EXPECT_TRUE(Refused(act, std::vector<MeteringPointBody>()));
  const std::vector<std::byte> before = StateOf(driver.exchange);
  for (const std::uint32_t count : {0u, 2u, UINT32_MAX}) {
    OwnedCommand command = ActCommand(driver.now_ns, act, std::span(point));
    command.header().count = count;
    EXPECT_FALSE(driver.Sequence(std::move(command))) << count;
  }
  CommandHeader header;
  header.time_ns = driver.now_ns;
  header.type = CommandType::kAct;
  EXPECT_FALSE(driver.Sequence(OwnedCommand(header, std::span(point)))) << "too short for an act";
  EXPECT_EQ(StateOf(driver.exchange), before);
}

TEST_F(Acts, HaveRoomForThousandsOfDefinitions) {
  std::vector<AccountBody> accounts;
  for (std::uint32_t id = 1; id <= kDefinitionsAnAct<AccountBody>; ++id) {
    accounts.push_back(MakeAccount(id));
  }
  EXPECT_EQ(accounts.size(), 2'041u);
  ASSERT_TRUE(ApplyAct(driver, accounts));
  EXPECT_EQ(driver.exchange.size().accounts, accounts.size());
  EXPECT_LE(driver.journal.back().view().header().length, kCommandBytesMax);
}

TEST_F(Acts, AreDoneAsAWholeOrNotAtAll) {
  MarketDefinition good = SmallMarket();
  good.id = MarketId{2};
  MarketDefinition bad = good;
  bad.id = MarketId{3};
  bad.slot_minutes = 7;
  EXPECT_TRUE(Refused(std::vector{good, bad}));
  EXPECT_TRUE(Refused(std::vector<MeteringPointBody>{{.id = MeteringPointId{2}}, {}}));
  EXPECT_TRUE(Refused(std::vector{MakeCredential(2, 2), MakeCredential(0, 3)}));
  EXPECT_TRUE(Refused(std::vector{MakeCredential(2, 2), MakeCredential(3, 1)})) << "1's token";
  EXPECT_TRUE(Refused(std::vector{MakeAccount(2), MakeAccount(3, MarketId{9})}));
  EXPECT_TRUE(Refused(std::vector{MakeCertificate(1, 0, 5), MakeCertificate(7, 0, 6)}));
}

TEST_F(Acts, AreOfDifferentThings) {
  MarketDefinition market = SmallMarket();
  EXPECT_TRUE(Refused(std::vector{market, market}));
  EXPECT_TRUE(Refused(std::vector{point[0], point[0]}));
  EXPECT_TRUE(Refused(std::vector{MakeCredential(2, 2), MakeCredential(2, 3)}));
  EXPECT_TRUE(Refused(std::vector{MakeCredential(2, 2), MakeCredential(3, 2)})) << "the token";
  EXPECT_TRUE(Refused(std::vector{MakeAccount(2), MakeAccount(2)}));
  EXPECT_TRUE(Refused(std::vector{MakeCertificate(1, 0, 5), MakeCertificate(1, 0, 6)}));
  EXPECT_TRUE(Refused(std::vector{MakeCertificate(1, 0, 5), MakeCertificate(1, 1, 5)}));
}

TEST_F(Acts, MayHandATokenFromOneCredentialToAnother) {
  ASSERT_TRUE(ApplyAct(driver, std::vector{MakeCredential(2, 2)}));
  ASSERT_TRUE(ApplyAct(driver, std::vector{MakeCredential(1, 2), MakeCredential(2, 1)}));
  // Each is known by its new one alone.
  EXPECT_TRUE(Refused(std::vector{MakeCredential(3, 1)}));
  EXPECT_TRUE(Refused(std::vector{MakeCredential(3, 2)}));
  ASSERT_TRUE(ApplyAct(driver, std::vector{MakeCredential(2, 0)}));
  EXPECT_TRUE(ApplyAct(driver, std::vector{MakeCredential(3, 1)}));
}

TEST_F(Acts, BoundTheProductsOfAllMarketsTogether) {
  MarketDefinition large = SmallMarket();
  large.slot_minutes = 5;
  large.open_before_s = 7 * 86'400;
  const std::uint64_t products = OpenProductsMost(large);
  const std::uint64_t most = (kOpenProductsMax - OpenProductsMost(SmallMarket())) / products;
  std::vector<MarketDefinition> markets(most, large);
  for (std::uint32_t i = 0; i < markets.size(); ++i) markets[i].id = MarketId{2 + i};
  MarketDefinition one_more = large;
  one_more.id = MarketId{1'000};
  markets.push_back(one_more);
  EXPECT_TRUE(Refused(markets));
  markets.pop_back();
  ASSERT_TRUE(ApplyAct(driver, markets));
  EXPECT_TRUE(Refused(std::vector{one_more}));
  MarketDefinition smaller = SmallMarket();
  smaller.id = markets[0].id;
  EXPECT_TRUE(ApplyAct(driver, std::vector{one_more, smaller})) << "together they are no more";
}

TEST_F(Acts, ReplayToTheSame) {
  ASSERT_TRUE(ApplyAct(driver, point, kAdministrator));
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  driver.Submit(Bid(1, 1, 20, 500));
  Exchange again;
  for (const OwnedCommand& command : driver.journal) ASSERT_TRUE(again.Apply(command.view()));
  EXPECT_EQ(again.StateDigest(), driver.exchange.StateDigest());
  EXPECT_EQ(again.running_digest(), driver.exchange.running_digest());
}

TEST_F(Acts, AreInTheRunningDigestWithWhoAndWhy) {
  std::vector<DigestBytes> digests;
  const auto apply = [&](const ActBody& act) {
    ExchangeDriver other;
    for (std::size_t i = 1; i < driver.journal.size(); ++i) {
      ASSERT_TRUE(other.Sequence(OwnedCommand(driver.journal[i])));
    }
    ASSERT_EQ(other.exchange.running_digest(), driver.exchange.running_digest());
    ASSERT_TRUE(ApplyAct(other, act, point));
    digests.push_back(other.exchange.running_digest());
  };
  constexpr CommandType kWhat = CommandType::kDefineMeteringPoint;
  apply(MakeAct({}, 1'000, kWhat, "why"));
  apply(MakeAct({}, 1'001, kWhat, "why"));
  apply(MakeAct({}, 1'000, kWhat, "Why"));
  apply(MakeAct(CredentialId{kAdministrator}, 0, kWhat, "why"));
  std::ranges::sort(digests);
  EXPECT_EQ(std::ranges::adjacent_find(digests), digests.end());
}

TEST_F(Acts, AreNotAppliedWhileSomethingIsBeingTold) {
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  const OrderBody bid = Bid(1, 1, 20, 500);
  CommandHeader header;
  header.sequence = driver.exchange.sequence() + 1;
  header.time_ns = driver.now_ns;
  header.client_seq = 1;
  header.credential = CredentialId{1};
  header.type = CommandType::kSubmitOrders;
  const OwnedCommand order(header, std::span<const OrderBody>(&bid, 1));
  ASSERT_TRUE(driver.exchange.Screen(order.view()) && driver.exchange.Apply(order.view()));
  OwnedCommand act = ActCommand(
      driver.now_ns, MakeAct({}, 0, CommandType::kDefineMeteringPoint, "why"), std::span(point));
  act.header().sequence = driver.exchange.sequence() + 1;
  EXPECT_FALSE(driver.exchange.Apply(act.view()));
  driver.Collect();
  EXPECT_TRUE(driver.exchange.Apply(act.view()));
}

TEST(ActReason, IsTextOfOneLine) {
  const std::string longest(kActReasonBytes, 'x');
  for (const std::string_view text :
       {"x", "new homes in Elm Street, ticket 4711", "a \"quote\", a, comma", "Zähler Straße 5",
        "電力", "می‌خواهم", "\xF0\x9F\x94\x8C", longest.c_str()}) {
    EXPECT_TRUE(IsActReason(text)) << text;
  }
  for (const std::string_view text : {"", "two\nlines", "a\ttab", "a\x7F", "\xC2\x85", "\xC2\x9Bm",
                                      "a\xE2\x80\xA8"
                                      "b",
                                      "a\xE2\x80\xA9"
                                      "b"}) {
    EXPECT_FALSE(IsActReason(text)) << text;
  }
  EXPECT_FALSE(IsActReason(std::string_view("a\0b", 3)));
  EXPECT_FALSE(IsActReason(longest + "x"));
}

// What cannot be seen is a list that grows with Unicode, and what is in a journal has to replay.
TEST(ActReason, IsNotRefusedForWhatCannotBeSeen) {
  for (const std::string_view text : {" ", " x ", "\xE2\x80\x8B", "\xF3\xA0\x80\x81", "\xC2\xAD"}) {
    EXPECT_TRUE(IsActReason(text));
  }
}

TEST(ActReason, IsUtf8WrittenAsShortAsItCanBe) {
  for (const std::string_view text :
       {"\x80", "\xC3", "a\xC3",
        "\xC3"
        "a",
        "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE2\x82", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(IsActReason(text));
  }
  EXPECT_TRUE(IsActReason("\xF4\x8F\xBF\xBD"));
}

}  // namespace
}  // namespace engine
