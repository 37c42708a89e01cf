// How many orders a second a real daemon on loopback acknowledges, each of them on disk, by
// connections, orders a frame and unanswered frames; and a bare Asio server that answers each frame
// with as many bytes. The load, the daemon and the bare server are a process each.
// The journal is in the current folder, so run it on the disk in question.
#include <cstdint>
#include <ctime>
#include <sstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/real_daemon.h"
#include "bench/round_trip_load.h"
#include "bench/server_process.h"
#include "gateway/token.h"

namespace bench {
namespace {

constexpr std::uint32_t kAccounts = 10'000;
constexpr std::uint32_t kProducts = 100;  // Of an hour; all gates are hours away.
constexpr std::uint64_t kFramesAnIteration = 10'000;

LoadShape ShapeOf(const benchmark::State& state) {
  return {.connections = static_cast<std::uint32_t>(state.range(0)),
          .orders_a_frame = static_cast<std::uint32_t>(state.range(1)),
          .window = static_cast<std::uint32_t>(state.range(2))};
}

std::vector<LoadAccounts> DealOut(const LoadShape& shape, bool tokens) {
  std::vector<LoadAccounts> all(shape.connections);
  const std::uint32_t each = kAccounts / shape.connections;
  for (std::uint32_t i = 0; i < shape.connections; ++i) {
    if (tokens) all[i].token = "pw_bench_" + std::to_string(i + 1);
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

DaemonFiles FilesFor(const std::vector<LoadAccounts>& accounts) {
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
                     << gateway::HexOfHash(gateway::HashToken(accounts[i].token))
                     << ",4000000000\n";
    for (std::uint32_t n = 0; n < accounts[i].accounts; ++n) {
      const std::uint64_t id = accounts[i].first_account + n;
      account_lines << id << ',' << id << ',' << id << ",1," << i + 1 << ",0,0\n";
    }
  }
  files.accounts = account_lines.str();
  files.credentials = credential_lines.str();
  return files;
}

void Measure(benchmark::State& state, const ServerProcess& server, bool tokens) {
  const LoadShape shape = ShapeOf(state);
  RoundTripLoad load(server.port(), shape, DealOut(shape, tokens),
                     ProductsFrom(std::time(nullptr)));
  load.Run(shape.connections);  // The first frames pay for what is made once.
  const std::int64_t cpu_ns = server.CpuNs();
  for (auto _ : state) load.Run(kFramesAnIteration);
  const auto frames = static_cast<double>(state.iterations()) * kFramesAnIteration;
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kFramesAnIteration * shape.orders_a_frame));
  state.counters["server_cpu_ns_a_frame"] = static_cast<double>(server.CpuNs() - cpu_ns) / frames;
  state.counters["answer_bytes"] = static_cast<double>(load.answer_bytes());
}

void BM_Daemon(benchmark::State& state) {
  const RealDaemon daemon(FilesFor(DealOut(ShapeOf(state), true)));
  Measure(state, daemon.process(), true);
}
void BM_BareServer(benchmark::State& state) {
  const ServerProcess server({ProgramBeside("bare_server")});
  Measure(state, server, false);
}

void Shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"connections", "orders", "window"})
      ->Args({1, 1, 1})
      ->Args({1'000, 1, 1})
      ->Args({16, 64, 4})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}
BENCHMARK(BM_Daemon)->Apply(Shapes);
BENCHMARK(BM_BareServer)->Apply(Shapes);

}  // namespace
}  // namespace bench
