// How many orders a second a real daemon on loopback acknowledges, each of them on disk, by
// connections, orders a frame and unanswered frames; and a bare Asio server that answers each frame
// with as many bytes. The load, the daemon and the bare server are a process each.
// The journal is in the current folder, so run it on the disk in question.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/round_trip_load.h"
#include "bench/server_process.h"
#include "engine/core/check.h"
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

// A daemon's files, its process, and what is left of both.
class RealDaemon {
 public:
  explicit RealDaemon(const std::vector<LoadAccounts>& accounts)
      : folder_(std::filesystem::current_path() / ("round_trip_bench." + Number())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    std::ofstream(Path("markets.toml")) << "[[market]]\nid = 1\nslot_minutes = 60\n"
                                           "open_before_s = 604800\ngate_before_s = 3600\n"
                                           "party_orders_max = 4096\n";
    std::ofstream account_file(Path("accounts.csv"));
    std::ofstream credential_file(Path("credentials.csv"));
    account_file
        << "account,party,metering_point,market,credential,import_limit_w,export_limit_w\n";
    credential_file << "credential,kind,token_sha256,orders_per_second\n";
    for (std::size_t i = 0; i < accounts.size(); ++i) {
      credential_file << i + 1 << ",aggregator,"
                      << gateway::HexOfHash(gateway::HashToken(accounts[i].token))
                      << ",4000000000\n";
      for (std::uint32_t n = 0; n < accounts[i].accounts; ++n) {
        const std::uint64_t id = accounts[i].first_account + n;
        account_file << id << ',' << id << ',' << id << ",1," << i + 1 << ",0,0\n";
      }
    }
    account_file.close();
    credential_file.close();
    std::ofstream(Path("peerwattd.toml")) << "[listen]\nport = 0\n";
    const std::string daemon = ProgramBeside("peerwattd");
    const std::string init = daemon + " init --data " + Path("data") + " --markets " +
                             Path("markets.toml") + " --accounts " + Path("accounts.csv") +
                             " --credentials " + Path("credentials.csv") + " --order-capacity " +
                             std::to_string(std::uint64_t{1} << 26) + " >/dev/null";
    CHECK(std::system(init.c_str()) == 0);
    process_ = std::make_unique<ServerProcess>(std::vector<std::string>{
        daemon, "run", "--data", Path("data"), "--config", Path("peerwattd.toml")});
  }
  ~RealDaemon() {
    process_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  RealDaemon(const RealDaemon&) = delete;
  RealDaemon& operator=(const RealDaemon&) = delete;

  const ServerProcess& process() const { return *process_; }

 private:
  static std::string Number() { return std::to_string(::getpid()); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  const std::filesystem::path folder_;
  std::unique_ptr<ServerProcess> process_;
};

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
  const RealDaemon daemon(DealOut(ShapeOf(state), true));
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

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::RaiseDescriptorLimit();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
