#include "gateway/gateway_thread.h"

#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/client/blocking_client.h"
#include "tests/gateway/hand_turned_gateway.h"

namespace gateway {
namespace {

constexpr std::chrono::seconds kPatience{20};

// A gateway in its thread, and a shard in another that logs everyone on and accepts everything.
class Running {
 public:
  Running()
      : gateway_(daemon_.gateway()), shard_([this](const std::stop_token& stop) { Serve(stop); }) {}
  ~Running() { gateway_.EndSessions(); }

  ClientOptions Options() const { return {.port = daemon_.port(), .token = "pw_secret"}; }
  GatewayThread& gateway() { return gateway_; }

 private:
  void Serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!daemon_.HasCommand()) {
        std::this_thread::yield();
        continue;
      }
      const SentCommand command = daemon_.TakeCommand();
      switch (command.header().type) {
        case engine::CommandType::kLogon:
          daemon_.AnswerLogon(command, 7);
          break;
        case engine::CommandType::kListOpenOrders:
          List(command);
          break;
        case engine::CommandType::kDisconnect:
          break;
        default:
          daemon_.Send(daemon_.Accepted(command));
      }
    }
  }
  void List(const SentCommand& command) {
    engine::Event order;
    order.type = engine::EventType::kOpenOrder;
    order.credential = command.header().credential;
    order.open_order = {};
    daemon_.Send(order);
    engine::Event end = order;
    end.type = engine::EventType::kOpenOrdersEnd;
    end.list_end = {.query = command.header().client_seq, .told = 1};
    daemon_.Send(end);
  }

  HandTurnedGateway daemon_;  // Turned by its thread here.
  GatewayThread gateway_;
  std::jthread shard_;
};

TEST(GatewayThread, ServesAClientThatWaitsForEachAnswer) {
  Running running;
  auto client = BlockingClient::Connect(running.Options(), kPatience);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->markets().size(), 1U);
  const std::vector<engine::OrderBody> orders(3);
  for (std::uint64_t seq = 1; seq <= 50; ++seq) {
    const auto answer = (*client)->Submit(orders, kPatience);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->answer.client_seq, seq);
    EXPECT_EQ(answer->answer.items, 3U);
    EXPECT_TRUE(answer->sequenced);
  }
  const auto cancelled = (*client)->CancelAll({}, kPatience);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  const auto open = (*client)->ListOpenOrders({}, kPatience);
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->size(), 1U);
}

TEST(GatewayThread, TellsItsClientsWhenItStops) {
  Running running;
  ClientOptions options = running.Options();
  options.reconnect = false;
  auto client = BlockingClient::Connect(options, kPatience);
  ASSERT_TRUE(client.ok()) << client.status();
  std::jthread stopper([&] { running.gateway().EndSessions(); });
  absl::Status answer;
  while (answer.ok()) answer = (*client)->ListOpenOrders({}, kPatience).status();
  EXPECT_TRUE(absl::IsUnavailable(answer)) << answer;
}

TEST(GatewayThread, SaysWhyALogonIsRefused) {
  HandTurnedGateway daemon;
  GatewayThread thread(daemon.gateway());
  std::jthread shard([&] {
    while (!daemon.HasCommand()) std::this_thread::yield();
    daemon.AnswerLogon(daemon.TakeCommand(), 0, engine::CredentialKind::kDevice,
                       engine::Reason::kNotAuthorised);
  });
  const auto client =
      BlockingClient::Connect({.port = daemon.port(), .token = "pw_bad"}, kPatience);
  EXPECT_EQ(client.status(), absl::UnavailableError("not_authorised"));
}

}  // namespace
}  // namespace gateway
