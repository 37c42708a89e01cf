#include "gateway/gateway.h"

#include <chrono>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "tests/gateway/hand_turned_gateway.h"

namespace gateway {
namespace {

using engine::CommandType;
using engine::CredentialKind;

TEST(Gateway, RefusesConnectionsOverItsLimit) {
  HandTurnedGateway daemon(HandTurnedGateway::Quick(), {.connections = 1});
  RawClient first(daemon);
  first.LogOnAs(7);
  RawClient second(daemon);
  EXPECT_TRUE(second.HearTermination(TerminateReason::kTooManyConnections));
  EXPECT_GT(second.reconnect_after_ms, 0U);
  first.Close();
  ASSERT_TRUE(daemon.TurnUntil([&] { return daemon.gateway().counters().sessions.value() == 0; }));
  RawClient third(daemon);
  third.LogOnAs(8);
}

TEST(Gateway, AcceptsNoFasterThanItIsTold) {
  using Seconds = std::chrono::duration<double>;
  GatewayOptions options = HandTurnedGateway::Quick();
  options.accepts_per_second = 20;
  HandTurnedGateway daemon(options);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<RawClient>(daemon));
  std::uint64_t accepted = 0;
  ASSERT_TRUE(daemon.TurnUntil([&] {
    accepted = daemon.gateway().counters().accepted.value();
    return accepted == 40;
  }));
  // As many at once as in a second, and the others at that rate.
  const Seconds passed = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(passed.count(), 19 / 20.0);
}

TEST(Gateway, TakesMoreConnectionsOnceThoseBeforeHaveLoggedOn) {
  HandTurnedGateway daemon(HandTurnedGateway::Quick(), {.not_logged_on = 1});
  RawClient first(daemon);
  ASSERT_TRUE(daemon.TurnUntil([&] { return daemon.admission().connections() == 1; }));
  RawClient second(daemon);
  EXPECT_TRUE(second.HearTermination(TerminateReason::kTooManyConnections));
  first.LogOnAs(7);
  RawClient third(daemon);
  third.LogOnAs(8);
  EXPECT_EQ(daemon.admission().connections(), 2U);
}

TEST(Gateway, EndsASessionWhoseLogonHasNoToken) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  Bytes bytes;
  client.builder.Logon({.token = ""}, bytes);
  client.Say(bytes);
  EXPECT_TRUE(client.HearTermination(TerminateReason::kMalformed));
  EXPECT_FALSE(daemon.HasCommand());
}

TEST(Gateway, TellsEverySessionOfAMarketThatAProductOpened) {
  HandTurnedGateway daemon;
  RawClient first(daemon);
  first.LogOnAs(7);
  RawClient second(daemon);
  second.LogOnAs(8);
  engine::Event opened;
  opened.type = engine::EventType::kProductOpened;
  opened.market = engine::MarketId(1);
  opened.product_opened = {};
  daemon.Send(opened);
  opened.market = engine::MarketId(2);
  daemon.Send(opened);
  EXPECT_TRUE(first.HearUntil([&] { return first.products == 1; }));
  EXPECT_TRUE(second.HearUntil([&] { return second.products == 1; }));
}

TEST(Gateway, HasTheSystemGiveUpOnALineThatTakesNothing) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.slow_reader_timeout = std::chrono::milliseconds(12'345);
  HandTurnedGateway daemon(options);
  RawClient client(daemon);
  client.LogOnAs(7);
  int connections = 0;
  daemon.ForEachConnection([&](int fd) {
    unsigned timeout_ms = 0;
    socklen_t length = sizeof(timeout_ms);
    ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &length), 0);
    EXPECT_EQ(timeout_ms, 12'345U);
    ++connections;
  });
  EXPECT_EQ(connections, 1);
}

TEST(Gateway, EndsItsSessionsWhenItStops) {
  HandTurnedGateway daemon;
  RawClient client(daemon);
  client.LogOnAs(7, CredentialKind::kAggregator, true);
  daemon.gateway().RequestStop();
  daemon.AnswerLogon(daemon.NextCommand(), 0, CredentialKind::kDevice,
                     engine::Reason::kNotAuthorised);
  EXPECT_TRUE(client.HearTermination(TerminateReason::kShutdown));
  EXPECT_GT(client.reconnect_after_ms, 0U);
  EXPECT_EQ(daemon.NextCommand().header().type, CommandType::kDisconnect);
  client.Close();
  EXPECT_TRUE(daemon.TurnUntil([&] { return daemon.gateway().stopped(); }));
}

TEST(Gateway, AnswersWhatItHasTakenBeforeItEndsItsSessions) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.drain_timeout = std::chrono::milliseconds(60'000);
  HandTurnedGateway daemon(options);
  RawClient client(daemon);
  client.LogOnAs(7);
  client.Submit(1);
  const SentCommand taken = daemon.NextCommand();
  daemon.gateway().RequestStop();
  const SentCommand last = daemon.NextCommand();  // Its answer comes behind the other.
  EXPECT_EQ(last.header().type, CommandType::kLogon);
  client.Submit(2);  // Is not read any more.
  for (int turns = 0; turns < 50; ++turns) daemon.gateway().Turn();
  EXPECT_FALSE(daemon.HasCommand());
  daemon.Send(daemon.Accepted(taken));
  daemon.AnswerLogon(last, 0, CredentialKind::kDevice, engine::Reason::kNotAuthorised);
  EXPECT_TRUE(client.HearTermination(TerminateReason::kShutdown));
  EXPECT_EQ(client.answers.size(), 1U);
}

TEST(Gateway, EndsItsSessionsInTimeThoughTheShardDoesNotAnswer) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.drain_timeout = std::chrono::milliseconds(20);
  HandTurnedGateway daemon(options);
  RawClient client(daemon);
  client.LogOnAs(7);
  daemon.gateway().RequestStop();
  EXPECT_TRUE(client.HearTermination(TerminateReason::kShutdown));
}

// One that hears that it is over, and stays.
TEST(Gateway, ClosesAConnectionThatDoesNotGoWhenItIsTold) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.closing_timeout = std::chrono::milliseconds(50);
  HandTurnedGateway daemon(options);
  RawClient client(daemon);
  client.LogOnAs(7);
  client.LogOn();  // A second time.
  EXPECT_TRUE(client.HearTermination(TerminateReason::kAlreadyLoggedOn));
  EXPECT_EQ(daemon.gateway().counters().sessions.value(), 1U);
  EXPECT_TRUE(daemon.TurnUntil([&] { return daemon.gateway().counters().sessions.value() == 0; }));
  EXPECT_EQ(daemon.admission().connections(), 0U);
}

// Two threads of one daemon, of which each hears its own logon first.
TEST(Gateway, KeepsTheNewerOfTwoLogonsThatCross) {
  HandTurnedGateway one;
  HandTurnedGateway other;
  one.gateway().SetPeers({&one.gateway(), &other.gateway()});
  other.gateway().SetPeers({&one.gateway(), &other.gateway()});
  one.SetLogons(4);
  other.SetLogons(5);
  RawClient older(one);
  older.LogOn();
  const SentCommand older_logon = one.NextCommand();
  RawClient newer(other);
  newer.LogOnAs(7);
  one.AnswerLogon(older_logon, 7);
  EXPECT_TRUE(older.HearTermination(TerminateReason::kSuperseded));
  newer.Submit(1);
  other.Send(other.Accepted(other.NextCommand()));
  EXPECT_TRUE(newer.HearUntil([&] { return newer.answers.size() == 1; }));
}

TEST(Gateway, EndsASessionWhoseEventsGoToAConnectionThatHasGone) {
  HandTurnedGateway one;
  HandTurnedGateway other;
  one.gateway().SetPeers({&one.gateway(), &other.gateway()});
  other.gateway().SetPeers({&one.gateway(), &other.gateway()});
  RawClient older(one);
  older.LogOnAs(7, CredentialKind::kAggregator, /*cancel_on_disconnect=*/true);
  {
    RawClient gone(other);
    gone.LogOn();
    const SentCommand logon = other.NextCommand();
    gone.Close();
    ASSERT_TRUE(other.TurnUntil([&] { return other.gateway().counters().sessions.value() == 0; }));
    other.SetLogons(1);
    other.AnswerLogon(logon, 7);
  }
  ASSERT_TRUE(other.TurnUntil([&] { return !other.HasEvents(); }));
  EXPECT_TRUE(older.HearTermination(TerminateReason::kInternal));
  EXPECT_GT(older.reconnect_after_ms, 0U);
  // Its orders go, as it had asked: nobody is there who has taken over.
  const SentCommand disconnect = one.NextCommand();
  ASSERT_EQ(disconnect.header().type, CommandType::kDisconnect);
  EXPECT_EQ(disconnect.view().Items<engine::DisconnectBody>()[0].logon, 2U);
}

// The answer to its Logon comes in the very turn in which the gateway hears that it has gone.
TEST(Gateway, BindsNoSessionThatIsClosedInTheSameTurn) {
  HandTurnedGateway one;
  HandTurnedGateway other;
  one.gateway().SetPeers({&one.gateway(), &other.gateway()});
  other.gateway().SetPeers({&one.gateway(), &other.gateway()});
  RawClient older(one);
  older.LogOnAs(7);
  RawClient gone(other);
  gone.LogOn();
  const SentCommand logon = other.NextCommand();
  gone.Close();
  other.ForEachConnection([](int fd) {
    pollfd end{.fd = fd, .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&end, 1, 10'000), 1);
  });
  other.SetLogons(1);
  other.AnswerLogon(logon, 7);
  other.gateway().Turn();
  EXPECT_FALSE(other.HasEvents());
  EXPECT_EQ(other.gateway().counters().sessions.value(), 0U);
  EXPECT_TRUE(older.HearTermination(TerminateReason::kInternal));
}

TEST(Gateway, ServesHundredsOfConnections) {
  HandTurnedGateway daemon(HandTurnedGateway::Quick(), {});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::uint32_t i = 1; i <= 300; ++i) {
    clients.push_back(std::make_unique<RawClient>(daemon));
    clients.back()->LogOnAs(i);
  }
  EXPECT_EQ(daemon.gateway().counters().sessions.value(), 300U);
  for (const auto& client : clients) client->Submit(1);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    daemon.Send(daemon.Accepted(daemon.NextCommand()));
  }
  for (const auto& client : clients) {
    EXPECT_TRUE(client->HearUntil([&] { return client->answers.size() == 1; }));
  }
}

}  // namespace
}  // namespace gateway
