// How many orders a second a real daemon on loopback acknowledges, each of them on disk, by
// connections, orders a frame and unanswered frames; and a bare Asio server that answers each frame
// with as many bytes. The load, the daemon and the bare server are a process each.
// The journal is in the current folder, so run it on the disk in question.
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/real_daemon.h"
#include "bench/round_trip_load.h"
#include "bench/server_process.h"
#include "engine/core/check.h"
#include "gateway/token.h"
#include "tests/support/test_certificates.h"

namespace bench {
namespace {

constexpr std::uint32_t kAccounts = 10'000;
constexpr std::uint32_t kProducts = 100;  // Of an hour; all gates are hours away.
constexpr std::uint64_t kFramesAnIteration = 10'000;

std::string TokenOf(std::uint32_t client) { return "pw_bench_" + std::to_string(client + 1); }

LoadShape ShapeOf(const benchmark::State& state) {
  return {.connections = static_cast<std::uint32_t>(state.range(0)),
          .orders_a_frame = static_cast<std::uint32_t>(state.range(1)),
          .window = static_cast<std::uint32_t>(state.range(2))};
}

// The certificates of a daemon and its clients, made for one measurement.
class Certificates {
 public:
  explicit Certificates(std::uint32_t clients) {
    daemon_ = folder_.Put("daemon", authority_.Daemon(), authority_.certificate());
    for (std::uint32_t i = 1; i <= clients; ++i) {
      const gateway::TestCertificate own = authority_.Device();
      const auto identity = gateway::TlsIdentity::ForClient(
          folder_.Put("client-" + std::to_string(i), own, authority_.certificate()));
      CHECK(identity.ok());
      clients_.push_back(*identity);
      rows_ += std::to_string(i) + "," + gateway::HexOfHash(own.hash) + "\n";
    }
  }

  const gateway::TlsFiles& daemon() const { return daemon_; }
  const std::string& rows() const { return rows_; }
  std::shared_ptr<const gateway::TlsIdentity> client(std::uint32_t i) const { return clients_[i]; }

 private:
  gateway::CertificateFolder folder_;
  gateway::TestAuthority authority_{"bench"};
  gateway::TlsFiles daemon_;
  std::vector<std::shared_ptr<const gateway::TlsIdentity>> clients_;
  std::string rows_;
};

enum class Server : std::uint8_t { kDaemon, kBare };

std::vector<LoadAccounts> DealOut(const LoadShape& shape, Server server, const Certificates* tls) {
  std::vector<LoadAccounts> all(shape.connections);
  const std::uint32_t each = kAccounts / shape.connections;
  for (std::uint32_t i = 0; i < shape.connections; ++i) {
    all[i].logs_on = server == Server::kDaemon;
    if (tls != nullptr) all[i].tls = tls->client(i);
    if (tls == nullptr && all[i].logs_on) all[i].token = TokenOf(i);
    all[i].first_account = std::uint64_t{i} * each + 1;
    all[i].accounts = each;
  }
  return all;
}

std::vector<engine::ProductId> ProductsFrom(std::int64_t now_s) {
  std::vector<engine::ProductId> products;
  const auto hour = static_cast<std::uint32_t>(now_s / 3'600);
  for (std::uint32_t i = 0; i < kProducts; ++i) {
    products.push_back({engine::MarketId(1), (hour + 4 + i) * 60});
  }
  return products;
}

DaemonFiles FilesFor(const std::vector<LoadAccounts>& accounts, const Certificates* tls) {
  DaemonFiles files{.markets =
                        "[[market]]\nid = 1\nslot_minutes = 60\nopen_before_s = 604800\n"
                        "gate_before_s = 3600\nparty_orders_max = 4096\n",
                    .accounts = {},
                    .credentials = {},
                    .init_options = "--order-capacity " + std::to_string(std::uint64_t{1} << 26)};
  std::ostringstream account_lines;
  std::ostringstream credential_lines;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    credential_lines << i + 1 << ",aggregator,"
                     << gateway::HexOfHash(
                            gateway::HashToken(TokenOf(static_cast<std::uint32_t>(i))))
                     << ",4000000000\n";
    for (std::uint32_t n = 0; n < accounts[i].accounts; ++n) {
      const std::uint64_t id = accounts[i].first_account + n;
      account_lines << id << ',' << id << ',' << id << ",1," << i + 1 << ",0,0\n";
    }
  }
  files.accounts = account_lines.str();
  files.credentials = credential_lines.str();
  if (tls != nullptr) {
    files.tls = tls->daemon();
    files.certificates = tls->rows();
  }
  return files;
}

// The server of a kind, with its certificates where it is over TLS.
class Served {
 public:
  Served(const LoadShape& shape, Server server, bool over_tls) {
    if (over_tls) tls_.emplace(shape.connections);
    const Certificates* const tls = tls_ ? &*tls_ : nullptr;
    accounts_ = DealOut(shape, server, tls);
    if (server == Server::kDaemon) {
      daemon_.emplace(FilesFor(accounts_, tls));
      return;
    }
    std::vector<std::string> arguments = {ProgramBeside("bare_server")};
    if (tls != nullptr) {
      const gateway::TlsFiles& files = tls->daemon();
      arguments.insert(arguments.end(), {files.certificate, files.key, files.authorities});
    }
    bare_.emplace(arguments);
  }

  const ServerProcess& process() const { return daemon_ ? daemon_->process() : *bare_; }
  const std::vector<LoadAccounts>& accounts() const { return accounts_; }

 private:
  std::optional<Certificates> tls_;
  std::vector<LoadAccounts> accounts_;
  std::optional<RealDaemon> daemon_;
  std::optional<ServerProcess> bare_;
};

void RoundTrips(benchmark::State& state, Server server, bool over_tls) {
  const LoadShape shape = ShapeOf(state);
  const Served served(shape, server, over_tls);
  const std::int64_t empty_bytes = served.process().ResidentBytes();
  RoundTripLoad load(served.process().port(), shape, served.accounts(),
                     ProductsFrom(std::time(nullptr)));
  const std::int64_t idle_bytes = served.process().ResidentBytes() - empty_bytes;
  load.Run(shape.connections);  // The first frames pay for what is made once.
  const std::int64_t cpu_ns = served.process().CpuNs();
  for (auto _ : state) load.Run(kFramesAnIteration);
  const auto frames = static_cast<double>(state.iterations()) * kFramesAnIteration;
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kFramesAnIteration * shape.orders_a_frame));
  state.counters["server_cpu_ns_a_frame"] =
      static_cast<double>(served.process().CpuNs() - cpu_ns) / frames;
  state.counters["answer_bytes"] = static_cast<double>(load.answer_bytes());
  state.counters["kib_a_connection"] =
      static_cast<double>(idle_bytes) / 1'024 / static_cast<double>(shape.connections);
}

void BM_Daemon(benchmark::State& state) { RoundTrips(state, Server::kDaemon, false); }
void BM_BareServer(benchmark::State& state) { RoundTrips(state, Server::kBare, false); }
void BM_DaemonTls(benchmark::State& state) { RoundTrips(state, Server::kDaemon, true); }
void BM_BareServerTls(benchmark::State& state) { RoundTrips(state, Server::kBare, true); }

// Connections a second, each with a whole handshake in which both show a certificate, and with the
// daemon a logon.
void Handshakes(benchmark::State& state, Server server) {
  const LoadShape shape{.connections = static_cast<std::uint32_t>(state.range(0))};
  const Served served(shape, server, true);
  const std::int64_t cpu_ns = served.process().CpuNs();
  for (auto _ : state) {
    const RoundTripLoad load(served.process().port(), shape, served.accounts(),
                             ProductsFrom(std::time(nullptr)));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["server_cpu_ns_a_handshake"] =
      static_cast<double>(served.process().CpuNs() - cpu_ns) /
      (static_cast<double>(state.iterations()) * static_cast<double>(state.range(0)));
}
void BM_DaemonHandshakes(benchmark::State& state) { Handshakes(state, Server::kDaemon); }
void BM_BareServerHandshakes(benchmark::State& state) { Handshakes(state, Server::kBare); }

void Shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"connections", "orders", "window"})
      ->Args({1, 1, 1})
      ->Args({1'000, 1, 1})
      ->Args({16, 64, 4})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}
void Connections(benchmark::internal::Benchmark* bench) {
  bench->ArgName("connections")->Arg(200)->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(BM_Daemon)->Apply(Shapes);
BENCHMARK(BM_BareServer)->Apply(Shapes);
BENCHMARK(BM_DaemonTls)->Apply(Shapes);
BENCHMARK(BM_BareServerTls)->Apply(Shapes);
BENCHMARK(BM_DaemonHandshakes)->Apply(Connections);
BENCHMARK(BM_BareServerHandshakes)->Apply(Connections);

}  // namespace
}  // namespace bench
