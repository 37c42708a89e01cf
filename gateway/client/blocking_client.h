// A client for programs that do one thing at a time: each call waits for what it asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/client/client.h"
#include "gateway/client/event_backlog.h"

namespace gateway {

struct BlockingAnswer {
  engine::AnswerEvent answer;
  bool sequenced = false;
  std::vector<engine::Refusal> refused;
};

// Reconnects, resends and shows life inside its calls, as Client does, and only there.
//
// DeadlineExceeded: the request was made and may still be done; its answer is not kept for later.
// Unavailable: the daemon will not have this client any more; or as many requests as the window has
// are still unanswered after all the time, and this one was not made. The message says which.
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
  absl::StatusOr<BlockingAnswer> ReplyQuantities(std::span<const engine::QuantityBody> answers,
                                                 Timeout timeout);
  absl::StatusOr<std::vector<engine::OpenOrderEvent>> ListOpenOrders(
      const engine::OrderScopeBody& scope, Timeout timeout);

  // The oldest event that was not taken; none where none has come in time. Events that come during
  // other calls wait here, as many as EventBacklog keeps.
  std::optional<ClientEvent> NextEvent(Timeout timeout);
  // Numbered events that nobody took in time, since it began.
  std::uint64_t events_dropped() const { return events_.dropped(); }

  // Of the last logon.
  const LogonAnswerMessage& logon() const { return logon_; }
  const std::vector<engine::MarketId>& markets() const { return markets_; }
  std::size_t orders_a_frame() const { return client_.orders_a_frame(); }

 private:
  explicit BlockingClient(const ClientOptions& options);

  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Listing : std::uint8_t { kNone, kAsked, kLost, kAnswered, kRefused };

  template <typename Done>
  absl::Status WaitUntil(Done done, TimePoint end);
  template <typename Make>
  absl::StatusOr<BlockingAnswer> Ask(Make make, Timeout timeout);
  absl::Status AskForOrders(const engine::OrderScopeBody& scope, TimePoint end);

  void OnLogonAnswer(const LogonAnswerMessage& message) override;
  void OnDisconnected(std::string_view why, bool again) override;
  void OnAnswer(const AnswerMessage& message) override;
  void OnListRefused(const AnswerMessage& message);
  void OnOpenOrders(const OpenOrdersMessage& message) override;
  void OnRoundCleared(std::uint64_t event, const engine::RoundClearedEvent& round) override;
  void OnFills(std::uint64_t first_event, std::span<const engine::FillEvent> fills) override;
  void OnRoundVoid(std::uint64_t event, const engine::RoundVoidEvent& round) override;
  void OnOrderCancelled(std::uint64_t event, const engine::OrderCancelledEvent& order) override;
  void OnProductOpened(const engine::ProductOpenedEvent& product) override;
  void OnIndicative(const engine::IndicativeEvent& indicative) override;
  void OnLottery(const engine::LotteryEvent& lottery) override;
  void OnPriceCalls(std::span<const engine::PriceCallEvent> calls) override;

  boost::asio::io_context io_;
  ClientDesk desk_;
  Client client_;
  LogonAnswerMessage logon_;
  std::vector<engine::MarketId> markets_;
  std::string over_;           // Why the client will not connect again; empty while it does.
  std::string trouble_;        // Why there is no connection; empty while there is one.
  std::uint64_t awaited_ = 0;  // The request that a call waits for; 0: none.
  std::optional<BlockingAnswer> answer_;
  EventBacklog events_;
  std::uint64_t query_;
  Listing listing_ = Listing::kNone;
  engine::Reason list_reason_{};            // With kRefused.
  std::chrono::milliseconds list_retry_{};  // With kLost.
  std::vector<engine::OpenOrderEvent> open_orders_;
};

}  // namespace gateway
