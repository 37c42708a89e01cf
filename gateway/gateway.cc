#include "gateway/gateway.h"

#include <cstring>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/core/check.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr int kHandlersATurn = 1'024;
constexpr int kReadsATurn = 4;  // Of one session while it has more.
constexpr std::size_t kScratchBytes = std::size_t{128} << 10;
// After the system had no file descriptor or memory for another connection.
constexpr std::chrono::milliseconds kAcceptPause{50};
constexpr std::chrono::milliseconds kDisconnectRetry{1};

}  // namespace

Gateway::Gateway(const GatewayOptions& options, engine::Clock& clock, engine::GatewayEnd link,
                 ConnectionLimits& limits, std::optional<engine::MissedGatewayEnd> missed)
    : options_(options),
      clock_(clock),
      link_(std::move(link)),
      missed_(std::move(missed)),
      limits_(limits),
      desk_{.options = options_,
            .clock = clock_,
            .link = link_,
            .builder = builder_,
            .has_outbox = missed_.has_value()},
      io_(1),
      work_(asio::make_work_guard(io_)),
      acceptor_(io_),
      doorbell_(io_, link_.own_doorbell().fd()),
      timer_(io_),
      accept_pause_(io_),
      accepts_(options.accepts_per_second),
      scratch_(kScratchBytes),
      looks_(clock) {}

Gateway::~Gateway() {
  for (auto& [id, session] : sessions_) session->connection().Close();
  doorbell_.release();  // It is the doorbell's own.
}

absl::Status Gateway::Listen(const Listener& listener) {
  auto acceptor = listener.Acceptor(io_);
  if (!acceptor.ok()) return acceptor.status();
  acceptor_ = *std::move(acceptor);
  asio::co_spawn(io_, Accept(), asio::detached);
  return absl::OkStatus();
}

bool Gateway::Turn() {
  // Time is looked at only while there are handshakes.
  const bool shared = !handshakes_.empty() || !to_check_.empty();
  const std::int64_t begin_ns = shared ? clock_.MonotonicNs() : 0;
  // A client that always has something to be read does not keep the others from their answers.
  bool worked = false;
  for (int i = 0; i < kHandlersATurn && io_.poll_one() > 0; ++i) worked = true;
  worked |= TakeEvents();
  worked |= TakeMissed();
  worked |= SendDisconnects();
  worked |= Tick();
  worked |= GoOnStopping();
  worked |= FlushDirty();
  if (shared) share_.Worked(clock_.MonotonicNs() - begin_ns);
  if (!worked) share_.Idle();
  worked |= TakeHandshakes();
  RemoveEnded();
  return worked;
}

void Gateway::Wait() {
  if (!doorbell_waits_) {
    doorbell_waits_ = true;
    doorbell_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [this](const error_code&) { doorbell_waits_ = false; });
  }
  link_.own_doorbell().PrepareToSleep();
  if (link_.events.Ready().empty() && (!missed_ || missed_->events.Ready().empty())) {
    // Nobody rings when the ring has room again for a disconnect.
    disconnects_.empty() ? io_.run_one() : io_.run_one_for(kDisconnectRetry);
  }
  link_.own_doorbell().WakeUp();
}

asio::awaitable<void> Gateway::Accept() {
  while (acceptor_.is_open()) {
    // Those that come faster wait in the system's queue.
    const std::uint32_t wait_ms = accepts_.Take(1, clock_.MonotonicNs());
    if (wait_ms != 0) {
      co_await PauseAccepts(std::chrono::milliseconds(wait_ms));
      continue;
    }
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (!error) {
      error_code gone;
      const auto peer = socket.remote_endpoint(gone);
      if (!gone) Admit(std::move(socket), peer.address());
      continue;
    }
    if (error == asio::error::operation_aborted) break;
    // No descriptor, no memory, or a client that has gone: the others go on.
    counters_.accept_errors.Add(1);
    co_await PauseAccepts(kAcceptPause);
  }
}

asio::awaitable<void> Gateway::PauseAccepts(std::chrono::milliseconds pause) {
  accept_pause_.expires_after(pause);
  co_await accept_pause_.async_wait(kAwait);
}

void Gateway::Adopt(int socket, const asio::ip::address& peer) {
  Admit(Tcp::socket(io_, peer.is_v6() ? Tcp::v6() : Tcp::v4(), socket), peer);
}

void Gateway::Admit(Tcp::socket socket, const asio::ip::address& peer) {
  if (stop_ != Stop::kNo) return;
  auto place = limits_.admission.Take(peer);
  if (!place) {
    error_code error;
    counters_.refused.Add(1);
    if (tls_ != nullptr) return;  // To say why would cost a handshake.
    Bytes frame;
    builder_.Terminate(TerminateReason::kTooManyConnections, options_.reconnect_after_ms, frame);
    socket.non_blocking(true, error);
    socket.write_some(asio::buffer(frame), error);
    return;
  }
  counters_.accepted.Add(1);
  const std::uint64_t id = ++last_session_;
  auto owned =
      std::make_unique<Session>(id, std::move(socket), limits_.budget, desk_, clock_.MonotonicNs());
  Session& session = *owned;
  session.Hold(*std::move(place));
  session.SetUserTimeout();
  sessions_.emplace(id, std::move(owned));
  counters_.sessions.Set(sessions_.size());
  session.read_waits = true;
  tls_ != nullptr ? BeginHandshake(session) : StartReading(session);
  StartTimer();
}

// Requires: session.read_waits.
void Gateway::StartReading(Session& session) {
  asio::co_spawn(io_, ReadLoop(session), [this, &session](const std::exception_ptr& failure) {
    if (failure != nullptr) counters_.accept_errors.Add(1);  // No memory for its coroutine.
    session.read_waits = false;
    CloseNow(session);
  });
}

asio::awaitable<void> Gateway::ReadLoop(Session& session) {
  Connection& connection = session.connection();
  while (connection.socket().is_open()) {
    if (connection.has_unread() && !session.closing()) {
      co_await asio::post(io_, kAwait);  // Others first.
    } else {
      const auto [error] = co_await connection.socket().async_wait(Tcp::socket::wait_read, kAwait);
      if (error) break;
    }
    if (!connection.socket().is_open() || !ReadOnce(session)) break;
  }
}

// Ensures: false where the connection is over.
bool Gateway::ReadOnce(Session& session) {
  using Result = Connection::ReadResult;
  if (session.closing() || stop_ != Stop::kNo) return Discard(session);
  desk_.reading = false;
  desk_.committed = false;
  Result result = Result::kMore;
  for (int i = 0; i < kReadsATurn && result == Result::kMore; ++i) {
    result = session.connection().Read(scratch_, session);
  }
  if (desk_.reading) {
    link_.commands.Publish();
    link_.EndRead();
    if (desk_.committed) link_.RingShard();
  }
  MarkDirty(session);
  if (result == Result::kBad) {
    counters_.frames_bad.Add(1);
    session.Terminate(session.connection().bad());
  } else if (result == Result::kOverBudget) {
    session.Terminate(TerminateReason::kOverBudget);
  } else if (result == Result::kEnd && !session.closing()) {
    return false;
  }
  return true;
}

// What comes after the Terminate is read and forgotten: unread bytes would make the system reset
// the connection, and the client might lose what it was told last.
bool Gateway::Discard(Session& session) {
  error_code error;
  session.connection().socket().read_some(asio::buffer(scratch_), error);
  if (!error || error == asio::error::would_block || error == asio::error::try_again) return true;
  // A client that has said all may still read; what is left goes now or never.
  session.connection().Write();
  return false;
}

void Gateway::MarkDirty(Session& session) {
  if (session.dirty) return;
  session.dirty = true;
  dirty_.push_back(&session);
}

bool Gateway::FlushDirty() {
  if (dirty_.empty()) return false;
  // Writing may end a session, but adds none to the list that is not there already.
  for (std::size_t i = 0; i < dirty_.size(); ++i) Write(*dirty_[i]);
  for (Session* session : dirty_) session->dirty = false;
  dirty_.clear();
  return true;
}

void Gateway::Write(Session& session) {
  using Result = Connection::WriteResult;
  Connection& connection = session.connection();
  if (!connection.socket().is_open()) return;
  if (connection.tls() != nullptr && !connection.tls()->secure()) {
    // Its alert has said why.
    if (session.closing() && !std::exchange(session.output_ended, true)) connection.EndOutput();
    return;
  }
  if (!session.closing()) session.Flush();
  Result result = session.write_waits ? connection.Hold() : connection.Write();
  const bool too_much = connection.waiting_bytes() > session.max_output_bytes();
  if ((result == Result::kOverBudget || too_much) && !session.closing()) {
    counters_.slow_readers.Add(1);
    session.Terminate(result == Result::kOverBudget ? TerminateReason::kOverBudget
                                                    : TerminateReason::kSlowReader);
    if (!session.write_waits) result = connection.Write();
  }
  if (session.closing()) Leave(session);
  AskForMissed(session);
  if (result == Result::kEnd) {
    CloseNow(session);
  } else if (result == Result::kAll) {
    if (session.closing() && !std::exchange(session.output_ended, true)) connection.EndOutput();
  } else if (!session.write_waits) {
    WaitToWrite(session);
  }
}

void Gateway::WaitToWrite(Session& session) {
  session.write_waits = true;
  session.connection().socket().async_wait(Tcp::socket::wait_write,
                                           [this, &session](const error_code& error) {
                                             session.write_waits = false;
                                             if (error) {
                                               CloseNow(session);
                                             } else {
                                               MarkDirty(session);
                                             }
                                           });
}

// The session takes no further part: its events are dropped, and its credential may be told so.
void Gateway::Leave(Session& session) {
  if (session.credential() == engine::CredentialId{}) return;
  if (router_.Find(session.credential()) != &session) return;
  router_.Unbind(session.credential(), session);
  if (session.cancel_on_disconnect()) {
    disconnects_.push_back({session.credential(), session.logon()});
  }
}

void Gateway::CloseNow(Session& session) {
  Leave(session);
  session.Close();
  if (!session.read_waits && !session.write_waits) ended_.push_back(session.id());
}

void Gateway::RemoveEnded() {
  for (const std::uint64_t id : ended_) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) continue;
    if (found->second->dirty) std::erase(dirty_, found->second.get());
    if (found->second->waits_for_missed()) ForgetQuery(id);
    sessions_.erase(found);
  }
  if (ended_.empty()) return;
  ended_.clear();
  counters_.sessions.Set(sessions_.size());
}

void Gateway::StartTimer() {
  if (timer_runs_) return;
  timer_runs_ = true;
  timer_.expires_after(options_.tick);
  // It only wakes: what time it is the clock says.
  timer_.async_wait([this](const error_code& error) {
    timer_runs_ = false;
    if (!error && !sessions_.empty()) StartTimer();
  });
}

bool Gateway::Tick() {
  if (sessions_.empty()) return false;
  const std::int64_t now_ns = clock_.MonotonicNs();
  // The timer may come a little early, and should not be a whole tick late then.
  if (now_ns - tick_ns_ < std::chrono::nanoseconds(options_.tick).count() / 2) return false;
  tick_ns_ = now_ns;
  looks_.SayCounts(now_ns);
  for (auto& [id, session] : sessions_) {
    if (session->CheckDeadlines(now_ns)) {
      CloseNow(*session);
    } else if (session->closing() || session->connection().waiting_bytes() != 0 ||
               session->NextQuery().most != 0) {
      MarkDirty(*session);
    }
  }
  return true;
}

Session* Gateway::FindSession(std::uint64_t id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

}  // namespace gateway
