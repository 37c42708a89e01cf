// A gateway's handshakes, and the certificates of its sessions.
#include <utility>

#include <boost/asio/post.hpp>

#include "absl/strings/str_cat.h"
#include "gateway/gateway.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

std::string PeerOf(const Connection::Socket& socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  return error ? "a client that has gone" : peer.address().to_string();
}

}  // namespace

void Gateway::UseTls(std::shared_ptr<const TlsIdentity> tls) {
  asio::post(io_, [this, tls = std::move(tls)]() mutable {
    tls_ = std::move(tls);
    to_check_.clear();
    for (const auto& [id, session] : sessions_) {
      if (session->connection().tls() != nullptr) to_check_.push_back(id);
    }
  });
}

void Gateway::BeginHandshake(Session& session) {
  session.Secure(tls_);
  WaitForHandshake(session, Tcp::socket::wait_read, Handshake::kNew);
}

// What was begun is ended before another is begun: its clients wait, and half of one is lost work.
void Gateway::WaitForHandshake(Session& session, Tcp::socket::wait_type what, Handshake age) {
  session.connection().socket().async_wait(what, [this, &session, age](const error_code& error) {
    if (error) {
      session.read_waits = false;
      CloseNow(session);
    } else if (age == Handshake::kNew) {
      handshakes_.push_back(&session);
    } else {
      handshakes_.push_front(&session);
    }
  });
}

bool Gateway::TakeHandshakes() {
  bool worked = false;
  while (share_.MayStep() && (!to_check_.empty() || !handshakes_.empty())) {
    const std::int64_t begin_ns = clock_.MonotonicNs();
    if (!to_check_.empty()) CheckNextCertificate();
    if (!handshakes_.empty()) {
      Session& session = *handshakes_.front();
      handshakes_.pop_front();
      StepHandshake(session);
    }
    share_.Stepped(clock_.MonotonicNs() - begin_ns);
    worked = true;
  }
  return worked;
}

void Gateway::StepHandshake(Session& session) {
  TlsStream& tls = *session.connection().tls();
  // It is over, or nothing is to be said any more.
  if (session.closing() || !session.connection().socket().is_open()) return StartReading(session);
  if (session.HandshakeIsLate(clock_.MonotonicNs())) {
    session.connection().Close();
    return StartReading(session);
  }
  switch (tls.Handshake()) {
    case TlsStream::Step::kWantsRead:
      return WaitForHandshake(session, Tcp::socket::wait_read, Handshake::kBegun);
    case TlsStream::Step::kWantsWrite:
      return WaitForHandshake(session, Tcp::socket::wait_write, Handshake::kBegun);
    case TlsStream::Step::kFailed:
      counters_.handshakes_failed.Add(1);
      counters_.handshake_why.Say(
          absl::StrCat(PeerOf(session.connection().socket()), ": ", tls.why()));
      session.Terminate(TerminateReason::kCertificate);
      MarkDirty(session);
      return StartReading(session);
    case TlsStream::Step::kDone:
      break;
  }
  counters_.handshakes.Add(1);
  session.Secured(clock_.MonotonicNs());
  if (tls.NeedsCheck(*tls_)) CheckCertificate(session);
  StartReading(session);
}

void Gateway::CheckNextCertificate() {
  Session* const session = FindSession(to_check_.front());
  to_check_.pop_front();
  // One whose handshake is not over is looked at then.
  if (session != nullptr && session->connection().tls()->secure()) CheckCertificate(*session);
}

void Gateway::CheckCertificate(Session& session) {
  if (session.closing() || session.connection().tls()->IsTrusted(*tls_)) return;
  session.Terminate(TerminateReason::kCertificate);
  MarkDirty(session);
}

}  // namespace gateway
