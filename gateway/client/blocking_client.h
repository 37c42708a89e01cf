// A client for programs that do one thing at a time: each call waits for what it asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/client/client.h"

namespace gateway {

struct BlockingAnswer {
  engine::AnswerEvent answer;
  bool sequenced = false;
  std::vector<engine::Refusal> refused;
};

// A numbered event with what it says; or what all in a market are told, with number 0.
struct ClientEvent {
  std::uint64_t number = 0;
  std::variant<engine::RoundClearedEvent, engine::FillEvent, engine::RoundVoidEvent,
               engine::OrderCancelledEvent, engine::ProductOpenedEvent, engine::IndicativeEvent>
      event;
};

// Reconnects and resends inside its calls, as Client does. DeadlineExceeded: the request may still
// be done. Unavailable: the daemon will not have this client.
//
// Thread: one owner.
class BlockingClient final : private ClientHandler {
 public:
  using Timeout = std::chrono::milliseconds;

  // Ensures: logged on.
  static absl::StatusOr<std::unique_ptr<BlockingClient>> Connect(const ClientOptions& options,
                                                                 Timeout timeout);
  ~BlockingClient() override;

  // Requires: as many as Client takes in one frame.
  absl::StatusOr<BlockingAnswer> Submit(std::span<const engine::OrderBody> orders, Timeout timeout);
  absl::StatusOr<BlockingAnswer> Replace(std::span<const engine::OrderBody> orders,
                                         Timeout timeout);
  absl::StatusOr<BlockingAnswer> Cancel(std::span<const engine::OrderKeyBody> keys,
                                        Timeout timeout);
  absl::StatusOr<BlockingAnswer> CancelAll(const engine::OrderScopeBody& scope, Timeout timeout);
  absl::StatusOr<std::vector<engine::OpenOrderEvent>> ListOpenOrders(
      const engine::OrderScopeBody& scope, Timeout timeout);

  // The oldest event that was not taken; none where none has come in time.
  std::optional<ClientEvent> NextEvent(Timeout timeout);

  // Of the last logon.
  const LogonAnswerMessage& logon() const { return logon_; }
  const std::vector<engine::MarketId>& markets() const { return markets_; }
  std::size_t orders_a_frame() const { return client_.orders_a_frame(); }

 private:
  explicit BlockingClient(const ClientOptions& options);

  template <typename Done>
  absl::Status WaitFor(Done done, Timeout timeout);
  absl::StatusOr<BlockingAnswer> AnswerTo(std::uint64_t client_seq, Timeout timeout);
  absl::Status WaitUntilReady(Timeout timeout);

  void OnLogonAnswer(const LogonAnswerMessage& message) override;
  void OnDisconnected(std::string_view why, bool again) override;
  void OnAnswer(const AnswerMessage& message) override;
  void OnOpenOrders(const OpenOrdersMessage& message) override;
  void OnRoundCleared(std::uint64_t event, const engine::RoundClearedEvent& round) override;
  void OnFills(std::uint64_t first_event, std::span<const engine::FillEvent> fills) override;
  void OnRoundVoid(std::uint64_t event, const engine::RoundVoidEvent& round) override;
  void OnOrderCancelled(std::uint64_t event, const engine::OrderCancelledEvent& order) override;
  void OnProductOpened(const engine::ProductOpenedEvent& product) override;
  void OnIndicative(const engine::IndicativeEvent& indicative) override;

  boost::asio::io_context io_;
  ClientDesk desk_;
  Client client_;
  LogonAnswerMessage logon_;
  std::vector<engine::MarketId> markets_;
  std::string over_;  // Why the client will not connect again; empty while it does.
  std::deque<BlockingAnswer> answers_;
  std::deque<ClientEvent> events_;
  std::uint64_t query_ = 0;
  std::uint64_t answered_query_ = 0;
  std::vector<engine::OpenOrderEvent> open_orders_;
};

}  // namespace gateway
