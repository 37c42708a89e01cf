#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/token.h"
#include "tests/gateway/hand_turned_gateway.h"

namespace gateway {
namespace {

using engine::CommandType;
using engine::CredentialKind;
using engine::Reason;
using std::chrono::milliseconds;

Bytes Garbage(std::size_t size, std::uint32_t length, std::uint16_t type) {
  Bytes bytes(size, std::byte{0xa5});
  const FrameHeader header{.length = length, .type = type, .version = kWireVersion};
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

TEST(Session, AsksTheExchangeWithTheHashOfTheToken) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOn();
  const SentCommand logon = daemon.NextCommand();
  EXPECT_EQ(logon.header().type, CommandType::kLogon);
  EXPECT_EQ(logon.header().time_ns, daemon.clock().now_ns);
  ASSERT_EQ(logon.view().Items<engine::LogonBody>().size(), 1U);
  EXPECT_EQ(logon.view().Items<engine::LogonBody>()[0].hash, HashToken("pw_secret"));
}

TEST(Session, AnswersALogonWithWhatAClientHasToKnow) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  EXPECT_EQ(client.logon.reason, Reason::kNone);
  EXPECT_EQ(client.logon.kind, CredentialKind::kAggregator);
  EXPECT_EQ(client.logon.max_frame_bytes, kFrameBytesMax);
  EXPECT_EQ(client.logon.orders_per_second, GatewayOptions().aggregator_orders_per_second);
  EXPECT_EQ(client.logon.heartbeat_s, GatewayOptions().heartbeat_default_s);
  EXPECT_EQ(client.logon.server_time_ns, daemon.clock().now_ns);
  EXPECT_EQ(client.logon.clock_factor, 1U);
  EXPECT_THAT(client.markets, testing::ElementsAre(engine::MarketId(1)));
}

TEST(Session, KeepsTheHeartbeatWithinItsBounds) {
  for (const auto& [asked, given] :
       {std::pair<std::uint16_t, std::uint16_t>{10, 10}, {0, 30}, {60'000, 300}}) {
    HandTurnedGateway daemon;
    RawClient client(daemon);
    client.LogOn(asked);
    daemon.AnswerLogon(daemon.NextCommand(), 7);
    ASSERT_TRUE(client.HearUntil([&] { return client.logon_answers == 1; }));
    EXPECT_EQ(client.logon.heartbeat_s, given);
  }
}

TEST(Session, EndsWhereTheTokenIsBad) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOn();
  daemon.AnswerLogon(daemon.NextCommand(), 0, CredentialKind::kDevice, Reason::kNotAuthorised);
  EXPECT_TRUE(client.HearTermination(TerminateReason::kNotAuthorised));
  EXPECT_EQ(client.logon.reason, Reason::kNotAuthorised);
  EXPECT_EQ(client.reconnect_after_ms, 0U);
}

TEST(Session, TakesACommandToTheRingAndItsAnswerBack) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  daemon.clock().now_ns += 5;
  client.Submit(1, 2);
  const SentCommand command = daemon.NextCommand();
  EXPECT_EQ(command.header().type, CommandType::kSubmitOrders);
  EXPECT_EQ(command.header().credential, engine::CredentialId(7));
  EXPECT_EQ(command.header().time_ns, daemon.clock().now_ns);
  EXPECT_EQ(command.view().Items<engine::OrderBody>().size(), 2U);
  daemon.Send(daemon.Accepted(command));
  ASSERT_TRUE(client.HearUntil([&] { return client.answers.size() == 1; }));
  EXPECT_EQ(client.answers[0].answer.client_seq, 1U);
  EXPECT_TRUE(client.answers[0].sequenced);
}

TEST(Session, TakesFramesThatComeInAnyPieces) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  Bytes bytes;
  const std::vector<engine::OrderBody> orders(3);
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    client.builder.Orders(CommandType::kSubmitOrders, seq, orders, bytes);
  }
  std::size_t piece = 1;
  for (std::size_t at = 0; at < bytes.size(); at += piece, piece = 1 + (piece * 7) % 300) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto size = static_cast<std::ptrdiff_t>(std::min(piece, bytes.size() - at));
    client.Say(Bytes(begin, begin + size));
    daemon.gateway().Turn();
  }
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    EXPECT_EQ(daemon.NextCommand().header().client_seq, seq);
  }
  EXPECT_EQ(daemon.budget().bytes(), 0U);
}

TEST(Session, TakesTheLongestFrameOfAnAggregator) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    client.Submit(seq, engine::kFrameOrdersMax);
    EXPECT_EQ(daemon.NextCommand().header().count, engine::kFrameOrdersMax);
  }
}

TEST(Session, RefusesABadOrderWithItsPlaceAndGoesOn) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  Bytes bytes;
  const std::vector<engine::OrderBody> orders(3);
  client.builder.Orders(CommandType::kSubmitOrders, 1, orders, bytes);
  FirstOrder(bytes)[2 * 64 + 44] = std::byte{2};
  client.Say(bytes);
  ASSERT_TRUE(client.HearUntil([&] { return client.answers.size() == 1; }));
  EXPECT_EQ(client.answers[0].answer.reason, Reason::kBadSide);
  EXPECT_EQ(client.answers[0].answer.client_seq, 1U);
  EXPECT_EQ(client.answers[0].message, MessageType::kSubmitOrders);
  EXPECT_FALSE(client.answers[0].sequenced);
  ASSERT_EQ(client.refused.size(), 1U);
  EXPECT_EQ(client.refused[0].index, 2);
  EXPECT_EQ(client.refused[0].reason, Reason::kBadSide);
  EXPECT_FALSE(daemon.HasCommand());
  client.Submit(1);
  EXPECT_EQ(daemon.NextCommand().header().client_seq, 1U);
}

TEST(Session, RefusesAMessageThatItDoesNotKnowAndGoesOn) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  client.Say(Garbage(16, 16, 99));
  ASSERT_TRUE(client.HearUntil([&] { return client.answers.size() == 1; }));
  EXPECT_EQ(client.answers[0].answer.reason, Reason::kUnknownMessage);
  EXPECT_EQ(client.answers[0].message, MessageType(99));
  EXPECT_FALSE(client.ended);
}

TEST(Session, EndsAfterAMalformedMessageAndOthersGoOn) {
  HandTurnedGateway daemon;
  RawClient good(daemon);
  good.LogOnAs(7);
  for (const std::uint16_t type : std::initializer_list<std::uint16_t>{2, 3, 16, 17, 18, 19, 64}) {
    RawClient bad(daemon);
    bad.LogOnAs(8U + type);
    bad.Say(Garbage(64, 64, type));
    EXPECT_TRUE(bad.HearTermination(TerminateReason::kMalformed)) << type;
    ASSERT_EQ(bad.answers.size(), 1U);
    EXPECT_EQ(bad.answers[0].answer.reason, Reason::kMalformed);
    EXPECT_FALSE(bad.answers[0].sequenced);
  }
  good.Submit(1);
  EXPECT_EQ(daemon.NextCommand().header().credential, engine::CredentialId(7));
}

TEST(Session, EndsWhereALengthIsNotAFrames) {
  struct {
    std::uint32_t length;
    TerminateReason reason;
  } const cases[] = {{20, TerminateReason::kFrameLength},
                     {0, TerminateReason::kFrameLength},
                     {8, TerminateReason::kFrameLength},
                     {kDeviceFrameBytesMax + 8, TerminateReason::kFrameTooLong},
                     {0xffff'fff8U, TerminateReason::kFrameTooLong}};
  for (const auto& bad : cases) {
    HandTurnedGateway daemon;
    RawClient client(daemon);
    client.Say(Garbage(32, bad.length, 16));
    EXPECT_TRUE(client.HearTermination(bad.reason)) << bad.length;
    EXPECT_EQ(daemon.gateway().counters().frames_bad.value(), 1U);
  }
}

TEST(Session, TakesFourKibibytesBeforeTheLogonAndFromDevices) {
  HandTurnedGateway daemon;
  RawClient device(daemon);
  device.LogOnAs(7, CredentialKind::kDevice);
  EXPECT_EQ(device.logon.max_frame_bytes, kDeviceFrameBytesMax);
  device.Submit(1, 100);
  EXPECT_TRUE(device.HearTermination(TerminateReason::kFrameTooLong));
}

TEST(Session, RefusesACommandBeforeTheLogon) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.Submit(1);
  EXPECT_TRUE(client.HearTermination(TerminateReason::kNotLoggedOn));
  ASSERT_EQ(client.answers.size(), 1U);
  EXPECT_EQ(client.answers[0].answer.reason, Reason::kNotLoggedOn);
}

TEST(Session, RefusesASecondLogon) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  client.LogOn();
  EXPECT_TRUE(client.HearTermination(TerminateReason::kAlreadyLoggedOn));
}

TEST(Session, EndsByItselfAfterALogout) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  Bytes bytes;
  client.builder.Logout(bytes);
  client.Say(bytes);
  EXPECT_TRUE(client.HearTermination(TerminateReason::kLogout));
}

TEST(Session, EndsWithoutALogonInTime) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.logon_timeout = milliseconds(10);
  HandTurnedGateway daemon(options);
  RawClient client(daemon);
  EXPECT_TRUE(client.HearTermination(TerminateReason::kLogonTimeout));
}

TEST(Session, EndsWhereAFrameIsNotCompletedInTime) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.frame_timeout = milliseconds(10);
  HandTurnedGateway daemon(options);
  RawClient client(daemon);
  client.LogOnAs(7);
  client.Say(Garbage(16, 64, 16));
  EXPECT_TRUE(client.HearTermination(TerminateReason::kFrameTimeout));
}

TEST(Session, ShowsLifeAndEndsWhereTheClientShowsNone) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.heartbeat_default_s = 0;
  options.idle_slack = milliseconds(30);
  HandTurnedGateway daemon(options);
  RawClient client(daemon);
  client.LogOnAs(7);
  ASSERT_TRUE(client.HearUntil([&] { return client.heartbeats > 0; }));
  EXPECT_EQ(client.server_time_ns, daemon.clock().now_ns);
  EXPECT_TRUE(client.HearTermination(TerminateReason::kIdle));
}

TEST(Session, RefusesWhatIsOverTheRateAndSaysWhenToComeBack) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.device_orders_per_second = 1;
  HandTurnedGateway daemon(options);
  RawClient client(daemon);
  client.LogOnAs(7, CredentialKind::kDevice);
  client.Submit(1, 10);
  EXPECT_EQ(daemon.NextCommand().header().count, 10U);
  client.Submit(2);
  ASSERT_TRUE(client.HearUntil([&] { return client.answers.size() == 1; }));
  EXPECT_EQ(client.answers[0].answer.reason, Reason::kThrottled);
  EXPECT_EQ(client.answers[0].answer.client_seq, 2U);
  EXPECT_FALSE(client.answers[0].sequenced);
  EXPECT_GT(client.answers[0].retry_after_ms, 1'000U);
  Bytes cancel;
  client.builder.CancelAll(2, {}, cancel);
  client.Say(cancel);
  EXPECT_EQ(daemon.NextCommand().header().type, CommandType::kCancelAll);
}

TEST(Session, IsThrottledTheSameAfterAReconnect) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.device_orders_per_second = 1;
  HandTurnedGateway daemon(options);
  RawClient first(daemon);
  first.LogOnAs(7, CredentialKind::kDevice);
  first.Submit(1, 10);
  daemon.NextCommand();
  RawClient second(daemon);
  second.LogOnAs(7, CredentialKind::kDevice);
  second.Submit(2);
  ASSERT_TRUE(second.HearUntil([&] { return second.answers.size() == 1; }));
  EXPECT_EQ(second.answers[0].answer.reason, Reason::kThrottled);
}

TEST(Session, AnswersBusyWhereTheRingIsFull) {
  HandTurnedGateway daemon(HandTurnedGateway::Quick(), {}, std::uint64_t{64} << 20,
                           std::size_t{1} << 17);
  RawClient client(daemon);
  client.LogOnAs(7);
  for (std::uint64_t seq = 1; seq <= 8; ++seq) client.Submit(seq, engine::kFrameOrdersMax);
  ASSERT_TRUE(client.HearUntil([&] { return !client.answers.empty(); }));
  EXPECT_EQ(client.answers[0].answer.reason, Reason::kBusy);
  EXPECT_FALSE(client.answers[0].sequenced);
  EXPECT_GT(client.answers[0].retry_after_ms, 0U);
  EXPECT_FALSE(client.ended);
}

TEST(Session, IsTakenOverByANewerLogonOfItsCredential) {
  HandTurnedGateway daemon;
  RawClient older(daemon);
  older.LogOnAs(7, CredentialKind::kAggregator, true);
  RawClient newer(daemon);
  newer.LogOnAs(7);
  EXPECT_TRUE(older.HearTermination(TerminateReason::kSuperseded));
  EXPECT_EQ(older.reconnect_after_ms, 0U);
  newer.Submit(1);
  const SentCommand command = daemon.NextCommand();
  EXPECT_EQ(command.header().type, CommandType::kSubmitOrders);  // And no kDisconnect before it.
  daemon.Send(daemon.Accepted(command));
  EXPECT_TRUE(newer.HearUntil([&] { return newer.answers.size() == 1; }));
}

TEST(Session, CancelsItsOrdersWhenItEndsAndAskedForIt) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7, CredentialKind::kAggregator, true);
  client.Close();
  const SentCommand command = daemon.NextCommand();
  EXPECT_EQ(command.header().type, CommandType::kDisconnect);
  EXPECT_EQ(command.header().credential, engine::CredentialId(7));
}

TEST(Session, KeepsItsOrdersWhenItEndsIfNotAsked) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7);
  client.Close();
  ASSERT_TRUE(daemon.TurnUntil([&] { return daemon.gateway().counters().sessions.value() == 0; }));
  EXPECT_FALSE(daemon.HasCommand());
}

TEST(Session, EndsWhereItsClientDoesNotReadAndOthersGoOn) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.aggregator_output_bytes = std::size_t{64} << 10;
  HandTurnedGateway daemon(options);
  RawClient slow(daemon);
  slow.LogOnAs(7);
  RawClient good(daemon);
  good.LogOnAs(8);
  engine::Event fill;
  fill.type = engine::EventType::kFill;
  fill.credential = engine::CredentialId(7);
  fill.fill = {};
  std::uint64_t number = 0;
  ASSERT_TRUE(daemon.TurnUntil([&] {
    for (int i = 0; i < 2'000; ++i) {
      fill.event_number = ++number;
      daemon.Send(fill);
    }
    return daemon.gateway().counters().slow_readers.value() == 1;
  }));
  engine::Event opened;
  opened.type = engine::EventType::kProductOpened;
  opened.market = engine::MarketId(1);
  opened.product_opened = {};
  daemon.Send(opened);
  EXPECT_TRUE(good.HearUntil([&] { return good.products == 1; }));
  EXPECT_TRUE(slow.HearTermination(TerminateReason::kSlowReader));
  EXPECT_GT(slow.fills, 0U);
  ASSERT_TRUE(daemon.TurnUntil([&] { return daemon.gateway().counters().sessions.value() <= 2; }));
}

TEST(Session, CountsWhatASlowReaderHasWaitingInTheBudgetOfAll) {
  HandTurnedGateway daemon(HandTurnedGateway::Quick(), {}, 65'536);
  RawClient slow(daemon);
  slow.LogOnAs(7);
  engine::Event fill;
  fill.type = engine::EventType::kFill;
  fill.credential = engine::CredentialId(7);
  fill.fill = {};
  // First the system's buffers fill up, then ours by a little each time.
  ASSERT_TRUE(daemon.TurnUntil([&] {
    for (int i = 0; i < 200; ++i) {
      ++fill.event_number;
      daemon.Send(fill);
    }
    return daemon.gateway().counters().slow_readers.value() == 1;
  }));
  EXPECT_TRUE(slow.HearTermination(TerminateReason::kOverBudget));
}

TEST(Session, EndsWhereAllTogetherAreOverTheBudget) {
  HandTurnedGateway daemon(HandTurnedGateway::Quick(), {}, 1'024);
  RawClient client(daemon);
  client.LogOnAs(7);
  client.Say(Garbage(64, 32'768, 16));
  EXPECT_TRUE(client.HearTermination(TerminateReason::kOverBudget));
}

}  // namespace
}  // namespace gateway
