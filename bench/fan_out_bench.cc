// How long it takes until the last of many connections has heard of its fill, from the order that
// fills all of them at once; and a bare server that sends each as many bytes, in a plain loop of
// send. Load, daemon and bare server are a process each. The journal is in the current folder.
#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench/real_daemon.h"
#include "bench/server_process.h"
#include "engine/core/check.h"
#include "engine/journal/file_descriptor.h"
#include "gateway/client_codec.h"
#include "gateway/token.h"

namespace bench {
namespace {

using engine::FileDescriptor;

std::string TokenOf(std::uint32_t connection) {
  return "pw_bench_" + std::to_string(connection + 1);
}

// One connection, whose frames are counted by type.
class Listener final : public gateway::MessageHandler {
 public:
  explicit Listener(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    CHECK(fd_.valid());
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
    const int on = 1;
    CHECK(::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
  }

  int fd() const { return fd_.get(); }
  void Send(const gateway::Bytes& frame) const {
    CHECK(::send(fd_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()));
  }
  // What is there; waits only until something is.
  void Receive() {
    const ssize_t got = ::recv(fd_.get(), reinterpret_cast<std::byte*>(buffer_.data()) + held_,
                               sizeof(buffer_) - held_, 0);
    CHECK(got > 0);
    held_ += static_cast<std::size_t>(got);
    auto rest = std::as_bytes(std::span(buffer_)).first(held_);
    for (;;) {
      const gateway::Scan scan = gateway::ScanFrame(rest, gateway::kDeviceFrameBytesMax);
      if (scan.result != gateway::ScanResult::kFrame) break;
      CHECK(gateway::Deliver(scan.frame, *this));
      rest = rest.subspan(scan.length);
    }
    std::copy(rest.begin(), rest.end(), reinterpret_cast<std::byte*>(buffer_.data()));
    held_ = rest.size();
  }

  void OnLogonAnswer(const gateway::LogonAnswerMessage& message) override {
    CHECK(message.reason == engine::Reason::kNone);
    ++answers;
  }
  void OnAnswer(const gateway::AnswerMessage& message) override {
    CHECK(message.answer.reason == engine::Reason::kNone && message.refused.empty());
    ++answers;
  }
  void OnFills(std::uint64_t /*first*/, std::span<const engine::FillEvent> some) override {
    fills += some.size();
  }

  std::uint64_t answers = 0;
  std::uint64_t fills = 0;

 private:
  const FileDescriptor fd_;
  std::array<std::uint64_t, gateway::kDeviceFrameBytesMax / 8> buffer_;
  std::size_t held_ = 0;
};

// All connections, and what has come over them.
class Audience {
 public:
  // One after the other, each with its logon where `logs_on`.
  Audience(std::uint16_t port, std::uint32_t connections, bool logs_on)
      : epoll_(::epoll_create1(0)) {
    gateway::RequestBuilder builder;
    for (std::uint32_t i = 0; i < connections; ++i) {
      listeners_.push_back(std::make_unique<Listener>(port));
      if (logs_on) {
        gateway::Bytes frame;
        builder.Logon({.token = TokenOf(i), .heartbeat_s = 300}, frame);
        listeners_.back()->Send(frame);
        while (listeners_.back()->answers == 0) listeners_.back()->Receive();
      }
      epoll_event event{.events = EPOLLIN, .data = {.u32 = i}};
      CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listeners_.back()->fd(), &event) == 0);
    }
  }

  Listener& operator[](std::uint32_t i) { return *listeners_[i]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(listeners_.size()); }

  // Until each of the first `count` has heard one thing more, an answer or a fill.
  template <typename Count>
  void HearOneMore(std::uint32_t count, Count heard) {
    std::vector<std::uint64_t> before(size());
    for (std::uint32_t i = 0; i < count; ++i) before[i] = heard(*listeners_[i]);
    for (std::uint32_t left = count; left > 0;) {
      std::array<epoll_event, 256> ready;
      const int events = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), 20'000);
      CHECK(events > 0);
      for (const epoll_event& event : std::span(ready).first(static_cast<std::size_t>(events))) {
        Listener& listener = *listeners_[event.data.u32];
        const std::uint64_t old = heard(listener);
        listener.Receive();
        const bool is_first = event.data.u32 < count && old == before[event.data.u32];
        left -= is_first && heard(listener) > old ? 1 : 0;
      }
    }
  }

 private:
  const FileDescriptor epoll_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

std::uint64_t AnswersOf(const Listener& listener) { return listener.answers; }
std::uint64_t FillsOf(const Listener& listener) { return listener.fills; }

// A credential and an account a connection; the last one buys.
DaemonFiles FilesFor(std::uint32_t connections) {
  DaemonFiles files{.markets =
                        "[[market]]\nid = 1\nslot_minutes = 60\nopen_before_s = 604800\n"
                        "gate_before_s = 3600\nparty_orders_max = 4096\nrule = \"continuous\"\n",
                    .accounts = {},
                    .credentials = {},
                    .init_options = "--order-capacity " + std::to_string(std::uint64_t{1} << 24)};
  std::ostringstream accounts;
  std::ostringstream credentials;
  for (std::uint32_t i = 1; i <= connections; ++i) {
    const std::string hash = gateway::HexOfHash(gateway::HashToken(TokenOf(i - 1)));
    credentials << i << ",device," << hash << ",1000\n";
    accounts << i << ',' << i << ',' << i << ",1," << i << ",0,0\n";
  }
  files.accounts = accounts.str();
  files.credentials = credentials.str();
  return files;
}

// Each sells a watt-hour, and the last buys them all.
class Sale {
 public:
  Sale(Audience& audience, engine::ProductId product) : audience_(audience), product_(product) {}

  void Offer() {
    ++seq_;
    for (std::uint32_t i = 0; i < sellers(); ++i) Send(i, engine::Side::kSell, 1);
    audience_.HearOneMore(sellers(), AnswersOf);
  }
  void BuyAll() {
    Send(sellers(), engine::Side::kBuy, sellers());
    audience_.HearOneMore(sellers(), FillsOf);
  }
  // The buyer's own answer and fills are not what is measured.
  void HearTheRest() {
    while (FillsOf(audience_[sellers()]) < seq_ * sellers()) {
      audience_[sellers()].Receive();
    }
  }

 private:
  std::uint32_t sellers() const { return audience_.size() - 1; }
  void Send(std::uint32_t i, engine::Side side, std::uint32_t energy_wh) {
    const engine::OrderBody order{.account = engine::AccountId(i + 1),
                                  .client_order_id = engine::ClientOrderId(seq_),
                                  .product = product_,
                                  .limit_ticks = 100,
                                  .energy_wh = energy_wh,
                                  .side = side};
    gateway::Bytes frame;
    builder_.Orders(engine::CommandType::kSubmitOrders, seq_, std::span(&order, 1), frame);
    audience_[i].Send(frame);
  }

  Audience& audience_;
  const engine::ProductId product_;
  gateway::RequestBuilder builder_;
  std::uint64_t seq_ = 0;
};

void BM_Daemon(benchmark::State& state) {
  const auto connections = static_cast<std::uint32_t>(state.range(0)) + 1;
  const RealDaemon daemon(FilesFor(connections));
  Audience audience(daemon.process().port(), connections, true);
  const auto hour = static_cast<std::uint32_t>(std::time(nullptr) / 3'600);
  Sale sale(audience, {engine::MarketId(1), (hour + 4) * 60});
  for (auto _ : state) {
    state.PauseTiming();
    sale.Offer();
    state.ResumeTiming();
    sale.BuyAll();
    state.PauseTiming();
    sale.HearTheRest();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_BareSend(benchmark::State& state) {
  const auto connections = static_cast<std::uint32_t>(state.range(0)) + 1;
  const ServerProcess server({ProgramBeside("bare_server"), "--fan-out"});
  Audience audience(server.port(), connections, false);
  gateway::RequestBuilder builder;
  gateway::Bytes trigger;
  builder.Heartbeat(trigger);
  for (auto _ : state) {
    audience[connections - 1].Send(trigger);
    audience.HearOneMore(connections - 1, FillsOf);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// A seller may have so many orders in the one product.
void Connections(benchmark::internal::Benchmark* bench) {
  bench->ArgName("connections")->Arg(1'000)->Arg(9'900)->Unit(benchmark::kMillisecond);
  bench->Iterations(20);
  bench->UseRealTime();
}
BENCHMARK(BM_Daemon)->Apply(Connections);
BENCHMARK(BM_BareSend)->Apply(Connections);

}  // namespace
}  // namespace bench
