// How a gateway ends its part: disconnects that the shard is told of, and its own stop.
#include <cstring>
#include <utility>

#include <boost/asio/post.hpp>

#include "gateway/gateway.h"

namespace gateway {

// Ensures: false, and nothing is put, where the ring is full.
template <typename Body>
bool Gateway::Put(engine::CommandType type, engine::CredentialId credential, std::int64_t stamp_ns,
                  const Body& body) {
  engine::CommandHeader* command =
      link_.commands.Claim(sizeof(engine::CommandHeader) + sizeof(body));
  if (command == nullptr) return false;
  command->time_ns = stamp_ns;
  command->credential = credential;
  command->type = type;
  command->count = 1;
  std::memcpy(reinterpret_cast<std::byte*>(command + 1), &body, sizeof(body));
  link_.commands.Commit();
  return true;
}

bool Gateway::SendDisconnects() {
  if (disconnects_.empty()) return false;
  const std::int64_t stamp_ns = link_.BeginRead(clock_);
  std::size_t sent = 0;
  for (const Disconnect& disconnect : disconnects_) {
    const engine::DisconnectBody body{.logon = disconnect.logon};
    if (!Put(engine::CommandType::kDisconnect, disconnect.credential, stamp_ns, body)) break;
    ++sent;
  }
  link_.commands.Publish();
  link_.EndRead();
  if (sent != 0) link_.RingShard();
  disconnects_.erase(disconnects_.begin(),
                     disconnects_.begin() + static_cast<std::ptrdiff_t>(sent));
  return sent != 0;
}

void Gateway::RequestStop() {
  boost::asio::post(io_, [this] { BeginStop(); });
}

bool Gateway::stopped() const {
  return stop_ == Stop::kEnded && sessions_.empty() && disconnects_.empty();
}

void Gateway::BeginStop() {
  if (stop_ != Stop::kNo) return;
  stop_ = Stop::kBegun;
  drained_by_ns_ = clock_.MonotonicNs() + std::chrono::nanoseconds(options_.drain_timeout).count();
  boost::system::error_code error;
  acceptor_.close(error);
  accept_pause_.cancel();
}

// The answer to a question comes behind those to all that was asked before it, once they are on
// disk. This one is of nobody: a certificate that cannot be.
bool Gateway::AskLast() {
  const std::int64_t stamp_ns = link_.BeginRead(clock_);
  const engine::LogonBody body{.session = 0, .proof = engine::LogonProof::kCertificate};
  const bool put = Put(engine::CommandType::kLogon, {}, stamp_ns, body);
  link_.commands.Publish();
  link_.EndRead();
  if (put) link_.RingShard();
  return put;
}

bool Gateway::GoOnStopping() {
  if (stop_ == Stop::kNo || stop_ == Stop::kEnded) return false;
  const bool waits = !sessions_.empty() && clock_.MonotonicNs() < drained_by_ns_;
  if (stop_ == Stop::kBegun && waits) {
    if (!AskLast()) return false;
    stop_ = Stop::kAsked;
    return true;
  }
  if (stop_ == Stop::kAsked && waits) return false;
  stop_ = Stop::kEnded;
  for (auto& [id, session] : sessions_) {
    session->Terminate(TerminateReason::kShutdown);
    MarkDirty(*session);
  }
  return true;
}

}  // namespace gateway
