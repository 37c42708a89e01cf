// How fast a recorded day goes through the bare engine, digest included, beside one pass over the
// feed's bytes.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "tools/feed/city.h"
#include "tools/peerwatt/offline_replay.h"

namespace tools {
namespace {

// A city's day, made once.
const std::string& DayFeed() {
  static const std::string path = [] {
    std::string made = "/tmp/replay_bench_" + std::to_string(::getpid()) + ".pwfeed";
    absl::StatusOr<FeedWriter> feed = FeedWriter::Create(made, FeedSource::kCity, 1);
    CityOptions options;
    options.homes = 200;
    if (!feed.ok() || !GenerateCity(options, *feed).ok() || !feed->Finish().ok()) std::abort();
    static std::string to_remove = made;
    std::atexit([] { std::remove(to_remove.c_str()); });
    return made;
  }();
  return path;
}

void BM_ReplayOffline(benchmark::State& state) {
  std::int64_t orders = 0;
  for (auto _ : state) {
    const absl::StatusOr<OfflineReplay> result = ReplayOffline(DayFeed());
    if (!result.ok() || result->refused > 0) std::abort();
    orders += static_cast<std::int64_t>(result->orders);
    benchmark::DoNotOptimize(result->digest);
  }
  state.SetItemsProcessed(orders);
}
BENCHMARK(BM_ReplayOffline)->Unit(benchmark::kMillisecond);

void BM_BaselineOnePass(benchmark::State& state) {
  std::ifstream file(DayFeed(), std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)),
                                std::istreambuf_iterator<char>());
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::accumulate(bytes.begin(), bytes.end(), 0));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(BM_BaselineOnePass)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tools
