// The client's side of the wire: requests become frames, the daemon's frames become calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "engine/core/command.h"
#include "engine/core/event.h"
#include "gateway/codec.h"
#include "gateway/frame_builder.h"

namespace gateway {

// Each function appends one whole frame to `out`. The same arguments make the same bytes.
// Thread: one owner.
class RequestBuilder {
 public:
  RequestBuilder();
  ~RequestBuilder();
  RequestBuilder(const RequestBuilder&) = delete;
  RequestBuilder& operator=(const RequestBuilder&) = delete;

  void Logon(const LogonRequest& logon, Bytes& out);
  void Logout(Bytes& out);
  void Heartbeat(Bytes& out);

  // Requires: kSubmitOrders or kReplaceOrders; client_seq from 1; 1 to kFrameOrdersMax orders, and
  //           no more than fit into the frame that the daemon takes from this client.
  void Orders(engine::CommandType type, std::uint64_t client_seq,
              std::span<const engine::OrderBody> orders, Bytes& out);
  // Requires: the same.
  void CancelOrders(std::uint64_t client_seq, std::span<const engine::OrderKeyBody> keys,
                    Bytes& out);
  void CancelAll(std::uint64_t client_seq, const engine::OrderScopeBody& scope, Bytes& out);
  // Requires: as Orders().
  void QuantityReply(std::uint64_t client_seq, std::span<const engine::QuantityBody> answers,
                     Bytes& out);
  void ListOpenOrders(std::uint64_t query, const engine::OrderScopeBody& scope, Bytes& out);
  void ListProducts(std::uint64_t query, engine::MarketId market, Bytes& out);  // 0: all.

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// So many orders fit into a frame of `max_frame_bytes`.
std::size_t OrdersAFrame(std::uint32_t max_frame_bytes);
std::size_t KeysAFrame(std::uint32_t max_frame_bytes);
std::size_t QuantitiesAFrame(std::uint32_t max_frame_bytes);

// An Answer. `message` is the frame's type that it answers.
struct AnswerMessage {
  engine::AnswerEvent answer;
  MessageType message{};
  bool sequenced = false;
  std::uint32_t retry_after_ms = 0;
  std::span<const engine::Refusal> refused;
};

struct TerminateMessage {
  TerminateReason reason{};
  std::uint32_t reconnect_after_ms = 0;
  std::string_view text;
};

// Who is told what the daemon says. Spans and texts live until the call returns.
class MessageHandler {
 public:
  MessageHandler() = default;
  MessageHandler(const MessageHandler&) = delete;
  MessageHandler& operator=(const MessageHandler&) = delete;
  virtual ~MessageHandler() = default;

  virtual void OnLogonAnswer(const LogonAnswerMessage& /*message*/) {}
  virtual void OnHeartbeat(std::int64_t /*server_time_ns*/) {}
  virtual void OnAnswer(const AnswerMessage& /*message*/) {}
  virtual void OnOpenOrders(const OpenOrdersMessage& /*message*/) {}
  virtual void OnRoundCleared(std::uint64_t /*event*/, const engine::RoundClearedEvent& /*round*/) {
  }
  // Fills have the event numbers first_event, first_event + 1, ...
  virtual void OnFills(std::uint64_t /*first_event*/,
                       std::span<const engine::FillEvent> /*fills*/) {}
  virtual void OnRoundVoid(std::uint64_t /*event*/, const engine::RoundVoidEvent& /*round*/) {}
  virtual void OnOrderCancelled(std::uint64_t /*event*/,
                                const engine::OrderCancelledEvent& /*order*/) {}
  virtual void OnProductOpened(const engine::ProductOpenedEvent& /*product*/) {}
  virtual void OnProductsEnd(const engine::ListEndEvent& /*end*/) {}
  virtual void OnIndicative(const engine::IndicativeEvent& /*indicative*/) {}
  virtual void OnLottery(const engine::LotteryEvent& /*lottery*/) {}
  // Of one step of one product.
  virtual void OnPriceCalls(std::span<const engine::PriceCallEvent> /*calls*/) {}
  virtual void OnTerminate(const TerminateMessage& /*message*/) {}
};

// Calls the one function of `handler` that the frame is for.
// Ensures: false where the body is not a valid message of its type. Types that this version does
//          not know are passed over: a newer daemon may send them.
bool Deliver(const Frame& frame, MessageHandler& handler);

}  // namespace gateway
