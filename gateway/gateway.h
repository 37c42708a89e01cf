// One gateway thread's work: its connections, its end of the link to the shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/counters.h"
#include "engine/runtime/link.h"
#include "engine/runtime/outbox.h"
#include "gateway/admission.h"
#include "gateway/budget.h"
#include "gateway/gateway_counters.h"
#include "gateway/handshake_share.h"
#include "gateway/listener.h"
#include "gateway/look_log.h"
#include "gateway/options.h"
#include "gateway/router.h"
#include "gateway/session.h"
#include "gateway/tls_identity.h"
#include "gateway/token_bucket.h"

namespace gateway {

// What all gateways of the process share: how many may connect, and the memory of those that do.
struct ConnectionLimits {
  ConnectionLimits(const AdmissionLimits& most, std::uint64_t max_bytes)
      : admission(most), budget(max_bytes) {}

  Admission admission;
  Budget budget;
};

// A turn never waits: sockets that are ready, then events of the shard, then output, one write a
// session, then handshakes for their share of the time. Sessions never wait for each other, and a
// full ring is an answer.
//
// Thread: one; UseTls(), RequestStop() and Displace() are for any.
class Gateway {
 public:
  // Requires: clock, limits and the links' doorbells outlive it. Without `missed` what a client has
  // missed is not told again, and one that reads too slowly is ended.
  Gateway(const GatewayOptions& options, engine::Clock& clock, engine::GatewayEnd link,
          ConnectionLimits& limits, std::optional<engine::MissedGatewayEnd> missed = std::nullopt);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Connections are over TLS from now on, made with this. A session whose client would not be taken
  // any more is ended; all others go on. Requires: before Listen(), or again after it.
  void UseTls(std::shared_ptr<const TlsIdentity> tls);

  // Takes connections from now on. Requires: not yet called.
  absl::Status Listen(const Listener& listener);
  // Takes one that was accepted elsewhere, with its descriptor: a connected stream socket of a peer
  // of this address. Thread: the gateway's.
  void Adopt(int socket, const boost::asio::ip::address& peer);

  // The other gateways of the process: a credential has one session in all of them.
  // Requires: all live until the last has stopped.
  void SetPeers(std::vector<Gateway*> peers) { peers_ = std::move(peers); }

  // Ensures: true if it did anything.
  bool Turn();
  // After a turn that did nothing: sleeps until something is there.
  void Wait();

  // Takes no more connections, and reads nothing more; ends the sessions once all that was taken of
  // them is answered, or cannot be in time. Turns go on until stopped().
  void RequestStop();
  bool stopped() const;

  const GatewayCounters& counters() const { return counters_; }

 private:
  using Tcp = boost::asio::ip::tcp;

  boost::asio::awaitable<void> Accept();
  boost::asio::awaitable<void> PauseAccepts(std::chrono::milliseconds pause);
  void Admit(Tcp::socket socket, const boost::asio::ip::address& peer);
  void StartReading(Session& session);
  void BeginHandshake(Session& session);
  enum class Handshake : std::uint8_t { kNew, kBegun };
  void WaitForHandshake(Session& session, Tcp::socket::wait_type what, Handshake age);
  bool TakeHandshakes();
  void StepHandshake(Session& session);
  void CheckNextCertificate();
  void CheckCertificate(Session& session);
  boost::asio::awaitable<void> ReadLoop(Session& session);
  bool ReadOnce(Session& session);
  bool Discard(Session& session);
  void Write(Session& session);
  void WaitToWrite(Session& session);
  bool TakeEvents();
  bool TakeMissed();
  void AskForMissed(Session& session);
  void ForgetQuery(std::uint64_t session);
  void Dispatch(const engine::Event& event);
  void OnLogonAnswer(const engine::Event& event);
  void MarkDirty(Session& session);
  bool FlushDirty();
  void Leave(Session& session);
  void CloseNow(Session& session);
  void RemoveEnded();
  bool SendDisconnects();
  bool Tick();
  void StartTimer();
  void BeginStop();
  bool AskLast();
  bool GoOnStopping();
  template <typename Body>
  bool Put(engine::CommandType type, engine::CredentialId credential, std::int64_t stamp_ns,
           const Body& body);
  void Displace(engine::CredentialId credential, std::uint64_t logon, TerminateReason reason);
  Session* FindSession(std::uint64_t id) const;

  const GatewayOptions options_;
  engine::Clock& clock_;
  engine::GatewayEnd link_;
  std::optional<engine::MissedGatewayEnd> missed_;
  ConnectionLimits& limits_;
  FrameBuilder builder_;
  SessionDesk desk_;
  Router router_;
  std::vector<Gateway*> peers_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Tcp::acceptor acceptor_;
  boost::asio::posix::stream_descriptor doorbell_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer accept_pause_;
  TokenBucket accepts_;  // A second.
  bool doorbell_waits_ = false;
  bool timer_runs_ = false;
  std::int64_t tick_ns_ = INT64_MIN / 2;  // When deadlines were last looked at.
  // kAnswered: what was taken is answered. kEnded: the sessions are told that it is over.
  enum class Stop : std::uint8_t { kNo, kBegun, kAsked, kAnswered, kEnded };
  Stop stop_ = Stop::kNo;
  std::int64_t drained_by_ns_ = 0;
  std::uint64_t last_session_ = 0;
  // In the order in which they came, so that the same happenings have the same consequences.
  absl::btree_map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::shared_ptr<const TlsIdentity> tls_;  // Null: connections are not encrypted.
  std::deque<Session*> handshakes_;         // That can go on. Each is held by read_waits.
  std::deque<std::uint64_t> to_check_;      // Sessions whose certificates may be good no more.
  HandshakeShare share_;
  std::vector<Session*> dirty_;       // With output that was not looked at.
  std::vector<std::uint64_t> ended_;  // To be removed when the turn is over.
  struct Disconnect {
    engine::CredentialId credential{};
    std::uint64_t logon = 0;
  };
  std::vector<Disconnect> disconnects_;  // kDisconnect that the ring has yet to take.
  std::vector<std::byte> scratch_;       // What the sockets are read into.
  GatewayCounters counters_;
  LookLog looks_;
};

}  // namespace gateway
