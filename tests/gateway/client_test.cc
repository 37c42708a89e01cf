#include "gateway/client/client.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gateway/hand_turned_gateway.h"

namespace gateway {
namespace {

using engine::Reason;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

class Listening : public ClientHandler {
 public:
  void OnReady() override { ++ready; }
  void OnDisconnected(std::string_view reason, bool will_come) override {
    why = reason;
    again = will_come;
    ++disconnected;
  }
  void OnAnswer(const AnswerMessage& message) override {
    answered.push_back(message.answer.client_seq);
    if (message.answer.reason != Reason::kNone) refused.push_back(message.answer.reason);
  }
  void OnFills(std::uint64_t first, std::span<const engine::FillEvent> some) override {
    first_event = first;
    fills += some.size();
  }

  int ready = 0;
  int disconnected = 0;
  std::string why;
  bool again = false;
  std::vector<std::uint64_t> answered;
  std::vector<Reason> refused;
  std::uint64_t first_event = 0;
  std::size_t fills = 0;
};

// A client, and the daemon's half of its conversation, turned by hand in one thread.
class Conversation {
 public:
  explicit Conversation(std::size_t command_bytes = std::size_t{1} << 18)
      : daemon(HandTurnedGateway::Quick(), {}, std::uint64_t{64} << 20, command_bytes),
        desk(io),
        client(desk, {.port = daemon.port(), .token = "pw_secret"}, heard) {
    client.Start();
  }

  template <typename Done>
  bool Until(Done done) {
    return daemon.TurnUntil([&] {
      io.restart();
      io.poll();
      return done();
    });
  }
  SentCommand NextCommand() {
    EXPECT_TRUE(Until([&] { return daemon.HasCommand(); }));
    return daemon.NextCommand();
  }
  void LogOn(std::uint64_t next_client_seq = 1) {
    const int before = heard.ready;
    daemon.AnswerLogon(NextCommand(), 7, engine::CredentialKind::kAggregator, Reason::kNone,
                       next_client_seq);
    EXPECT_TRUE(Until([&] { return heard.ready == before + 1; }));
  }
  std::uint64_t Submit(std::size_t orders = 1) {
    const std::vector<engine::OrderBody> bodies(orders,
                                                {.account = engine::AccountId(1),
                                                 .client_order_id = engine::ClientOrderId(1),
                                                 .product = {}});
    return client.Submit(bodies);
  }
  // The gateway refuses it: the side is none.
  std::uint64_t SubmitNonsense() {
    const engine::OrderBody order{.account = engine::AccountId(1),
                                  .client_order_id = engine::ClientOrderId(1),
                                  .product = {},
                                  .side = static_cast<engine::Side>(7)};
    return client.Submit({&order, 1});
  }
  // Answers in order of the numbers, as the exchange does, until the client waits for none.
  bool AnswerAll(std::uint64_t expected = 1) {
    return Until([&] {
      if (!daemon.HasCommand()) return client.unanswered() == 0;
      const SentCommand command = daemon.NextCommand();
      const bool next = command.header().client_seq == expected;
      daemon.Send(next ? daemon.Accepted(command) : daemon.Gap(command, expected));
      expected += next ? 1 : 0;
      return false;
    });
  }
  void Answer(const SentCommand& command) { daemon.Send(daemon.Accepted(command)); }

  HandTurnedGateway daemon;
  boost::asio::io_context io;
  ClientDesk desk;
  Listening heard;
  Client client;
};

TEST(Client, NumbersItsRequestsFromWhereTheDaemonIs) {
  Conversation talk;
  talk.LogOn(41);
  EXPECT_EQ(talk.Submit(), 41U);
  EXPECT_EQ(talk.Submit(), 42U);
  for (std::uint64_t seq : {41U, 42U}) {
    const SentCommand command = talk.NextCommand();
    EXPECT_EQ(command.header().client_seq, seq);
    talk.Answer(command);
  }
  EXPECT_TRUE(talk.Until([&] { return talk.heard.answered.size() == 2; }));
  EXPECT_THAT(talk.heard.answered, ElementsAre(41U, 42U));
  EXPECT_EQ(talk.client.unanswered(), 0U);
}

TEST(Client, StaysAwayButKeepsItsRequestsWhereANewerLogonTookOver) {
  Conversation talk;
  talk.LogOn();
  talk.Submit(3);
  talk.Submit(2);
  talk.NextCommand();
  talk.NextCommand();
  RawClient newer(talk.daemon);
  newer.LogOnAs(7);
  ASSERT_TRUE(talk.Until([&] { return talk.heard.disconnected == 1; }));
  EXPECT_EQ(talk.heard.why, "superseded");
  EXPECT_FALSE(talk.heard.again);
  EXPECT_EQ(talk.client.unanswered(), 2U);
}

TEST(Client, SendsUnansweredRequestsAgainWithTheSameBytesAfterAReconnect) {
  Conversation talk;
  talk.LogOn();
  talk.Submit(3);
  talk.Submit(2);
  SentCommand first = talk.NextCommand();
  SentCommand second = talk.NextCommand();
  talk.daemon.DropConnections();
  ASSERT_TRUE(talk.Until([&] { return talk.heard.disconnected == 1; }));
  EXPECT_TRUE(talk.heard.again);
  talk.LogOn(3);
  SentCommand again = talk.NextCommand();
  SentCommand again_second = talk.NextCommand();
  again.memory[1] = first.memory[1];  // The stamp is another.
  again_second.memory[1] = second.memory[1];
  EXPECT_EQ(again.memory, first.memory);
  EXPECT_EQ(again_second.memory, second.memory);
  talk.Answer(again);
  talk.Answer(again);  // The answer to the first sending comes too.
  talk.Answer(again_second);
  ASSERT_TRUE(talk.Until([&] { return talk.client.unanswered() == 0; }));
  EXPECT_THAT(talk.heard.answered, ElementsAre(1U, 2U));
}

TEST(Client, SendsInOrderAgainWhatTheDaemonWasTooBusyFor) {
  Conversation talk(std::size_t{1} << 17);
  talk.LogOn();
  for (int i = 0; i < 8; ++i) talk.Submit(engine::kFrameOrdersMax);
  ASSERT_TRUE(talk.AnswerAll());
  EXPECT_THAT(talk.heard.answered, ElementsAre(1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U));
}

TEST(Client, GoesOnBehindARequestThatUsedUpNoNumber) {
  Conversation talk;
  talk.LogOn();
  talk.Submit(1);
  talk.SubmitNonsense();
  talk.Submit(2);
  talk.Submit(3);
  ASSERT_TRUE(talk.AnswerAll());
  EXPECT_THAT(talk.heard.answered, UnorderedElementsAre(1U, 2U, 3U, 4U));
  EXPECT_THAT(talk.heard.refused, ElementsAre(Reason::kBadSide));
}

TEST(Client, GoesOnBehindARequestThatUsedUpNoNumberAfterAReconnect) {
  Conversation talk;
  talk.LogOn();
  talk.SubmitNonsense();
  talk.Submit(2);
  const SentCommand early = talk.NextCommand();  // Its gap is not told any more.
  EXPECT_EQ(early.header().client_seq, 2U);
  talk.daemon.DropConnections();
  ASSERT_TRUE(talk.Until([&] { return talk.heard.disconnected == 1; }));
  talk.LogOn(1);
  ASSERT_TRUE(talk.AnswerAll());
  EXPECT_THAT(talk.heard.answered, UnorderedElementsAre(1U, 2U));
  EXPECT_THAT(talk.heard.refused, ElementsAre(Reason::kBadSide));
}

TEST(Client, SendsTheNextRequestUnderTheNumberThatARefusedOneHad) {
  Conversation talk;
  talk.LogOn(41);
  EXPECT_EQ(talk.SubmitNonsense(), 41U);
  ASSERT_TRUE(talk.Until([&] { return talk.heard.refused.size() == 1; }));
  EXPECT_EQ(talk.Submit(), 41U);
  const SentCommand command = talk.NextCommand();
  EXPECT_EQ(command.header().client_seq, 41U);
  EXPECT_EQ(command.header().type, engine::CommandType::kSubmitOrders);
}

TEST(Client, StaysAwayFromADaemonThatHasForgottenItsAnswers) {
  Conversation talk;
  talk.LogOn(41);
  talk.Submit();
  talk.NextCommand();
  talk.daemon.DropConnections();
  talk.daemon.AnswerLogon(talk.NextCommand(), 7, engine::CredentialKind::kAggregator, Reason::kNone,
                          3);
  ASSERT_TRUE(talk.Until([&] { return talk.heard.disconnected == 2; }));
  EXPECT_FALSE(talk.heard.again);
  EXPECT_EQ(talk.client.unanswered(), 1U);
}

TEST(Client, DoesNotComeBackAfterARefusedLogon) {
  Conversation talk;
  talk.daemon.AnswerLogon(talk.NextCommand(), 0, engine::CredentialKind::kDevice,
                          Reason::kNotAuthorised);
  ASSERT_TRUE(talk.Until([&] { return talk.heard.disconnected == 1; }));
  EXPECT_FALSE(talk.heard.again);
  EXPECT_EQ(talk.heard.why, "not_authorised");
}

TEST(Client, SaysAfterAReconnectWhichEventComesNext) {
  Conversation talk;
  talk.LogOn();
  engine::Event fill;
  fill.type = engine::EventType::kFill;
  fill.credential = engine::CredentialId(7);
  fill.event_number = 12;
  fill.fill = {};
  talk.daemon.Send(fill);
  ASSERT_TRUE(talk.Until([&] { return talk.heard.fills == 1; }));
  talk.daemon.DropConnections();
  EXPECT_EQ(talk.NextCommand().view().Items<engine::LogonBody>()[0].next_event, 13U);
}

// Though it has heard none: what happens while it is away is told to it then.
TEST(Client, AsksAfterAReconnectForAllSinceItsFirstLogon) {
  Conversation talk;
  talk.daemon.next_event = 9;
  talk.LogOn();
  talk.daemon.DropConnections();
  EXPECT_EQ(talk.NextCommand().view().Items<engine::LogonBody>()[0].next_event, 9U);
}

TEST(Client, LogsOutWhenItStops) {
  Conversation talk;
  talk.LogOn();
  talk.client.Stop();
  ASSERT_TRUE(talk.Until([&] { return talk.heard.disconnected == 1; }));
  EXPECT_EQ(talk.heard.why, "logout");
  EXPECT_FALSE(talk.heard.again);
}

TEST(Client, MayBeDestroyedWhileConnected) {
  Conversation talk;
  talk.LogOn();
  auto other = std::make_unique<Client>(
      talk.desk, ClientOptions{.port = talk.daemon.port(), .token = "pw_other"}, talk.heard);
  other->Start();
  talk.daemon.AnswerLogon(talk.NextCommand(), 9);
  ASSERT_TRUE(talk.Until([&] { return other->ready(); }));
  other.reset();
  EXPECT_TRUE(talk.Until([&] { return talk.daemon.gateway().counters().sessions.value() == 1; }));
}

}  // namespace
}  // namespace gateway
