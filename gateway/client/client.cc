#include "gateway/client/client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/core/check.h"
#include "engine/core/limits.h"
#include "gateway/client/resend_queue.h"
#include "gateway/connection.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using engine::Reason;
using std::chrono::milliseconds;
using Tcp = asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds kBackoffMin{50};
constexpr milliseconds kBackoffMax{5'000};

}  // namespace

class Client::Impl final : public FrameSink, public MessageHandler {
 public:
  Impl(ClientDesk& desk, const ClientOptions& options, ClientHandler& handler)
      : desk_(desk), options_(options), handler_(&handler), timer_(desk.io), resend_(desk.io) {
    CHECK(options.window >= 1 && options.window <= engine::kAnswersKept);
  }

  static asio::awaitable<void> Run(std::shared_ptr<Impl> self);
  void Stop();
  void Abandon();  // No more calls of the handler.

  bool ready() const { return ready_; }
  std::size_t unanswered() const { return unanswered_.size(); }
  bool HasRoom() const { return next_seq() != 0 && unanswered_.size() < options_.window; }
  std::uint32_t max_client_frame_bytes() const { return max_client_frame_bytes_; }
  RequestBuilder& builder() { return desk_.builder; }
  asio::io_context& io() { return desk_.io; }
  std::uint64_t next_seq() const { return unanswered_.next_seq(); }

  // Keeps a frame made with next_seq() and sends it when its turn has come.
  std::uint64_t Send(Bytes frame, const std::shared_ptr<Impl>& self);
  void SendUnnumbered(const Bytes& frame, const std::shared_ptr<Impl>& self);

 private:
  asio::awaitable<std::optional<Tcp::socket>> Connect();
  asio::awaitable<void> ReadUntilEnd(std::shared_ptr<Impl> self);
  asio::awaitable<void> Pause();
  void LogOn(const std::shared_ptr<Impl>& self);
  void Flush(const std::shared_ptr<Impl>& self);
  void ScheduleFlush(const std::shared_ptr<Impl>& self);
  void ScheduleHeartbeat(const std::shared_ptr<Impl>& self);
  void ScheduleResend();
  void ResendAll(const std::shared_ptr<Impl>& self);
  void Disconnected();
  void GiveUp(std::string_view why);

  void OnRead() override {}
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
  void OnIndicative(const engine::IndicativeEvent& indicative) override {
    handler_->OnIndicative(indicative);
  }

  ClientDesk& desk_;
  ClientOptions options_;
  ClientHandler* handler_;
  ClientHandler deaf_;  // Takes the calls after Abandon().
  std::optional<Connection> connection_;
  asio::steady_timer timer_;  // Heartbeats, or the pause before the next connection.
  asio::steady_timer resend_;
  ResendQueue unanswered_{desk_.builder};
  std::weak_ptr<Impl> self_;
  std::uint32_t max_client_frame_bytes_ = kDeviceFrameBytesMax;
  std::uint16_t heartbeat_s_ = 0;
  milliseconds backoff_ = kBackoffMin;
  std::string why_;
  bool ready_ = false;
  bool stopping_ = false;
  bool refused_ = false;  // The daemon will not have this client again as it is.
  bool flush_waits_ = false;
  bool write_waits_ = false;
};

asio::awaitable<void> Client::Impl::Run(std::shared_ptr<Impl> self) {
  self->self_ = self;
  while (!self->stopping_) {
    self->why_ = "cannot connect";
    std::optional<Tcp::socket> socket = co_await self->Connect();
    if (socket && !self->stopping_) {
      CHECK(self->desk_.budget.TakeConnection());
      self->connection_.emplace(std::move(*socket), self->desk_.budget);
      self->why_ = "connection lost";
      self->LogOn(self);
      co_await self->ReadUntilEnd(self);
    }
    self->Disconnected();
    if (self->refused_ || !self->options_.reconnect || self->stopping_) break;
    co_await self->Pause();
  }
}

asio::awaitable<std::optional<Tcp::socket>> Client::Impl::Connect() {
  error_code parse_error;
  const auto address = asio::ip::make_address(options_.host, parse_error);
  Tcp::socket socket(desk_.io);
  if (!parse_error) {
    const auto [error] = co_await socket.async_connect({address, options_.port}, kAwait);
    if (error) co_return std::nullopt;
    co_return socket;
  }
  Tcp::resolver resolver(desk_.io);
  const auto [error, found] =
      co_await resolver.async_resolve(options_.host, std::to_string(options_.port), kAwait);
  if (error) co_return std::nullopt;
  for (const auto& entry : found) {
    Tcp::socket attempt(desk_.io);
    const auto [connect_error] = co_await attempt.async_connect(entry.endpoint(), kAwait);
    if (!connect_error) co_return attempt;
  }
  co_return std::nullopt;
}

void Client::Impl::LogOn(const std::shared_ptr<Impl>& self) {
  desk_.builder.Logon({.token = options_.token,
                       .next_client_seq = next_seq(),
                       .next_event = options_.next_event,
                       .heartbeat_s = options_.heartbeat_s,
                       .cancel_on_disconnect = options_.cancel_on_disconnect},
                      connection_->output());
  Flush(self);
}

asio::awaitable<void> Client::Impl::ReadUntilEnd(std::shared_ptr<Impl> self) {
  using Result = Connection::ReadResult;
  while (connection_->socket().is_open()) {
    const auto [error] = co_await connection_->socket().async_wait(Tcp::socket::wait_read, kAwait);
    if (error) break;
    const Result result = connection_->Read(desk_.scratch, *this);
    if (result != Result::kMore && result != Result::kNothing) break;
    Flush(self);
  }
}

asio::awaitable<void> Client::Impl::Pause() {
  // Spread over half of the time again, so that a city does not come back at one instant.
  const auto spread = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(this) >> 4);
  const auto half = static_cast<std::uint64_t>(backoff_.count()) / 2 + 1;
  timer_.expires_after(backoff_ + milliseconds(spread % half));
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
  co_await timer_.async_wait(kAwait);
}

void Client::Impl::Disconnected() {
  ready_ = false;
  unanswered_.ConnectionLost();
  timer_.cancel();
  resend_.cancel();
  if (connection_) connection_->Close();
  handler_->OnDisconnected(why_, options_.reconnect && !refused_ && !stopping_);
}

void Client::Impl::Flush(const std::shared_ptr<Impl>& self) {
  flush_waits_ = false;
  if (!connection_ || !connection_->socket().is_open() || write_waits_) return;
  switch (connection_->Write()) {
    case Connection::WriteResult::kAll:
      if (stopping_) connection_->EndOutput();
      return;
    case Connection::WriteResult::kWouldBlock:
      break;
    default:
      connection_->Close();
      return;
  }
  write_waits_ = true;
  connection_->socket().async_wait(Tcp::socket::wait_write, [self](const error_code& error) {
    self->write_waits_ = false;
    if (!error) self->Flush(self);
  });
}

// All requests made in one turn of the reactor leave in one write.
void Client::Impl::ScheduleFlush(const std::shared_ptr<Impl>& self) {
  if (std::exchange(flush_waits_, true)) return;
  asio::post(desk_.io, [self] { self->Flush(self); });
}

std::uint64_t Client::Impl::Send(Bytes frame, const std::shared_ptr<Impl>& self) {
  const std::uint64_t client_seq = next_seq();
  if (unanswered_.Keep(std::move(frame), ready_)) {
    SendUnnumbered(unanswered_.newest(), self);
  }
  return client_seq;
}

void Client::Impl::SendUnnumbered(const Bytes& frame, const std::shared_ptr<Impl>& self) {
  connection_->output().insert(connection_->output().end(), frame.begin(), frame.end());
  ScheduleFlush(self);
}

void Client::Impl::ResendAll(const std::shared_ptr<Impl>& self) {
  if (unanswered_.SendAgain(connection_->output())) ScheduleFlush(self);
}

void Client::Impl::ScheduleResend() {
  const auto pause = unanswered_.PauseBeforeSending();
  if (!pause) return;
  resend_.expires_after(*pause);
  resend_.async_wait([self = self_.lock()](const error_code& error) {
    if (!error && self->ready_ && self->unanswered_.postponed()) self->ResendAll(self);
  });
}

bool Client::Impl::OnFrame(const Frame& frame) {
  if (Deliver(frame, *this)) return connection_->socket().is_open();
  why_ = "the daemon sent a frame that is not valid";
  return false;
}

void Client::Impl::OnLogonAnswer(const LogonAnswerMessage& message) {
  handler_->OnLogonAnswer(message);
  if (message.reason != Reason::kNone) {
    refused_ = true;
    return;
  }
  if (!unanswered_.Resume(message.next_client_seq)) {
    GiveUp("the daemon does not know what it has answered");
    return;
  }
  max_client_frame_bytes_ = message.max_frame_bytes;
  heartbeat_s_ = message.heartbeat_s;
  backoff_ = kBackoffMin;
  ready_ = true;
  const std::shared_ptr<Impl> self = self_.lock();
  ResendAll(self);
  ScheduleHeartbeat(self);
  handler_->OnReady();
}

void Client::Impl::OnAnswer(const AnswerMessage& message) {
  const bool numbered =
      message.message >= MessageType::kSubmitOrders && message.message <= MessageType::kCancelAll;
  if (!numbered) {
    handler_->OnAnswer(message);
    return;
  }
  AnswerMessage answer = message;
  const ResendQueue::Taken taken = unanswered_.TakeAnswer(answer);
  if (taken == ResendQueue::Taken::kFinal) handler_->OnAnswer(answer);
  if (taken == ResendQueue::Taken::kNothingGoes) GiveUp("the daemon refuses what does nothing");
  ScheduleResend();
}

void Client::Impl::GiveUp(std::string_view why) {
  why_ = why;
  refused_ = true;
  connection_->Close();
}

void Client::Impl::OnTerminate(const TerminateMessage& message) {
  why_ = message.text;
  refused_ = message.reconnect_after_ms == 0;
  backoff_ = std::max(backoff_, milliseconds(message.reconnect_after_ms));
  handler_->OnTerminate(message);
}

void Client::Impl::ScheduleHeartbeat(const std::shared_ptr<Impl>& self) {
  if (heartbeat_s_ == 0) return;
  timer_.expires_after(std::chrono::seconds(heartbeat_s_));
  timer_.async_wait([self](const error_code& error) {
    if (error || !self->ready_) return;
    self->desk_.builder.Heartbeat(self->connection_->output());
    self->Flush(self);
    self->ScheduleHeartbeat(self);
  });
}

void Client::Impl::Stop() {
  if (std::exchange(stopping_, true)) return;
  timer_.cancel();
  resend_.cancel();
  if (!connection_ || !connection_->socket().is_open()) return;
  why_ = "stopped";
  if (!ready_) {
    connection_->Close();
    return;
  }
  ready_ = false;
  desk_.builder.Logout(connection_->output());
  ScheduleFlush(self_.lock());
}

void Client::Impl::Abandon() {
  handler_ = &deaf_;
  stopping_ = true;
  timer_.cancel();
  resend_.cancel();
  if (connection_) connection_->Close();
}

Client::Client(ClientDesk& desk, const ClientOptions& options, ClientHandler& handler)
    : impl_(std::make_shared<Impl>(desk, options, handler)) {}

Client::~Client() {
  try {
    impl_->Abandon();
  } catch (...) {
    impl_.reset();  // What its operations still hold goes with the io_context.
  }
}

void Client::Start() { asio::co_spawn(impl_->io(), Impl::Run(impl_), asio::detached); }
void Client::Stop() { impl_->Stop(); }
bool Client::ready() const { return impl_->ready(); }
std::size_t Client::unanswered() const { return impl_->unanswered(); }
bool Client::HasRoom() const { return impl_->HasRoom(); }
std::size_t Client::orders_a_frame() const { return OrdersAFrame(impl_->max_client_frame_bytes()); }
std::size_t Client::keys_a_frame() const { return KeysAFrame(impl_->max_client_frame_bytes()); }

std::uint64_t Client::Submit(std::span<const engine::OrderBody> orders) {
  CHECK(HasRoom() && !orders.empty() && orders.size() <= orders_a_frame());
  Bytes frame;
  impl_->builder().Orders(engine::CommandType::kSubmitOrders, impl_->next_seq(), orders, frame);
  return impl_->Send(std::move(frame), impl_);
}

std::uint64_t Client::Replace(std::span<const engine::OrderBody> orders) {
  CHECK(HasRoom() && !orders.empty() && orders.size() <= orders_a_frame());
  Bytes frame;
  impl_->builder().Orders(engine::CommandType::kReplaceOrders, impl_->next_seq(), orders, frame);
  return impl_->Send(std::move(frame), impl_);
}

std::uint64_t Client::Cancel(std::span<const engine::OrderKeyBody> keys) {
  CHECK(HasRoom() && !keys.empty() && keys.size() <= keys_a_frame());
  Bytes frame;
  impl_->builder().CancelOrders(impl_->next_seq(), keys, frame);
  return impl_->Send(std::move(frame), impl_);
}

std::uint64_t Client::CancelAll(const engine::OrderScopeBody& scope) {
  CHECK(HasRoom());
  Bytes frame;
  impl_->builder().CancelAll(impl_->next_seq(), scope, frame);
  return impl_->Send(std::move(frame), impl_);
}

void Client::ListOpenOrders(std::uint64_t query, const engine::OrderScopeBody& scope) {
  CHECK(ready());
  Bytes frame;
  impl_->builder().ListOpenOrders(query, scope, frame);
  impl_->SendUnnumbered(frame, impl_);
}

}  // namespace gateway
