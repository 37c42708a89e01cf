// One connection's protocol: logon, requests, heartbeats, deadlines, the end.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/event.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/link.h"
#include "engine/runtime/outbox.h"
#include "gateway/admission.h"
#include "gateway/catch_up.h"
#include "gateway/codec.h"
#include "gateway/connection.h"
#include "gateway/event_stream.h"
#include "gateway/options.h"
#include "gateway/router.h"

namespace gateway {

// What all sessions of a gateway thread work with.
struct SessionDesk {
  const GatewayOptions& options;
  engine::Clock& clock;
  engine::GatewayEnd& link;
  FrameBuilder& builder;
  std::int64_t stamp_ns = 0;  // Exchange time of what is being read.
  bool reading = false;       // Begun at the link and not ended.
  bool committed = false;     // A command waits to be published.
  bool has_outbox = false;    // What was missed can be asked for.
};

// Thread: its gateway's.
class Session final : public FrameSink {
 public:
  enum class Phase : std::uint8_t { kSecuring, kConnected, kLogonAsked, kLoggedOn, kClosing };

  // Requires: `desk` outlives it; `now_ns` here and below is MonotonicNs() of the clock.
  Session(std::uint64_t id, Connection::Socket socket, Budget& budget, SessionDesk& desk,
          std::int64_t now_ns);

  // Whatever the client has not taken in so long the system gives up, too: a line that was cut says
  // nothing, and bytes that wait in the system's buffers are none that wait here.
  void SetUserTimeout();
  // Its place among all connections, as long as it lasts.
  void Hold(Admission::Place place) { place_ = std::move(place); }
  // Before anything else, where it is over TLS; and when the handshake is done.
  void Secure(std::shared_ptr<const TlsIdentity> tls);
  void Secured(std::int64_t now_ns);
  // When a handshake that is not over by then is given up.
  bool HandshakeIsLate(std::int64_t now_ns) const;

  std::uint64_t id() const { return id_; }
  Phase phase() const { return phase_; }
  bool securing() const { return phase_ == Phase::kSecuring; }
  bool closing() const { return phase_ == Phase::kClosing; }
  engine::CredentialId credential() const { return credential_; }
  const std::vector<engine::MarketId>& markets() const { return markets_; }
  std::uint64_t logon() const { return logon_; }  // The shard's number of it.
  Connection& connection() { return connection_; }

  // Whether the credential's orders go when the session ends without another in its place.
  bool cancel_on_disconnect() const { return cancel_on_disconnect_; }

  // The answer of the exchange to the Logon, in the order in which its events come. Where the
  // client has missed events that the outbox may have, it hears its answer with the first of them.
  void AddMarket(engine::MarketId market) { markets_.push_back(market); }
  void AcceptLogon(const engine::Event& event, LoggedOnCredential& entry);
  void RefuseLogon(engine::Reason reason, std::uint64_t next_event = 0);

  // Any other event for the credential or a market of it.
  void Add(const engine::Event& event);

  // What to ask the outbox for: a piece that the client has room for. most is 0 where there is
  // nothing to ask now.
  engine::MissedQuery NextQuery() const;
  void Asked() { catch_up_.Asked(); }
  bool waits_for_missed() const { return catch_up_.asked(); }
  void AddMissed(const engine::MissedEvent& missed);
  // Ends a wake-up: what waited for company goes to the connection's output.
  void Flush() { stream_.Flush(desk_.builder, connection_.output()); }

  // At once, and nothing is told it any more: an answer to its Logon may still be on its way.
  void Close();
  // The last frame; nothing is taken from the client any more. The first reason stands. In its
  // handshake a client cannot be told.
  void Terminate(TerminateReason reason);

  // Ends the session where a deadline has passed, and shows life where it is time.
  // Ensures: true where the connection must be closed at once.
  bool CheckDeadlines(std::int64_t now_ns);

  void OnRead() override;
  bool OnFrame(const Frame& frame) override;
  std::uint32_t max_frame_bytes() const override { return max_frame_bytes_; }
  std::size_t max_output_bytes() const;

  // Set and read by the gateway.
  bool read_waits = false;   // An operation of the reactor holds the session.
  bool write_waits = false;  // Another one.
  bool dirty = false;        // In the list of those with output.
  bool output_ended = false;

 private:
  void OnLogon(const Frame& frame);
  bool Prove(std::string_view token, engine::LogonBody& body);
  void OnCommand(const Frame& frame);
  void Refuse(const Request& request, FrameRefusal refusal, std::uint32_t retry_after_ms);
  void RefuseAndEnd(const Frame& frame, engine::Reason reason, TerminateReason why);
  std::uint32_t Throttle(const Request& request);
  void Welcome();
  void Keep(const engine::Event& event);
  // So much of numbered events may wait in memory, and no more: they are on disk.
  std::size_t room_for_numbered() const;
  bool lagging() const { return connection_.waiting_bytes() > room_for_numbered(); }

  Admission::Place place_;
  const std::uint64_t id_;
  SessionDesk& desk_;
  Connection connection_;
  EventStream stream_;
  Phase phase_ = Phase::kConnected;
  std::int64_t certificate_ends_s_ = INT64_MAX;  // Since 1970.
  engine::CredentialKind kind_{};
  bool asks_to_cancel_ = false;        // By its Logon;
  bool cancel_on_disconnect_ = false;  // and once it is logged on.
  std::uint16_t heartbeat_s_;
  std::uint32_t max_frame_bytes_ = kDeviceFrameBytesMax;
  engine::CredentialId credential_{};
  std::uint64_t logon_ = 0;
  LoggedOnCredential* entry_ = nullptr;
  std::vector<engine::MarketId> markets_;
  std::uint64_t wanted_event_ = 0;  // The Logon's next_event.
  engine::LogonAnswerEvent logon_answer_;
  std::vector<engine::Event> early_;  // Told before the client hears that it is logged on.
  CatchUp catch_up_;
  std::int64_t phase_ns_;             // Since when it is in its phase.
  std::int64_t received_ns_;          // The last whole frame.
  std::int64_t partial_ns_ = 0;       // Since when a frame is incomplete; 0: none is.
  std::uint64_t frames_ = 0;          // Received.
  std::uint64_t partial_frames_ = 0;  // frames_ when the incomplete one was seen first.
  std::int64_t sent_ns_;              // When output was last appended, as far as seen.
  std::uint64_t sent_bytes_ = 0;      // sent_total() then.
  std::int64_t progress_ns_;          // When the client last took a byte, or none waited.
};

}  // namespace gateway
