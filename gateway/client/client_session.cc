#include "gateway/client/client_session.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/limits.h"
#include "gateway/absl_view.h"
#include "gateway/host_port.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using engine::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr char kLost[] = "connection lost";
constexpr milliseconds kBackoffMin{50};
constexpr milliseconds kBackoffMax{5'000};
// Where one of the two does not take the other's certificate: a person will have to see to it, and
// each try costs the daemon a handshake.
constexpr milliseconds kTlsPause{60'000};
constexpr milliseconds kSilenceSlack{5'000};  // As the daemon's own.
constexpr milliseconds kLookAgain{1};

}  // namespace

ClientSession::ClientSession(ClientDesk& desk, const ClientOptions& options, ClientHandler& handler)
    : io_(desk.io),
      desk_(desk),
      options_(options),
      handler_(&handler),
      timer_(io_),
      resend_(io_),
      deadline_(io_),
      requests_(desk.builder),
      backoff_(kBackoffMin) {
  CHECK(options.window >= 1 && options.window <= engine::kAnswersKept);
}

void ClientSession::Start() {
  CHECK(!std::exchange(started_, true));
  asio::co_spawn(io_, Run(shared_from_this()), asio::detached);
}

asio::awaitable<void> ClientSession::Run(std::shared_ptr<ClientSession> self) {
  while (!self->stopping_) {
    self->why_.clear();
    self->reached_ = co_await self->Connect();
    if (self->reached_ && !self->stopping_) {
      co_await self->Talk();
    }
    self->Disconnected();
    if (self->refused_ || !self->options_.reconnect || self->stopping_) break;
    co_await self->Pause();
  }
}

asio::awaitable<bool> ClientSession::Connect() {
  error_code parse_error;
  const auto address = asio::ip::make_address(options_.host, parse_error);
  if (!parse_error) {
    co_return co_await ConnectTo({address, options_.port});
  }
  Tcp::resolver resolver(io_);
  const auto [error, found] =
      co_await resolver.async_resolve(options_.host, std::to_string(options_.port), kAwait);
  if (error) {
    why_ = CannotConnect(error.message());
    co_return false;
  }
  for (const auto& entry : found) {
    if (co_await ConnectTo(entry.endpoint())) co_return true;
  }
  co_return false;
}

asio::awaitable<bool> ClientSession::ConnectTo(Tcp::endpoint endpoint) {
  if (stopping_) co_return false;
  attempt_.emplace(io_);
  SetDeadline(options_.logon_timeout);
  const auto [error] = co_await attempt_->async_connect(endpoint, kAwait);
  const bool connected = !error && attempt_->is_open();
  if (connected) {
    connection_.emplace(std::move(*attempt_), budget_);
    write_failed_ = false;
  }
  attempt_.reset();
  if (error && why_.empty()) why_ = CannotConnect(error.message());
  co_return connected;
}

// Ensures: false where nothing can be said to the daemon, or by it: why_ says why.
asio::awaitable<bool> ClientSession::Secure() {
  if (options_.tls == nullptr) co_return true;
  const std::string& name = options_.tls_name.empty() ? options_.host : options_.tls_name;
  connection_->Secure(options_.tls, name);
  while (Connected()) {
    const TlsStream::Step step = connection_->tls()->Handshake();
    if (step == TlsStream::Step::kDone) co_return true;
    if (step == TlsStream::Step::kFailed) {
      why_ = absl::StrCat("no TLS with ", HostPort(options_.host, options_.port), ": ",
                          connection_->tls()->why());
      told_pause_ = kTlsPause;
      co_return false;
    }
    const bool writes = step == TlsStream::Step::kWantsWrite;
    const auto what = writes ? Tcp::socket::wait_write : Tcp::socket::wait_read;
    const auto [error] = co_await connection_->socket().async_wait(what, kAwait);
    if (error) break;
  }
  if (why_.empty()) why_ = kLost;
  co_return false;
}

asio::awaitable<void> ClientSession::Talk() {
  const bool secure = co_await Secure();
  if (!secure) co_return;
  why_ = kLost;
  LogOn();
  co_await ReadUntilEnd();
  // What TLS has said of the end, where the daemon itself has said nothing.
  const TlsStream* const tls = connection_->tls();
  if (why_ != kLost || tls == nullptr || tls->why().empty()) co_return;
  why_ = absl::StrCat("TLS: ", tls->why());
  told_pause_ = kTlsPause;
}

void ClientSession::LogOn() {
  desk_.builder.Logon({.token = options_.tls == nullptr ? options_.token : "",
                       .next_client_seq = next_seq(),
                       .next_event = options_.next_event,
                       .heartbeat_s = options_.heartbeat_s,
                       .cancel_on_disconnect = options_.cancel_on_disconnect},
                      connection_->output());
  Flush();
}

asio::awaitable<void> ClientSession::ReadUntilEnd() {
  using Result = Connection::ReadResult;
  while (Connected()) {
    if (!connection_->has_unread()) {
      const auto [error] =
          co_await connection_->socket().async_wait(Tcp::socket::wait_read, kAwait);
      if (error) break;
    } else {
      co_await asio::post(io_, kAwait);  // Others first.
    }
    // Closed while this was waiting to run: the desk may be gone.
    if (!Connected()) break;
    const Result result = connection_->Read(desk_.scratch, *this);
    if (result != Result::kMore && result != Result::kNothing) break;
    Flush();
  }
}

asio::awaitable<void> ClientSession::Pause() {
  // Spread over half of the time again, so that a city does not come back at one instant.
  const milliseconds least = std::max(backoff_, std::exchange(told_pause_, milliseconds(0)));
  const auto spread = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(this) >> 4);
  const auto half = static_cast<std::uint64_t>(least.count()) / 2 + 1;
  timer_.expires_after(least + milliseconds(spread % half));
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
  co_await timer_.async_wait(kAwait);
}

void ClientSession::Disconnected() {
  // A daemon that ends each connection soon after the logon is not asked more often than one that
  // takes none.
  if (ready_ && Clock::now() - logged_on_at_ >= kBackoffMax) backoff_ = kBackoffMin;
  ready_ = false;
  requests_.ConnectionLost();
  timer_.cancel();
  resend_.cancel();
  deadline_at_ = Clock::time_point::max();
  deadline_.cancel();
  if (connection_) connection_->Close();
  const bool again = options_.reconnect && !refused_ && !stopping_;
  if (reached_) {
    handler_->OnDisconnected(why_, again);
  } else {
    handler_->OnUnreachable(why_, again);
  }
}

std::string ClientSession::CannotConnect(std::string_view why) const {
  return absl::StrCat("cannot connect to ", HostPort(options_.host, options_.port), ": ",
                      Absl(why));
}

void ClientSession::GiveUp(std::string_view why) {
  why_ = why;
  refused_ = true;
  connection_->Close();
}

// Output.

void ClientSession::Flush() {
  flush_waits_ = false;
  if (!Connected() || write_waits_ || write_failed_) return;
  if (connection_->tls() != nullptr && !connection_->tls()->secure()) return;
  switch (connection_->Write()) {
    case Connection::WriteResult::kAll:
      if (stopping_) connection_->EndOutput();
      return;
    case Connection::WriteResult::kWouldBlock:
      break;
    default:
      // Why the daemon has closed it, and whether to come back, may still be there to be read.
      write_failed_ = true;
      return;
  }
  write_waits_ = true;
  connection_->socket().async_wait(Tcp::socket::wait_write,
                                   [self = shared_from_this()](const error_code& error) {
                                     self->write_waits_ = false;
                                     if (!error) self->Flush();
                                   });
}

// All requests made in one turn of the reactor leave in one write.
void ClientSession::ScheduleFlush() {
  if (std::exchange(flush_waits_, true)) return;
  asio::post(io_, [self = shared_from_this()] { self->Flush(); });
}

std::uint64_t ClientSession::Send(Bytes frame) {
  const std::uint64_t client_seq = next_seq();
  if (requests_.Keep(std::move(frame), ready_)) SendUnnumbered(requests_.newest());
  return client_seq;
}

void ClientSession::SendUnnumbered(const Bytes& frame) {
  connection_->output().insert(connection_->output().end(), frame.begin(), frame.end());
  ScheduleFlush();
}

void ClientSession::ResendAll() {
  if (requests_.SendAgain(connection_->output())) ScheduleFlush();
}

void ClientSession::ScheduleResend() {
  if (!ready_) return;
  const auto pause = requests_.PauseBeforeSending();
  if (!pause) return;
  resend_.expires_after(*pause);
  resend_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && self->ready_ && self->requests_.postponed()) self->ResendAll();
  });
}

void ClientSession::ScheduleHeartbeat() {
  timer_.expires_after(heartbeat_);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (error || !self->ready_) return;
    self->desk_.builder.Heartbeat(self->connection_->output());
    self->Flush();
    self->ScheduleHeartbeat();
  });
}

// Deadlines.

void ClientSession::SetDeadline(Milliseconds from_now) {
  deadline_at_ = Clock::now() + from_now;
  WatchDeadline();
}

void ClientSession::WatchDeadline() {
  deadline_.expires_at(deadline_at_);
  deadline_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && self->deadline_at_ != Clock::time_point::max()) self->OnDeadline();
  });
}

void ClientSession::OnDeadline() {
  const Clock::time_point now = Clock::now();
  if (now >= deadline_at_ && Connected()) {
    // Where the program itself was away, what the daemon has said meanwhile is read first.
    error_code error;
    if (connection_->socket().available(error) != 0) deadline_at_ = now + kLookAgain;
  }
  // To have heard something moves the deadline alone: that costs less than to move the timer.
  if (now < deadline_at_) return WatchDeadline();
  deadline_at_ = Clock::time_point::max();
  error_code error;
  if (attempt_) {
    why_ = CannotConnect("no answer in time");
    attempt_->close(error);
  } else if (Connected()) {
    why_ = ready_ ? "the daemon is silent" : "no answer in time";
    connection_->Close();
  }
}

// Input.

void ClientSession::OnRead() {
  if (ready_) deadline_at_ = Clock::now() + silence_;
}

bool ClientSession::OnFrame(const Frame& frame) {
  if (Deliver(frame, *this)) return Connected();
  why_ = "the daemon sent a frame that is not valid";
  return false;
}

void ClientSession::OnLogonAnswer(const LogonAnswerMessage& message) {
  if (ready_ || stopping_) return;
  handler_->OnLogonAnswer(message);
  if (stopping_) return;
  if (message.reason != Reason::kNone) {
    refused_ = true;
    return;
  }
  if (!requests_.Resume(message.next_client_seq)) {
    GiveUp("the daemon does not know what it has answered");
    return;
  }
  options_.next_event = message.next_event;
  max_client_frame_bytes_ =
      std::clamp(message.max_frame_bytes, kDeviceFrameBytesMax, kFrameBytesMax);
  heartbeat_ = seconds(std::max<std::uint16_t>(message.heartbeat_s, 1));
  silence_ = options_.silence_timeout;
  if (silence_ == milliseconds(0)) silence_ = 2 * heartbeat_ + kSilenceSlack;
  SetDeadline(silence_);
  logged_on_at_ = Clock::now();
  ready_ = true;
  ResendAll();
  ScheduleHeartbeat();
  handler_->OnReady();
}

void ClientSession::OnAnswer(const AnswerMessage& message) {
  const bool numbered = (message.message >= MessageType::kSubmitOrders &&
                         message.message <= MessageType::kCancelAll) ||
                        message.message == MessageType::kQuantityReply;
  if (!numbered) {
    handler_->OnAnswer(message);
    return;
  }
  AnswerMessage answer = message;
  const ResendQueue::Taken taken = requests_.TakeAnswer(answer);
  if (taken == ResendQueue::Taken::kFinal) handler_->OnAnswer(answer);
  if (taken == ResendQueue::Taken::kNothingGoes) GiveUp("the daemon refuses what does nothing");
  ScheduleResend();
}

void ClientSession::OnTerminate(const TerminateMessage& message) {
  why_ = message.text;
  refused_ = refused_ || message.reconnect_after_ms == 0;
  told_pause_ = milliseconds(message.reconnect_after_ms);
  handler_->OnTerminate(message);
}

// The end.

void ClientSession::Stop() {
  if (std::exchange(stopping_, true)) return;
  timer_.cancel();
  resend_.cancel();
  error_code error;
  if (attempt_) attempt_->close(error);
  if (!attempt_ && !Connected()) return;
  why_ = "stopped";
  if (!ready_) {
    if (connection_) connection_->Close();
    return;
  }
  ready_ = false;
  desk_.builder.Logout(connection_->output());
  SetDeadline(options_.logon_timeout);
  ScheduleFlush();
}

void ClientSession::Abandon() {
  handler_ = &deaf_;
  stopping_ = true;
  ready_ = false;
  timer_.cancel();
  resend_.cancel();
  deadline_.cancel();
  error_code error;
  if (attempt_) attempt_->close(error);
  if (connection_) connection_->Close();
}

}  // namespace gateway
