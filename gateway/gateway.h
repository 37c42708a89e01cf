// One gateway thread's work: its connections, its end of the link to the shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/counters.h"
#include "engine/runtime/link.h"
#include "engine/runtime/outbox.h"
#include "gateway/budget.h"
#include "gateway/gateway_counters.h"
#include "gateway/listener.h"
#include "gateway/options.h"
#include "gateway/router.h"
#include "gateway/session.h"

namespace gateway {

// A turn never waits: sockets that are ready, then events of the shard, then output, one write a
// session. Sessions never wait for each other, and a full ring is an answer.
//
// Thread: one; RequestStop() and Displace() are for any.
class Gateway {
 public:
  // Requires: clock, budget and the links' doorbells outlive it. Without `missed` what a client has
  // missed is not told again, and one that reads too slowly is ended.
  Gateway(const GatewayOptions& options, engine::Clock& clock, engine::GatewayEnd link,
          Budget& budget, std::optional<engine::MissedGatewayEnd> missed = std::nullopt);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Takes connections from now on. Requires: not yet called.
  absl::Status Listen(const Listener& listener);

  // The other gateways of the process: a credential has one session in all of them.
  // Requires: all live until the last has stopped.
  void SetPeers(std::vector<Gateway*> peers) { peers_ = std::move(peers); }

  // Ensures: true if it did anything.
  bool Turn();
  // After a turn that did nothing: sleeps until something is there.
  void Wait();

  // Takes no more connections and ends the sessions; turns go on until stopped().
  void RequestStop();
  bool stopped() const;

  const GatewayCounters& counters() const { return counters_; }

 private:
  using Tcp = boost::asio::ip::tcp;

  boost::asio::awaitable<void> Accept();
  void Admit(Tcp::socket socket);
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
  void Tick();
  void StartTimer();
  void Stop();
  void Displace(engine::CredentialId credential, std::uint64_t logon, TerminateReason reason);
  Session* FindSession(std::uint64_t id) const;

  const GatewayOptions options_;
  engine::Clock& clock_;
  engine::GatewayEnd link_;
  std::optional<engine::MissedGatewayEnd> missed_;
  Budget& budget_;
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
  bool doorbell_waits_ = false;
  bool timer_runs_ = false;
  bool stopping_ = false;
  std::uint64_t last_session_ = 0;
  absl::flat_hash_map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::vector<Session*> dirty_;       // With output that was not looked at.
  std::vector<std::uint64_t> ended_;  // To be removed when the turn is over.
  struct Disconnect {
    engine::CredentialId credential{};
    std::uint64_t logon = 0;
  };
  std::vector<Disconnect> disconnects_;  // kDisconnect that the ring has yet to take.
  std::vector<std::byte> scratch_;       // What the sockets are read into.
  GatewayCounters counters_;
};

}  // namespace gateway
