// What is behind a Client: its connections one after the other, and the protocol on them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/budget.h"
#include "gateway/client/client.h"
#include "gateway/client/resend_queue.h"
#include "gateway/connection.h"

namespace gateway {

// The reactor's operations hold it, so it may outlive the client, the handler and the desk: after
// Abandon() it touches none of them.
//
// Thread: that of the desk's io_context.
class ClientSession final : public FrameSink,
                            public MessageHandler,
                            public std::enable_shared_from_this<ClientSession> {
 public:
  ClientSession(ClientDesk& desk, const ClientOptions& options, ClientHandler& handler);

  // Requires: not yet called.
  void Start();
  void Stop();
  void Abandon();  // No more calls of the handler.

  bool ready() const { return ready_; }
  std::size_t unanswered() const { return requests_.size(); }
  bool HasRoom() const { return next_seq() != 0 && requests_.size() < options_.window; }
  std::uint32_t max_client_frame_bytes() const { return max_client_frame_bytes_; }
  RequestBuilder& builder() { return desk_.builder; }
  std::uint64_t next_seq() const { return requests_.next_seq(); }

  // Keeps a frame made with next_seq() and sends it when its turn has come.
  std::uint64_t Send(Bytes frame);
  void SendUnnumbered(const Bytes& frame);

 private:
  using Tcp = boost::asio::ip::tcp;
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  static boost::asio::awaitable<void> Run(std::shared_ptr<ClientSession> self);
  boost::asio::awaitable<bool> Connect();
  boost::asio::awaitable<void> Talk();
  boost::asio::awaitable<bool> Secure();
  boost::asio::awaitable<bool> ConnectTo(Tcp::endpoint endpoint);
  boost::asio::awaitable<void> ReadUntilEnd();
  boost::asio::awaitable<void> Pause();
  void LogOn();
  void Disconnected();
  std::string CannotConnect(std::string_view why) const;
  void GiveUp(std::string_view why);  // For good.
  bool Connected() { return connection_ && connection_->socket().is_open(); }

  void Flush();
  void ScheduleFlush();
  void ScheduleHeartbeat();
  void ScheduleResend();
  void ResendAll();

  void SetDeadline(Milliseconds from_now);
  void WatchDeadline();
  void OnDeadline();

  void OnRead() override;
  bool OnFrame(const Frame& frame) override;
  std::uint32_t max_frame_bytes() const override { return kFrameBytesMax; }

  void OnLogonAnswer(const LogonAnswerMessage& message) override;
  void OnAnswer(const AnswerMessage& message) override;
  void OnTerminate(const TerminateMessage& message) override;
  void OnHeartbeat(std::int64_t time_ns) override { handler_->OnHeartbeat(time_ns); }
  void OnOpenOrders(const OpenOrdersMessage& message) override { handler_->OnOpenOrders(message); }
  void OnRoundCleared(std::uint64_t event, const engine::RoundClearedEvent& round) override {
    handler_->OnRoundCleared(event, round);
    options_.next_event = event + 1;
  }
  void OnFills(std::uint64_t first, std::span<const engine::FillEvent> fills) override {
    handler_->OnFills(first, fills);
    options_.next_event = first + fills.size();
  }
  void OnRoundVoid(std::uint64_t event, const engine::RoundVoidEvent& round) override {
    handler_->OnRoundVoid(event, round);
    options_.next_event = event + 1;
  }
  void OnOrderCancelled(std::uint64_t event, const engine::OrderCancelledEvent& order) override {
    handler_->OnOrderCancelled(event, order);
    options_.next_event = event + 1;
  }
  void OnProductOpened(const engine::ProductOpenedEvent& product) override {
    handler_->OnProductOpened(product);
  }
  void OnProductsEnd(const engine::ListEndEvent& end) override { handler_->OnProductsEnd(end); }
  void OnPriceCalls(std::span<const engine::PriceCallEvent> calls) override {
    handler_->OnPriceCalls(calls);
  }
  void OnLottery(const engine::LotteryEvent& lottery) override { handler_->OnLottery(lottery); }
  void OnIndicative(const engine::IndicativeEvent& indicative) override {
    handler_->OnIndicative(indicative);
  }

  boost::asio::io_context& io_;
  ClientDesk& desk_;
  ClientOptions options_;
  ClientHandler* handler_;
  ClientHandler deaf_;  // Takes the calls after Abandon().
  Budget budget_{UINT64_MAX / 2};
  std::optional<Tcp::socket> attempt_;  // While it connects.
  bool reached_ = false;                // The connection of this turn of Run came about.
  std::optional<Connection> connection_;
  boost::asio::steady_timer timer_;  // Heartbeats, or the pause before the next connection.
  boost::asio::steady_timer resend_;
  boost::asio::steady_timer deadline_;  // Wakes up at or before deadline_at_.
  Clock::time_point deadline_at_ = Clock::time_point::max();
  ResendQueue requests_;
  std::uint32_t max_client_frame_bytes_ = kDeviceFrameBytesMax;
  std::chrono::seconds heartbeat_{0};
  Milliseconds silence_{0};
  Milliseconds backoff_;
  Milliseconds told_pause_{0};  // By a Terminate.
  Clock::time_point logged_on_at_;
  std::string why_;
  bool started_ = false;
  bool ready_ = false;
  bool stopping_ = false;
  bool refused_ = false;  // The daemon will not have this client again as it is.
  bool flush_waits_ = false;
  bool write_waits_ = false;
  bool write_failed_ = false;  // On this connection.
};

}  // namespace gateway
