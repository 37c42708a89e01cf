#include "gateway/session.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <ctime>
#include <limits>
#include <utility>

#include <boost/asio/detail/socket_option.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "gateway/token.h"

namespace gateway {
namespace {

using engine::Reason;

std::int64_t Ns(std::chrono::milliseconds time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

// Whether to come back later helps, without anything changed at the client.
bool MayReconnect(TerminateReason reason) {
  switch (reason) {
    case TerminateReason::kShutdown:
    case TerminateReason::kIdle:
    case TerminateReason::kSlowReader:
    case TerminateReason::kTooManyConnections:
    case TerminateReason::kOverBudget:
    case TerminateReason::kBusy:
    case TerminateReason::kInternal:
    case TerminateReason::kLogonTimeout:
    case TerminateReason::kFrameTimeout:
      return true;
    default:
      return false;
  }
}

}  // namespace

Session::Session(std::uint64_t id, Connection::Socket socket, Budget& budget, SessionDesk& desk,
                 std::int64_t now_ns)
    : id_(id),
      desk_(desk),
      connection_(std::move(socket), budget),
      heartbeat_s_(desk.options.heartbeat_default_s),
      phase_ns_(now_ns),
      received_ns_(now_ns),
      partial_ns_(now_ns),
      sent_ns_(now_ns),
      progress_ns_(now_ns) {}

void Session::SetUserTimeout() {
  using UserTimeout = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  boost::system::error_code error;
  const auto most = static_cast<int>(std::min<std::int64_t>(
      desk_.options.slow_reader_timeout.count(), std::numeric_limits<int>::max()));
  connection_.socket().set_option(UserTimeout(most), error);
}

void Session::Secure(std::shared_ptr<const TlsIdentity> tls) {
  connection_.Secure(std::move(tls));
  phase_ = Phase::kSecuring;
}

void Session::Secured(std::int64_t now_ns) {
  phase_ = Phase::kConnected;
  phase_ns_ = now_ns;
  certificate_ends_s_ = connection_.tls()->PeerEndsAt();
}

bool Session::HandshakeIsLate(std::int64_t now_ns) const {
  return now_ns - phase_ns_ > Ns(desk_.options.logon_timeout);
}

std::size_t Session::max_output_bytes() const {
  return kind_ == engine::CredentialKind::kDevice ? desk_.options.device_output_bytes
                                                  : desk_.options.aggregator_output_bytes;
}

void Session::OnRead() {
  desk_.stamp_ns = desk_.link.BeginRead(desk_.clock);
  desk_.reading = true;
}

bool Session::OnFrame(const Frame& frame) {
  ++frames_;
  if (frame.version != kWireVersion) {
    Refuse({.type = static_cast<engine::CommandType>(frame.type)}, {Reason::kUnknownMessage, 0}, 0);
    return true;
  }
  switch (frame.type) {
    case MessageType::kLogon:
      OnLogon(frame);
      break;
    case MessageType::kLogout:
      if (IsValidLogout(frame)) {
        Terminate(TerminateReason::kLogout);
      } else {
        RefuseAndEnd(frame, Reason::kMalformed, TerminateReason::kMalformed);
      }
      break;
    case MessageType::kHeartbeat:
      if (!IsValidHeartbeat(frame)) {
        RefuseAndEnd(frame, Reason::kMalformed, TerminateReason::kMalformed);
      }
      break;
    default:
      OnCommand(frame);
  }
  return !closing();
}

void Session::OnLogon(const Frame& frame) {
  if (phase_ != Phase::kConnected) {
    Terminate(TerminateReason::kAlreadyLoggedOn);
    return;
  }
  LogonRequest logon;
  if (!ReadLogon(frame, logon)) {
    RefuseAndEnd(frame, Reason::kMalformed, TerminateReason::kMalformed);
    return;
  }
  engine::LogonBody body{.session = id_, .next_event = logon.next_event};
  if (!Prove(logon.token, body)) {
    RefuseAndEnd(frame, Reason::kMalformed, TerminateReason::kMalformed);
    return;
  }
  constexpr std::uint32_t kLength = sizeof(engine::CommandHeader) + sizeof(body);
  engine::CommandHeader* command = desk_.link.commands.Claim(kLength);
  if (command == nullptr) {
    Terminate(TerminateReason::kBusy);
    return;
  }
  command->time_ns = desk_.stamp_ns;
  command->type = engine::CommandType::kLogon;
  command->count = 1;
  std::memcpy(reinterpret_cast<std::byte*>(command + 1), &body, sizeof(body));
  desk_.link.commands.Commit();
  desk_.committed = true;
  phase_ = Phase::kLogonAsked;
  asks_to_cancel_ = logon.cancel_on_disconnect;
  wanted_event_ = logon.next_event;
  const GatewayOptions& options = desk_.options;
  if (logon.heartbeat_s != 0) {
    heartbeat_s_ = std::clamp(logon.heartbeat_s, options.heartbeat_min_s, options.heartbeat_max_s);
  }
}

// Over TLS the certificate says who it is, and nothing else may.
bool Session::Prove(std::string_view token, engine::LogonBody& body) {
  if (connection_.tls() == nullptr) {
    body.hash = HashToken(token);
    return !token.empty();
  }
  const auto certificate = connection_.tls()->peer();
  body.proof = engine::LogonProof::kCertificate;
  if (certificate) body.hash = *certificate;
  return certificate && token.empty();
}

void Session::AcceptLogon(const engine::Event& event, LoggedOnCredential& entry) {
  logon_answer_ = event.logon_answer;
  credential_ = event.credential;
  logon_ = logon_answer_.logon;
  entry_ = &entry;
  kind_ = logon_answer_.kind;
  const std::uint64_t end = logon_answer_.next_event;
  if (wanted_event_ > end) return RefuseLogon(Reason::kEventUnknown, end);
  const bool missed = desk_.has_outbox && wanted_event_ != 0;
  catch_up_.Begin(missed ? wanted_event_ : end, end);
  if (!catch_up_.WantsMore()) Welcome();
}

void Session::Welcome() {
  phase_ = Phase::kLoggedOn;
  place_.LoggedOn();
  cancel_on_disconnect_ = asks_to_cancel_;
  const bool device = kind_ == engine::CredentialKind::kDevice;
  max_frame_bytes_ = device ? kDeviceFrameBytesMax : kFrameBytesMax;
  stream_ = EventStream(max_frame_bytes_);
  const GatewayOptions& options = desk_.options;
  std::uint32_t rate = logon_answer_.orders_per_second;
  if (rate == 0) {
    const std::array rates = {options.device_orders_per_second,
                              options.aggregator_orders_per_second,
                              options.operator_orders_per_second};
    rate = rates[std::min(static_cast<std::size_t>(kind_), rates.size() - 1)];
  }
  entry_->orders.SetRate(rate);
  const std::uint64_t cancels = std::uint64_t{rate} * options.cancel_factor;
  entry_->cancels.SetRate(static_cast<std::uint32_t>(std::min<std::uint64_t>(cancels, UINT32_MAX)));
  desk_.builder.LogonAnswer({.reason = Reason::kNone,
                             .kind = kind_,
                             .heartbeat_s = heartbeat_s_,
                             .max_frame_bytes = max_frame_bytes_,
                             .orders_per_second = rate,
                             .clock_factor = options.clock_factor,
                             .next_client_seq = logon_answer_.next_client_seq,
                             .next_event = catch_up_.next(),
                             .server_time_ns = desk_.clock.NowNs(),
                             .markets = markets_},
                            connection_.output());
  for (const engine::Event& event : std::exchange(early_, {})) {
    stream_.Add(event, desk_.builder, connection_.output());
  }
}

void Session::RefuseLogon(Reason reason, std::uint64_t next_event) {
  desk_.builder.LogonAnswer({.reason = reason,
                             .next_event = next_event,
                             .server_time_ns = desk_.clock.NowNs(),
                             .markets = {}},
                            connection_.output());
  Terminate(reason == Reason::kNotAuthorised ? TerminateReason::kNotAuthorised
                                             : TerminateReason::kEventsGone);
}

void Session::Add(const engine::Event& event) {
  if (closing()) return;
  const bool is_numbered = event.event_number != 0 && desk_.has_outbox;
  if (is_numbered && !catch_up_.TakesLive(event.event_number, lagging())) return;
  // A price that is stale by the time that a slow reader gets it is not worth its memory.
  const bool reads = phase_ == Phase::kLoggedOn && !lagging();
  if (event.type == engine::EventType::kIndicative && !reads) return;
  if (phase_ != Phase::kLoggedOn) return Keep(event);
  stream_.Add(event, desk_.builder, connection_.output());
}

// An open call for a price, say: it is told behind the logon and not again.
void Session::Keep(const engine::Event& event) {
  constexpr std::size_t kEarlyMax = 4'096;
  if (early_.size() == kEarlyMax) return Terminate(TerminateReason::kBusy);
  early_.push_back(event);
}

std::size_t Session::room_for_numbered() const {
  constexpr std::size_t kRoomMax = std::size_t{256} << 10;
  return std::min(max_output_bytes() / 2, kRoomMax);
}

engine::MissedQuery Session::NextQuery() const {
  constexpr std::size_t kEventBytes = 128;  // About what one takes on the wire, at most.
  constexpr std::size_t kPieceMax = 512;
  engine::MissedQuery query{
      .session = id_, .credential = credential_, .most = 0, .from = catch_up_.next()};
  if (closing() || lagging() || !catch_up_.WantsMore()) return query;
  const std::size_t room = room_for_numbered() - connection_.waiting_bytes();
  query.most =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(room / kEventBytes, 1, kPieceMax));
  return query;
}

// Requires: it was asked for.
void Session::AddMissed(const engine::MissedEvent& missed) {
  if (closing()) return;
  switch (missed.kind) {
    case engine::MissedEvent::Kind::kEvent:
      if (phase_ == Phase::kLogonAsked) Welcome();
      if (!catch_up_.TakesMissed(missed.event.event_number)) return;
      stream_.Add(missed.event, desk_.builder, connection_.output());
      return;
    case engine::MissedEvent::Kind::kEnd:
      catch_up_.PieceEnded();
      return;
    case engine::MissedEvent::Kind::kGone:
      if (phase_ == Phase::kLogonAsked) {
        RefuseLogon(Reason::kEventsGone,
                    missed.first != 0 ? missed.first : logon_answer_.next_event);
      } else {
        Terminate(TerminateReason::kSlowReader);  // Too slow for what is kept.
      }
      return;
    case engine::MissedEvent::Kind::kNotNow:
      Terminate(TerminateReason::kBusy);
      return;
  }
}

// 0, or the milliseconds to wait.
std::uint32_t Session::Throttle(const Request& request) {
  const bool cancels = request.type == engine::CommandType::kCancelOrders ||
                       request.type == engine::CommandType::kCancelAll ||
                       request.type == engine::CommandType::kReplyQuantities;
  TokenBucket& bucket = cancels ? entry_->cancels : entry_->orders;
  return bucket.Take(std::max(request.items, 1U), desk_.clock.MonotonicNs());
}

void Session::OnCommand(const Frame& frame) {
  if (phase_ != Phase::kLoggedOn) {
    RefuseAndEnd(frame, Reason::kNotLoggedOn, TerminateReason::kNotLoggedOn);
    return;
  }
  Request request;
  const Reason reason = Read(frame, request);
  if (reason == Reason::kMalformed) {
    RefuseAndEnd(frame, reason, TerminateReason::kMalformed);
    return;
  }
  // What is refused costs as much as what is not: the limit is also one on nonsense.
  if (const std::uint32_t wait_ms = Throttle(request); wait_ms != 0) {
    Refuse(request, {Reason::kThrottled, 0}, wait_ms);
    return;
  }
  if (reason != Reason::kNone) {
    Refuse(request, {reason, 0}, 0);
    return;
  }
  engine::CommandHeader* command = desk_.link.commands.Claim(request.command_bytes);
  if (command == nullptr) {
    Refuse(request, {Reason::kBusy, 0}, kBusyRetryMs);
    return;
  }
  const FrameRefusal refusal = Write(request, credential_, desk_.stamp_ns, command);
  if (refusal.reason != Reason::kNone) {
    Refuse(request, refusal, 0);
    return;
  }
  desk_.link.commands.Commit();
  desk_.committed = true;
}

void Session::Refuse(const Request& request, FrameRefusal refusal, std::uint32_t retry_after_ms) {
  const engine::Refusal item{.index = refusal.index, .reason = refusal.reason};
  const bool names_item =
      refusal.reason >= Reason::kBadSide && refusal.reason <= Reason::kReservedNotZero;
  const engine::AnswerEvent answer{.client_seq = request.client_seq,
                                   .time_ns = desk_.stamp_ns,
                                   .command_sequence = 0,
                                   .expected_client_seq = 0,
                                   .command = request.type,
                                   .reason = refusal.reason,
                                   .items = request.items,
                                   .refused = static_cast<std::uint16_t>(names_item ? 1 : 0)};
  desk_.builder.Answer(answer, {&item, answer.refused}, retry_after_ms, connection_.output());
}

void Session::RefuseAndEnd(const Frame& frame, Reason reason, TerminateReason why) {
  Refuse({.type = static_cast<engine::CommandType>(frame.type)}, {reason, 0}, 0);
  Terminate(why);
}

void Session::Close() {
  connection_.Close();
  phase_ = Phase::kClosing;
}

void Session::Terminate(TerminateReason reason) {
  if (closing()) return;
  phase_ns_ = desk_.clock.MonotonicNs();
  if (std::exchange(phase_, Phase::kClosing) == Phase::kSecuring) return;
  Flush();
  const bool slow =
      reason == TerminateReason::kSlowReader || reason == TerminateReason::kOverBudget;
  if (slow) connection_.DropWaiting();
  desk_.builder.Terminate(reason, MayReconnect(reason) ? desk_.options.reconnect_after_ms : 0,
                          connection_.output());
}

bool Session::CheckDeadlines(std::int64_t now_ns) {
  const GatewayOptions& options = desk_.options;
  if (closing()) return now_ns - phase_ns_ > Ns(options.closing_timeout);
  if (securing()) return HandshakeIsLate(now_ns);
  if (connection_.sent_total() != sent_bytes_ || connection_.waiting_bytes() == 0) {
    if (connection_.sent_total() != sent_bytes_) sent_ns_ = now_ns;
    sent_bytes_ = connection_.sent_total();
    progress_ns_ = now_ns;
  }
  if (frames_ != partial_frames_ || !connection_.InsideFrame()) {
    if (frames_ != partial_frames_) received_ns_ = now_ns;
    partial_frames_ = frames_;
    partial_ns_ = now_ns;
  }
  const std::int64_t heartbeat_ns = std::int64_t{heartbeat_s_} * 1'000'000'000;
  const std::int64_t idle_ns = 2 * heartbeat_ns + Ns(options.idle_slack);
  // While it waits for our own disk it is not the client that is late.
  const bool waits_for_client = phase_ != Phase::kLoggedOn && !waits_for_missed();
  if (certificate_ends_s_ < std::time(nullptr)) {
    Terminate(TerminateReason::kCertificate);
  } else if (waits_for_client && now_ns - phase_ns_ > Ns(options.logon_timeout)) {
    Terminate(TerminateReason::kLogonTimeout);
  } else if (connection_.InsideFrame() && now_ns - partial_ns_ > Ns(options.frame_timeout)) {
    Terminate(TerminateReason::kFrameTimeout);
  } else if (now_ns - progress_ns_ > Ns(options.slow_reader_timeout)) {
    Terminate(TerminateReason::kSlowReader);
  } else if (phase_ == Phase::kLoggedOn && now_ns - received_ns_ > idle_ns) {
    Terminate(TerminateReason::kIdle);
  } else if (phase_ == Phase::kLoggedOn && now_ns - sent_ns_ >= heartbeat_ns) {
    desk_.builder.Heartbeat(desk_.clock.NowNs(), connection_.output());
    sent_ns_ = now_ns;
  }
  return false;
}

}  // namespace gateway
