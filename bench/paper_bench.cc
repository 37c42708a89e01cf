// The study of Doan, Cho and Kim (2021) through a real daemon: how long after the gate the last
// participant knows its outcome, played with a live controller each over loopback, the journal on
// disk; and how long the matching alone takes. Orders are drawn as its authors' program does (code)
// and as the paper says (text). PAPER.md is its page.
// The journal is in the current folder, so run it on the disk in question.
#include <cstdint>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/paper_homes.h"
#include "bench/real_daemon.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/clearing/stackelberg.h"
#include "gateway/token.h"

namespace bench {
namespace {

// Of the draw of a repetition: the same however it is played, and whatever else was before it.
// Requires: every repetition asks once, which is so where its iterations are given.
std::uint64_t NextSeed(const std::string& played, const PaperRanges& ranges,
                       std::uint32_t participants) {
  static std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, std::uint64_t> repetitions;
  return std::uint64_t{participants} << 32 |
         ++repetitions[std::tuple(played, ranges.theta, participants)];
}

// Five minutes of exchange time, a slot, pass in five seconds.
DaemonFiles FilesFor(std::uint32_t participants, const std::string& schedule) {
  DaemonFiles files{.markets =
                        "[[market]]\nid = 1\nslot_minutes = 5\nopen_before_s = 14400\n"
                        "gate_before_s = 3600\nband_levels = 300\nrule = \"stackelberg\"\n"
                        "answer_ms = 600000\ngame_budget_ms = 3000000\nschedule = \"" +
                        schedule + "\"\n",
                    .accounts = {},
                    .credentials = {},
                    .init_options = "--demo-clock 60"};
  std::ostringstream accounts;
  std::ostringstream credentials;
  for (std::uint32_t id = 1; id <= participants; ++id) {
    accounts << id << ',' << id << ',' << id << ",1," << id << ",0,0\n";
    credentials << id << ",device," << gateway::HexOfHash(gateway::HashToken(PaperToken(id)))
                << ",1000\n";
  }
  files.accounts = accounts.str();
  files.credentials = credentials.str();
  return files;
}

void Played(benchmark::State& state, const PaperRanges& ranges, const std::string& schedule) {
  const auto participants = static_cast<std::uint32_t>(state.range(0));
  const std::vector<PaperOrder> orders =
      DrawPaperOrders(ranges, participants, NextSeed(schedule, ranges, participants));
  const RealDaemon daemon(FilesFor(participants, schedule));
  PaperHomes homes(daemon.process().port(), orders, ranges.theta);
  PaperRound round;
  for (auto _ : state) {
    round = homes.Play(1'000);
    state.SetIterationTime(static_cast<double>(round.last_told_ns) / 1e9);
  }
  state.counters["steps"] = round.steps;
  state.counters["prices_called"] = static_cast<double>(round.prices_called);
  state.counters["price_ticks"] = round.price_ticks;
  state.counters["energy_kwh"] = static_cast<double>(round.energy_wh) / 1e3;
}
void BM_Descending(benchmark::State& state, const PaperRanges& ranges) {
  Played(state, ranges, "descending");
}
void BM_Bisecting(benchmark::State& state, const PaperRanges& ranges) {
  Played(state, ranges, "bisecting");
}

// The same draws with declared responses, in memory: winners, price, shares.
void BM_MatchingAlone(benchmark::State& state, const PaperRanges& ranges) {
  engine::MarketDefinition market;
  market.band_levels = 300;
  market.rule.rule = engine::Rule::kStackelberg;
  engine::BookMemory memory(1'000'000);
  engine::Book book;
  std::uint32_t account = 0;
  const auto participants = static_cast<std::uint32_t>(state.range(0));
  for (const PaperOrder& order :
       DrawPaperOrders(ranges, participants, NextSeed("alone", ranges, participants))) {
    const bool buys = order.side == engine::Side::kBuy;
    const engine::NewOrder added{
        .side = order.side,
        .level = static_cast<std::uint16_t>(order.limit_ticks),
        .energy_wh = order.energy_wh,
        .account = account,
        .party = account,
        .client_order_id = engine::ClientOrderId{1},
        .order_id = engine::OrderId{account},
        .response = buys ? engine::Response::kQuadratic : engine::Response::kFixed,
        .response_param = buys ? ranges.theta : 0};
    CHECK(book.Add(memory, added));
    ++account;
  }
  const auto scratch = std::make_unique<engine::ClearingScratch>();
  engine::StackelbergPrice price;
  for (auto _ : state) {
    price = engine::FindStackelbergPrice(book, memory, market, *scratch);
    if (price.energy_wh > 0) engine::AllocateStackelberg(book, memory, market, price);
    benchmark::DoNotOptimize(price);
  }
  state.counters["prices"] = price.prices;
}

void Participants(benchmark::internal::Benchmark* bench) {
  bench->ArgName("participants");
  for (const std::int64_t participants : {100, 300, 500, 1'000, 2'000}) bench->Arg(participants);
}
void PlayedRounds(benchmark::internal::Benchmark* bench) {
  Participants(bench);
  bench->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);
}
void MatchedRounds(benchmark::internal::Benchmark* bench) {
  Participants(bench);
  bench->Iterations(2'000)->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(BM_Descending, code, kCodeRanges)->Apply(PlayedRounds);
BENCHMARK_CAPTURE(BM_Bisecting, code, kCodeRanges)->Apply(PlayedRounds);
BENCHMARK_CAPTURE(BM_MatchingAlone, code, kCodeRanges)->Apply(MatchedRounds);
BENCHMARK_CAPTURE(BM_Descending, text, kTextRanges)->Apply(PlayedRounds);
BENCHMARK_CAPTURE(BM_Bisecting, text, kTextRanges)->Apply(PlayedRounds);
BENCHMARK_CAPTURE(BM_MatchingAlone, text, kTextRanges)->Apply(MatchedRounds);

}  // namespace
}  // namespace bench
