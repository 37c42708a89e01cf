#include "gateway/client/blocking_client.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/gateway_thread.h"
#include "tests/gateway/hand_turned_gateway.h"

namespace gateway {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kNoPatience{10};

using engine::CommandType;

// A gateway in its thread, and a shard in another that does with each command but a logon what the
// test says.
class Served {
 public:
  using Serve = std::function<void(HandTurnedGateway&, const SentCommand&)>;

  explicit Served(Serve serve, const GatewayOptions& options = HandTurnedGateway::Quick(),
                  engine::CredentialKind kind = engine::CredentialKind::kAggregator)
      : serve_(std::move(serve)),
        kind_(kind),
        daemon_(options),
        gateway_(daemon_.gateway()),
        shard_([this](const std::stop_token& stop) { Run(stop); }) {}
  ~Served() { gateway_.EndSessions(); }

  std::unique_ptr<BlockingClient> Connect(std::uint32_t window = 32) {
    ClientOptions options;
    options.port = daemon_.port();
    options.token = "pw_secret";
    options.window = window;
    auto client = BlockingClient::Connect(options, kPatience);
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }

 private:
  void Run(const std::stop_token& stop) {
    std::uint64_t expected = 1;
    while (!stop.stop_requested()) {
      if (!daemon_.HasCommand()) {
        std::this_thread::yield();
        continue;
      }
      const SentCommand command = daemon_.TakeCommand();
      if (command.header().type == CommandType::kLogon) {
        daemon_.AnswerLogon(command, 7, kind_, engine::Reason::kNone, expected);
      } else if (command.header().type != CommandType::kDisconnect) {
        serve_(daemon_, command);
      }
      if (command.header().type == CommandType::kSubmitOrders) {
        expected = command.header().client_seq + 1;
      }
    }
  }

  Serve serve_;
  engine::CredentialKind kind_;
  HandTurnedGateway daemon_;  // Turned by its thread here.
  GatewayThread gateway_;
  std::jthread shard_;
};

std::vector<engine::OrderBody> OneOrder() { return std::vector<engine::OrderBody>(1); }

// One order of a list, and its end.
void List(HandTurnedGateway& daemon, const SentCommand& command, std::uint64_t client_order_id,
          std::uint64_t query) {
  engine::Event order;
  order.type = engine::EventType::kOpenOrder;
  order.credential = command.header().credential;
  order.open_order = {};
  order.open_order.client_order_id = engine::ClientOrderId(client_order_id);
  daemon.Send(order);
  engine::Event end = order;
  end.type = engine::EventType::kOpenOrdersEnd;
  end.list_end = {.query = query, .told = 1};
  daemon.Send(end);
}

TEST(BlockingClient, MakesNoRequestWhereTheWindowIsFullOfUnansweredOnes) {
  Served served([](HandTurnedGateway&, const SentCommand&) {});
  const auto client = served.Connect(2);
  ASSERT_NE(client, nullptr);
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = client->Submit(OneOrder(), kNoPatience).status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  }
  const absl::Status status = client->Submit(OneOrder(), kNoPatience).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST(BlockingClient, WaitsForRoomAndThenForTheAnswerToItsOwnRequest) {
  std::atomic<bool> answers = false;
  Served served([&](HandTurnedGateway& daemon, const SentCommand& command) {
    while (!answers) std::this_thread::yield();
    daemon.Send(daemon.Accepted(command));
  });
  const auto client = served.Connect(1);
  ASSERT_NE(client, nullptr);
  EXPECT_TRUE(absl::IsDeadlineExceeded(client->Submit(OneOrder(), kNoPatience).status()));
  answers = true;
  const auto answer = client->Submit(OneOrder(), kPatience);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->answer.client_seq, 2U);
}

TEST(BlockingClient, TellsARefusalOfTheGatewayAndGoesOn) {
  Served served([](HandTurnedGateway& daemon, const SentCommand& command) {
    daemon.Send(daemon.Accepted(command));
  });
  const auto client = served.Connect();
  ASSERT_NE(client, nullptr);
  std::vector<engine::OrderBody> nonsense(1);
  nonsense[0].side = static_cast<engine::Side>(7);
  for (int i = 0; i < 3; ++i) {
    const auto refused = client->Submit(nonsense, kPatience);
    ASSERT_TRUE(refused.ok()) << refused.status();
    EXPECT_EQ(refused->answer.reason, engine::Reason::kBadSide);
    EXPECT_FALSE(refused->sequenced);
  }
  const auto answer = client->Submit(OneOrder(), kPatience);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->sequenced);
  EXPECT_EQ(answer->answer.client_seq, 1U);
}

TEST(BlockingClient, ListsNoOrdersThatBelongToAnotherQuestion) {
  Served served([](HandTurnedGateway& daemon, const SentCommand& command) {
    const std::uint64_t query = command.header().client_seq;
    List(daemon, command, 99, query - 1);  // Asked on a connection before this one.
    List(daemon, command, 1, query);
  });
  const auto client = served.Connect();
  ASSERT_NE(client, nullptr);
  const auto orders = client->ListOpenOrders({}, kPatience);
  ASSERT_TRUE(orders.ok()) << orders.status();
  ASSERT_EQ(orders->size(), 1U);
  EXPECT_EQ((*orders)[0].client_order_id, engine::ClientOrderId(1));
}

TEST(BlockingClient, AsksAgainForAListThatWasLostWithItsConnection) {
  bool dropped = false;
  Served served([&](HandTurnedGateway& daemon, const SentCommand& command) {
    if (!std::exchange(dropped, true)) {
      daemon.DropConnections();
    } else {
      List(daemon, command, 1, command.header().client_seq);
    }
  });
  const auto client = served.Connect();
  ASSERT_NE(client, nullptr);
  const auto orders = client->ListOpenOrders({}, kPatience);
  ASSERT_TRUE(orders.ok()) << orders.status();
  EXPECT_EQ(orders->size(), 1U);
}

TEST(BlockingClient, AsksAgainForAListThatWasThrottled) {
  GatewayOptions options = HandTurnedGateway::Quick();
  options.device_orders_per_second = 100;
  const auto serve = [](HandTurnedGateway& daemon, const SentCommand& command) {
    if (command.header().type == CommandType::kListOpenOrders) {
      List(daemon, command, 1, command.header().client_seq);
    } else {
      daemon.Send(daemon.Accepted(command));
    }
  };
  Served served(serve, options, engine::CredentialKind::kDevice);
  const auto client = served.Connect();
  ASSERT_NE(client, nullptr);
  const std::vector<engine::OrderBody> orders(60);  // Twice, they are more than a second's worth.
  ASSERT_TRUE(client->Submit(orders, kPatience).ok());
  ASSERT_TRUE(client->Submit(orders, kPatience).ok());
  const auto listed = client->ListOpenOrders({}, kPatience);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->size(), 1U);
}

ClientEvent Numbered(std::uint64_t number) { return {number, engine::FillEvent{}}; }
ClientEvent Unnumbered() { return {0, engine::IndicativeEvent{}}; }

TEST(BlockingClient, SaysWhyItDidNotReachTheDaemonInTime) {
  const auto client = BlockingClient::Connect({.port = 1, .token = "pw_secret"}, kNoPatience);
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.status()));
  EXPECT_EQ(client.status().message(),
            "no answer in time: cannot connect to 127.0.0.1:1: Connection refused");
}

TEST(EventBacklog, GivesEventsBackInTheOrderInWhichTheyCame) {
  EventBacklog backlog;
  for (const ClientEvent& event : {Numbered(1), Unnumbered(), Numbered(2)}) backlog.Push(event);
  EXPECT_EQ(backlog.Pop()->number, 1U);
  EXPECT_EQ(backlog.Pop()->number, 0U);
  EXPECT_EQ(backlog.Pop()->number, 2U);
  EXPECT_FALSE(backlog.Pop());
}

TEST(EventBacklog, CountsTheOldestNumberedEventsThatHadToGo) {
  EventBacklog backlog;
  for (std::uint64_t i = 1; i <= EventBacklog::kNumberedMax + 3; ++i) backlog.Push(Numbered(i));
  EXPECT_EQ(backlog.dropped(), 3U);
  EXPECT_EQ(backlog.Pop()->number, 4U);
}

TEST(EventBacklog, LosesNoNumberedEventToOthers) {
  EventBacklog backlog;
  backlog.Push(Numbered(1));
  for (std::size_t i = 0; i < 2 * EventBacklog::kUnnumberedMax; ++i) backlog.Push(Unnumbered());
  EXPECT_EQ(backlog.Pop()->number, 1U);
  std::size_t others = 0;
  while (backlog.Pop()) ++others;
  EXPECT_EQ(others, EventBacklog::kUnnumberedMax);
  EXPECT_EQ(backlog.dropped(), 0U);
}

}  // namespace
}  // namespace gateway
