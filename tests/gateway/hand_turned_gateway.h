// A gateway on a loopback port that a test turns by hand, and the shard's end of its link.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "engine/runtime/clock.h"
#include "engine/runtime/doorbell.h"
#include "engine/runtime/link.h"
#include "engine/runtime/outbox.h"
#include "gateway/client_codec.h"
#include "gateway/gateway.h"
#include "tests/gateway/wire_twin.h"

namespace gateway {

class HandClock final : public engine::Clock {
 public:
  std::int64_t NowNs() override { return now_ns; }
  std::int64_t RealNsUntil(std::int64_t time_ns) override { return time_ns - now_ns; }
  std::int64_t MonotonicNs() override {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  std::int64_t now_ns = 1'700'000'000'000'000'000;
};

// A command that the gateway sent, copied out of the ring.
struct SentCommand {
  std::vector<std::uint64_t> memory;
  engine::CommandView view() const {
    return engine::CommandView(reinterpret_cast<const engine::CommandHeader*>(memory.data()));
  }
  const engine::CommandHeader& header() const { return view().header(); }
};

class HandTurnedGateway {
 public:
  static constexpr std::size_t kEvents = std::size_t{1} << 12;

  explicit HandTurnedGateway(const GatewayOptions& options = Quick(),
                             const AdmissionLimits& most = {.connections = 100},
                             std::uint64_t bytes = std::uint64_t{64} << 20,
                             std::size_t command_bytes = std::size_t{1} << 18,
                             bool has_outbox = false)
      : link_(engine::MakeLink({.command_bytes = command_bytes, .events = kEvents}, bell_,
                               shard_bell_)),
        missed_(engine::MakeMissedLink(bell_, outbox_bell_)),
        limits_(most, bytes),
        gateway_(options, clock_, std::move(link_.gateway), limits_,
                 has_outbox ? std::optional(std::move(missed_.gateway)) : std::nullopt) {
    auto listener = Listener::Open("127.0.0.1", 0);
    EXPECT_TRUE(listener.ok()) << listener.status();
    port_ = listener->port();
    EXPECT_TRUE(gateway_.Listen(*listener).ok());
  }

  // Deadlines that a test can wait for, checked often.
  static GatewayOptions Quick() {
    GatewayOptions options;
    options.tick = std::chrono::milliseconds(2);
    options.drain_timeout = std::chrono::milliseconds(100);  // Nobody answers what nobody asked.
    return options;
  }

  Gateway& gateway() { return gateway_; }
  HandClock& clock() { return clock_; }
  Budget& budget() { return limits_.budget; }
  Admission& admission() { return limits_.admission; }
  std::uint16_t port() const { return port_; }

  std::uint64_t next_event = 1;  // Of every credential, when a logon is answered.

  // So many logons were answered, here and at other gateways.
  void SetLogons(std::uint64_t logons) { logons_ = logons; }

  // Turns the gateway until `done`; a test that waits in vain fails.
  template <typename Done>
  bool TurnUntil(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      gateway_.Turn();
      if (std::chrono::steady_clock::now() > end) return false;
    }
    return true;
  }

  // The next command that the gateway sends to the shard.
  SentCommand NextCommand() {
    EXPECT_TRUE(TurnUntil([&] { return HasCommand(); }));
    return TakeCommand();
  }
  bool HasCommand() { return link_.shard.commands.Front() != nullptr; }
  // Turns nothing. Requires: HasCommand().
  SentCommand TakeCommand() {
    engine::CommandHeader* front = link_.shard.commands.Front();
    SentCommand command;
    if (front == nullptr) return command;
    command.memory.resize(front->length / 8);
    std::memcpy(command.memory.data(), front, front->length);
    link_.shard.commands.Pop();
    link_.shard.commands.Release();
    return command;
  }

  void Send(const engine::Event& event) {
    ASSERT_NE(link_.shard.events.Room(), 0U);
    link_.shard.events.Put(event);
    link_.shard.events.Publish();
    link_.shard.RingGateway();
  }

  // The outbox's end of its link.
  engine::MissedOutboxEnd& outbox() { return missed_.outbox; }

  // Whether the gateway has not yet taken all events.
  bool HasEvents() { return link_.shard.events.Room(kEvents) < kEvents; }

  // Answers a Logon as the exchange would; each is the newest of all.
  void AnswerLogon(const SentCommand& logon, std::uint32_t credential,
                   engine::CredentialKind kind = engine::CredentialKind::kAggregator,
                   engine::Reason reason = engine::Reason::kNone,
                   std::uint64_t next_client_seq = 1) {
    const std::uint64_t session = logon.view().Items<engine::LogonBody>()[0].session;
    engine::Event market;
    market.type = engine::EventType::kLogonMarket;
    market.logon_market = {.session = session, .market = engine::MarketId(1)};
    if (reason == engine::Reason::kNone) Send(market);
    engine::Event answer;
    answer.type = engine::EventType::kLogonAnswer;
    answer.credential = engine::CredentialId(credential);
    answer.logon_answer = {.session = session,
                           .next_client_seq = next_client_seq,
                           .next_event = next_event,
                           .logon = ++logons_,
                           .orders_per_second = 0,
                           .reason = reason,
                           .kind = kind};
    Send(answer);
  }

  engine::Event Accepted(const SentCommand& command) {
    engine::Event event;
    event.type = engine::EventType::kAnswer;
    event.credential = command.header().credential;
    event.answer = {.client_seq = command.header().client_seq,
                    .time_ns = clock_.now_ns,
                    .command_sequence = ++sequence_,
                    .command = command.header().type,
                    .items = command.header().count};
    return event;
  }

  // As the exchange answers a command that is not the next one.
  engine::Event Gap(const SentCommand& command, std::uint64_t expected) {
    engine::Event event = Accepted(command);
    event.answer.command_sequence = 0;
    event.answer.reason = engine::Reason::kSequenceGap;
    event.answer.expected_client_seq = expected;
    return event;
  }

  // Breaks every connection, as a network does.
  void DropConnections() {
    ForEachConnection([](int fd) { ::shutdown(fd, SHUT_RDWR); });
  }

  // The gateway's own sockets.
  template <typename Visit>
  void ForEachConnection(Visit visit) {
    for (int fd = 3; fd < 1'024; ++fd) {
      sockaddr_in local{};
      sockaddr_in peer{};
      socklen_t length = sizeof(local);
      socklen_t peer_length = sizeof(peer);
      // The listener has our port too, but no peer.
      const bool ours = ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0 &&
                        ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_length) == 0 &&
                        local.sin_family == AF_INET && ntohs(local.sin_port) == port_;
      if (ours) visit(fd);
    }
  }

 private:
  engine::Doorbell bell_;
  engine::Doorbell shard_bell_;
  HandClock clock_;
  engine::Doorbell outbox_bell_;
  engine::Link link_;
  engine::MissedLink missed_;
  ConnectionLimits limits_;
  Gateway gateway_;
  std::uint16_t port_ = 0;
  std::uint64_t sequence_ = 100;
  std::uint64_t logons_ = 0;
};

// A client that says exactly the bytes that it is told to.
class RawClient : public MessageHandler {
 public:
  explicit RawClient(HandTurnedGateway& daemon) : daemon_(daemon), socket_(io_) {
    socket_.connect({boost::asio::ip::make_address("127.0.0.1"), daemon.port()});
    socket_.non_blocking(true);
  }

  void Say(const Bytes& bytes) {
    std::size_t said = 0;
    EXPECT_TRUE(daemon_.TurnUntil([&] {
      boost::system::error_code error;
      said +=
          socket_.write_some(boost::asio::buffer(bytes.data() + said, bytes.size() - said), error);
      return said == bytes.size() || (error && error != boost::asio::error::would_block);
    }));
  }
  void LogOn(std::uint16_t heartbeat_s = 0, bool cancel_on_disconnect = false,
             std::uint64_t next_event = 0) {
    Bytes bytes;
    builder.Logon({.token = "pw_secret",
                   .next_event = next_event,
                   .heartbeat_s = heartbeat_s,
                   .cancel_on_disconnect = cancel_on_disconnect},
                  bytes);
    Say(bytes);
  }
  // Logs on and hears the answer.
  void LogOnAs(std::uint32_t credential,
               engine::CredentialKind kind = engine::CredentialKind::kAggregator,
               bool cancel_on_disconnect = false) {
    LogOn(0, cancel_on_disconnect);
    daemon_.AnswerLogon(daemon_.NextCommand(), credential, kind);
    EXPECT_TRUE(HearUntil([&] { return logon_answers == 1; }));
  }
  void Submit(std::uint64_t client_seq, std::size_t orders = 1) {
    const std::vector<engine::OrderBody> bodies(orders,
                                                {.account = engine::AccountId(1),
                                                 .client_order_id = engine::ClientOrderId(1),
                                                 .product = {engine::MarketId(1), 100},
                                                 .limit_ticks = 5,
                                                 .energy_wh = 10});
    Bytes bytes;
    builder.Orders(engine::CommandType::kSubmitOrders, client_seq, bodies, bytes);
    Say(bytes);
  }

  // Turns the gateway and reads until `done`.
  template <typename Done>
  bool HearUntil(Done done) {
    return daemon_.TurnUntil([&] {
      Hear();
      return done();
    });
  }
  bool HearTermination(TerminateReason reason) {
    const bool heard = HearUntil([&] { return ended; });
    EXPECT_EQ(terminated, reason) << TerminateReasonName(terminated);
    return heard && terminated == reason;
  }
  void Close() { socket_.close(); }

  void OnLogonAnswer(const LogonAnswerMessage& message) override {
    ++logon_answers;
    logon = message;
    markets.assign(message.markets.begin(), message.markets.end());
  }
  void OnHeartbeat(std::int64_t time_ns) override {
    ++heartbeats;
    server_time_ns = time_ns;
  }
  void OnAnswer(const AnswerMessage& message) override {
    answers.push_back(message);
    refused.assign(message.refused.begin(), message.refused.end());
  }
  void OnFills(std::uint64_t first, std::span<const engine::FillEvent> some) override {
    for (std::size_t i = 0; i < some.size(); ++i) numbers.push_back(first + i);
    fills += some.size();
  }
  void OnProductOpened(const engine::ProductOpenedEvent&) override { ++products; }
  void OnTerminate(const TerminateMessage& message) override {
    terminated = message.reason;
    reconnect_after_ms = message.reconnect_after_ms;
  }

  RequestBuilder builder;
  int logon_answers = 0;
  int heartbeats = 0;
  int products = 0;
  std::size_t fills = 0;
  std::vector<std::uint64_t> numbers;  // Of the fills.
  std::int64_t server_time_ns = 0;
  LogonAnswerMessage logon;
  std::vector<engine::MarketId> markets;
  std::vector<AnswerMessage> answers;
  std::vector<engine::Refusal> refused;
  TerminateReason terminated{};
  std::uint32_t reconnect_after_ms = 0;
  bool ended = false;  // The daemon has closed its side.

 private:
  void Hear() {
    std::byte buffer[4'096];
    boost::system::error_code error;
    const std::size_t read = socket_.read_some(boost::asio::buffer(buffer), error);
    heard_.insert(heard_.end(), buffer, buffer + read);
    ended |= error && error != boost::asio::error::would_block;
    while (true) {
      const Scan scan = ScanFrame(heard_, kFrameBytesMax);
      if (scan.result != ScanResult::kFrame) break;
      EXPECT_TRUE(Deliver(scan.frame, *this));
      heard_.erase(heard_.begin(), heard_.begin() + scan.length);
    }
  }

  HandTurnedGateway& daemon_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  Bytes heard_;
};

}  // namespace gateway
