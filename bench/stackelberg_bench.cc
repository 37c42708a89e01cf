// How long the Stackelberg auction takes to find its price and share it out, by orders and by
// prices that it looks at; the double loop over prices and buyers that its definition is; and the
// welfare and the uniform price of the same book.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/core/clearing/response.h"
#include "engine/core/clearing/stackelberg.h"
#include "engine/core/clearing/uniform_price.h"
#include "engine/core/clearing/welfare.h"

namespace engine {
namespace {

// SplitMix64: the same book on every machine.
class Draw {
 public:
  std::uint64_t Below(std::uint64_t below) {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return (z ^ (z >> 31)) % below;
  }

 private:
  std::uint64_t state_ = 1;
};

constexpr std::uint64_t kNanoPerMwh = kNanoPerWh * 1'000'000;
constexpr std::uint32_t kTheta = 40'000;  // As in the paper's benchmarks: 4 cents/kWh per kWh.

// Half bids, half asks, each on `spread` levels. Bids are all above the asks by `gap` ticks, so
// that the price search has as many prices to look at, and some more.
struct Market {
  explicit Market(const benchmark::State& state)
      : memory(static_cast<std::uint64_t>(state.range(0)) + 512) {
    const auto gap = static_cast<std::uint64_t>(state.range(1));
    const auto spread = static_cast<std::uint64_t>(state.range(2));
    definition.band_levels = static_cast<std::uint32_t>(2 * spread + gap);
    definition.rule.rule = Rule::kStackelberg;
    Draw draw;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      const bool bid = i % 2 == 0;
      const std::uint64_t level = (bid ? spread + gap : 0) + draw.Below(spread);
      const auto energy = static_cast<std::uint32_t>(100 + draw.Below(bid ? 5'000 : 4'000));
      book.Add(memory, {.side = bid ? Side::kBuy : Side::kSell,
                        .level = static_cast<std::uint16_t>(level),
                        .energy_wh = energy,
                        .account = static_cast<std::uint32_t>(i),
                        .party = static_cast<std::uint32_t>(i),
                        .response = bid ? Response::kQuadratic : Response::kFixed,
                        .response_param = bid ? kTheta : 0});
    }
  }

  MarketDefinition definition;
  BookMemory memory;
  Book book;
  std::unique_ptr<ClearingScratch> scratch = std::make_unique<ClearingScratch>();
};

void BM_Stackelberg(benchmark::State& state) {
  Market market(state);
  std::uint32_t prices = 0;
  for (auto _ : state) {
    const StackelbergPrice price =
        FindStackelbergPrice(market.book, market.memory, market.definition, *market.scratch);
    AllocateStackelberg(market.book, market.memory, market.definition, price);
    prices = price.prices;
    benchmark::DoNotOptimize(price.energy_wh);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["prices"] = prices;
}

void BM_StackelbergPriceAlone(benchmark::State& state) {
  Market market(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        FindStackelbergPrice(market.book, market.memory, market.definition, *market.scratch).level);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// The price alone, where the winners are known: what the double loop does.
void BM_PriceSearch(benchmark::State& state) {
  Market market(state);
  const StackelbergSides sides = FindStackelbergSides(
      market.book, market.memory, market.definition.rule.lone_trader, *market.scratch);
  std::uint32_t prices = 0;
  for (auto _ : state) {
    const StackelbergPrice price =
        FindBestPrice(market.book, market.memory, market.definition, sides, *market.scratch);
    prices = price.prices;
    benchmark::DoNotOptimize(price.level);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["prices"] = prices;
}

struct Bid {
  std::int64_t limit;
  std::uint64_t energy_wh;
  std::uint64_t theta;
};

std::vector<Bid> WinningBids(Market& market, const StackelbergPrice& price) {
  std::vector<Bid> bids;
  ForEachOfSide(market.book, market.memory, price.winners.buyers,
                [&](const OrderColumns& orders, std::size_t i, bool wins) {
                  if (!wins) return;
                  bids.push_back({orders.level[i], orders.open_wh[i], orders.response_param[i]});
                });
  return bids;
}

Wide DemandAt(const std::vector<Bid>& bids, std::int64_t price) {
  Wide demand = 0;
  for (const Bid& bid : bids) {
    const auto below = static_cast<std::uint64_t>(bid.limit - price);
    demand += std::min(below * kNanoPerMwh / bid.theta, bid.energy_wh * kNanoPerWh);
  }
  return demand;
}

// The same as the paper's algorithm has it: at every price every winning buyer's best response.
void BM_BaselineDoubleLoop(benchmark::State& state) {
  Market market(state);
  const StackelbergPrice known =
      FindStackelbergPrice(market.book, market.memory, market.definition, *market.scratch);
  const std::vector<Bid> bids = WinningBids(market, known);
  for (auto _ : state) {
    Wide best = 0;
    for (std::int64_t price = known.winners.highest_price; price >= known.winners.lowest_price;
         --price) {
      best = std::max(best, DemandAt(bids, price) * static_cast<std::uint64_t>(price));
    }
    benchmark::DoNotOptimize(best);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_WelfareOfTheSameBook(benchmark::State& state) {
  Market market(state);
  for (auto _ : state) {
    const WelfarePrice price =
        FindWelfarePrice(market.book, market.memory, market.definition, *market.scratch);
    AllocateWelfare(market.book, market.memory, market.definition, price);
    benchmark::DoNotOptimize(price.energy_wh);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_UniformPriceOfTheSameBook(benchmark::State& state) {
  Market market(state);
  for (auto _ : state) {
    const UniformPrice price =
        FindUniformPrice(market.book, market.memory, RuleParameters(), *market.scratch);
    AllocateUniformPrice(market.book, market.memory, RuleParameters(), price);
    benchmark::DoNotOptimize(price.energy_wh);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"orders", "gap", "spread"})->Unit(benchmark::kMicrosecond);
  bench->Args({2'000, 976, 24});  // A band of 1,024 levels.
  bench->Args({1'000'000, 22, 400})->Args({1'000'000, 1'000, 400});
}
BENCHMARK(BM_Stackelberg)->Apply(Sizes);
BENCHMARK(BM_StackelbergPriceAlone)->Apply(Sizes);
BENCHMARK(BM_PriceSearch)->Apply(Sizes);
BENCHMARK(BM_BaselineDoubleLoop)->Apply(Sizes);
BENCHMARK(BM_WelfareOfTheSameBook)->Apply(Sizes);
BENCHMARK(BM_UniformPriceOfTheSameBook)->Apply(Sizes);

}  // namespace
}  // namespace engine
