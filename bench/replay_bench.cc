// How fast a generated day and a recorded one go through the bare engine, digest included, beside
// one pass over the feed's bytes.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "tools/feed/city.h"
#include "tools/feed/nem_import.h"
#include "tools/peerwatt/offline_replay.h"

namespace tools {
namespace {

// A feed in the folder for temporary files while the process lives.
class TemporaryFeed {
 public:
  TemporaryFeed(const std::string& name, FeedSource source,
                const std::function<absl::Status(FeedWriter&)>& make)
      : path_(std::filesystem::temp_directory_path() /
              ("replay_bench_" + name + "_" + std::to_string(::getpid()) + ".pwfeed")) {
    absl::StatusOr<FeedWriter> feed = FeedWriter::Create(path_, source, 1);
    absl::Status status = feed.status();
    if (status.ok()) status = make(*feed);
    if (status.ok()) status = feed->Finish();
    if (status.ok()) return;
    std::fprintf(stderr, "replay_bench: %s\n", status.ToString().c_str());
    std::abort();
  }
  TemporaryFeed(const TemporaryFeed&) = delete;
  TemporaryFeed& operator=(const TemporaryFeed&) = delete;
  ~TemporaryFeed() { std::remove(path_.c_str()); }

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// A city's day.
std::string GeneratedDay() {
  static const TemporaryFeed feed("city", FeedSource::kCity, [](FeedWriter& writer) {
    CityOptions options;
    options.homes = 200;
    return GenerateCity(options, writer);
  });
  return feed.path();
}

// A day of Australia's wholesale market; empty where the machine does not have it.
std::string RecordedDay() {
  const char* data = std::getenv("PEERWATT_DATA");
  if (data == nullptr) return "";
  const std::filesystem::path folder = std::filesystem::path(data) / "nem_bids_20220101";
  if (!std::filesystem::exists(folder)) return "";
  static const TemporaryFeed feed("nem", FeedSource::kNem, [&folder](FeedWriter& writer) {
    NemImportOptions options;
    options.bids_csv = folder / "nem_energy_bids_orders.csv.gz";
    options.dispatch_csv = folder / "nem_unit_dispatch.csv.gz";
    options.demand_csv = folder / "nem_region_demand_price.csv";
    std::ostringstream report;
    return ImportNem(options, writer, report);
  });
  return feed.path();
}

using Day = std::string (*)();

// The path of the feed; empty, and the benchmark skipped, where there is no data.
std::string FeedOf(Day day, benchmark::State& state) {
  std::string path = day();
  if (path.empty()) state.SkipWithError("no data: PEERWATT_DATA has no nem_bids_20220101");
  return path;
}

void BM_ReplayOffline(benchmark::State& state, Day day) {
  const std::string feed = FeedOf(day, state);
  std::int64_t orders = 0;
  for (auto _ : state) {
    const absl::StatusOr<OfflineReplay> result = ReplayOffline(feed);
    if (!result.ok() || result->refused > 0) std::abort();
    orders += static_cast<std::int64_t>(result->orders);
    benchmark::DoNotOptimize(result->digest);
  }
  state.SetItemsProcessed(orders);
}
BENCHMARK_CAPTURE(BM_ReplayOffline, generated_day, &GeneratedDay)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_ReplayOffline, recorded_day, &RecordedDay)->Unit(benchmark::kMillisecond);

void BM_BaselineOnePass(benchmark::State& state, Day day) {
  std::ifstream file(FeedOf(day, state), std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)),
                                std::istreambuf_iterator<char>());
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::accumulate(bytes.begin(), bytes.end(), 0));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(BM_BaselineOnePass, generated_day, &GeneratedDay)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_BaselineOnePass, recorded_day, &RecordedDay)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tools
