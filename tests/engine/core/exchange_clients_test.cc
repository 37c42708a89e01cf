#include <cstring>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

class ExchangeClients : public testing::Test {
 protected:
  void SetUp() override {
    driver.AddMarket(SmallMarket());
    driver.AddAccount(1);
    driver.AddAccount(2);
    driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  }
  AnswerEvent Send(std::uint64_t client_seq, const std::vector<OrderBody>& orders) {
    const std::size_t before = driver.events.size();
    driver.ApplyFrom(CredentialId{1}, client_seq, CommandType::kSubmitOrders,
                     std::span<const OrderBody>(orders));
    EXPECT_EQ(driver.events[before].type, EventType::kAnswer);
    return driver.events[before].answer;
  }

  ExchangeDriver driver;
};

TEST_F(ExchangeClients, HearTheFirstAnswerAgainWhenTheyResend) {
  const std::vector<OrderBody> orders = {Bid(1, 1, 20, 500), Bid(1, 2, 999, 500)};
  const std::size_t before = driver.events.size();
  const AnswerEvent first = Send(1, orders);
  const std::uint64_t sequence = driver.exchange.sequence();
  driver.now_ns += 5;
  const AnswerEvent second = Send(1, orders);
  EXPECT_EQ(second.client_seq, first.client_seq);
  EXPECT_EQ(second.time_ns, first.time_ns);
  EXPECT_EQ(second.command_sequence, first.command_sequence);
  EXPECT_EQ(second.expected_client_seq, first.expected_client_seq);
  EXPECT_EQ(second.command, first.command);
  EXPECT_EQ(second.reason, first.reason);
  EXPECT_EQ(second.items, first.items);
  EXPECT_EQ(second.refused, first.refused);
  EXPECT_EQ(driver.exchange.sequence(), sequence);
  EXPECT_EQ(driver.exchange.open_orders(), 1u);
  ASSERT_EQ(driver.events.size(), before + 4);
  EXPECT_EQ(driver.events[before + 1].refusals.refusals[0].reason,
            driver.events[before + 3].refusals.refusals[0].reason);
}

TEST_F(ExchangeClients, AreToldTheSequenceThatIsExpectedAfterAGap) {
  const AnswerEvent answer = Send(3, {Bid(1, 1, 20, 500)});
  EXPECT_EQ(answer.reason, Reason::kSequenceGap);
  EXPECT_EQ(answer.expected_client_seq, 1u);
  EXPECT_EQ(answer.command_sequence, 0u);
  EXPECT_EQ(driver.exchange.open_orders(), 0u);
}

TEST_F(ExchangeClients, MayResendTheLastSixtyFourCommandsAndNoOlder) {
  for (std::uint64_t seq = 1; seq <= 65; ++seq) Send(seq, {Bid(1, seq, 20, 5)});
  EXPECT_EQ(Send(2, {Bid(1, 2, 20, 5)}).reason, Reason::kNone);
  const AnswerEvent old = Send(1, {Bid(1, 1, 20, 5)});
  EXPECT_EQ(old.reason, Reason::kSequenceTooOld);
  EXPECT_EQ(old.expected_client_seq, 66u);
}

TEST_F(ExchangeClients, KeepTheirOrderIdsInTheirCommandsSequence) {
  const AnswerEvent answer = Send(1, {Bid(1, 1, 999, 5), Bid(1, 2, 31, 5)});
  driver.Submit(Ask(2, 1, 20, 5));
  driver.AdvanceTo(ExchangeDriver::MinuteNs(595));
  ASSERT_EQ(driver.Fills().size(), 2u);
  EXPECT_EQ(driver.Fills()[0].order, OrderId{answer.command_sequence * kOrderIdPlaces + 1});
}

Event LogOn(ExchangeDriver& driver, std::uint32_t token) {
  LogonBody body;
  std::memcpy(body.hash.data(), &token, sizeof(token));
  body.session = 77;
  CommandHeader header;
  header.type = CommandType::kLogon;
  driver.exchange.Ask(OwnedCommand(header, std::span<const LogonBody>(&body, 1)).view());
  driver.Collect();
  return driver.events.back();
}

TEST_F(ExchangeClients, LogOnWithTheirTokenAndHearWhereTheyAre) {
  Send(1, {Bid(1, 1, 20, 500)});
  const Event event = LogOn(driver, 1);
  ASSERT_EQ(event.type, EventType::kLogonAnswer);
  EXPECT_EQ(event.credential, CredentialId{1});
  EXPECT_EQ(event.logon_answer.session, 77u);
  EXPECT_EQ(event.logon_answer.next_client_seq, 2u);
  EXPECT_EQ(event.logon_answer.next_event, 1u);
  const Event market = driver.events[driver.events.size() - 2];
  ASSERT_EQ(market.type, EventType::kLogonMarket);
  EXPECT_EQ(market.logon_market.market, kMarket);
}

TEST_F(ExchangeClients, AreRefusedWithAnUnknownToken) {
  const Event event = LogOn(driver, 12'345);
  EXPECT_EQ(event.logon_answer.reason, Reason::kNotAuthorised);
  EXPECT_EQ(event.credential, CredentialId{});
}

TEST_F(ExchangeClients, CannotHaveTheSameTokenTwice) {
  CredentialBody body{.id = CredentialId{9}};
  const std::uint32_t token = 1;
  std::memcpy(body.token_hash.data(), &token, sizeof(token));
  EXPECT_FALSE(driver.Apply(CommandType::kDefineCredential, body));
}

TEST_F(ExchangeClients, CannotMoveAnAccountToAnotherParty) {
  const AccountBody moved{.id = AccountId{1},
                          .party = PartyId{2},
                          .metering_point = MeteringPointId{1},
                          .market = kMarket,
                          .credential = CredentialId{1}};
  EXPECT_FALSE(driver.Apply(CommandType::kDefineAccount, moved));
}

TEST_F(ExchangeClients, HandAnAccountOverByAnewDefinition) {
  const AccountBody moved{.id = AccountId{1},
                          .party = PartyId{1},
                          .metering_point = MeteringPointId{1},
                          .market = kMarket,
                          .credential = CredentialId{2}};
  ASSERT_TRUE(driver.Apply(CommandType::kDefineAccount, moved));
  EXPECT_EQ(driver.Submit(1, {Bid(1, 1, 20, 5)})[0].reason, Reason::kNotYourAccount);
  EXPECT_TRUE(driver.Submit(2, {Bid(1, 1, 20, 5)}).empty());
}

}  // namespace
}  // namespace engine
