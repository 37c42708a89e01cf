// How long one round's clear takes, by orders and levels, beside a sort of the same orders and one
// pass over the same bytes.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/core/clearing/uniform_price.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

struct Order {
  std::uint16_t level = 0;
  std::uint32_t energy_wh = 0;
  std::uint32_t account = 0;
};

// Limits lie round the middle of the band, as the sum of four uniform draws; bids a little higher
// than asks where `crossing`, far below them otherwise.
std::vector<Order> MakeSide(std::int64_t orders, std::uint64_t levels, bool bids, bool crossing) {
  RandomSource random(bids ? 1 : 2);
  std::vector<Order> side(static_cast<std::size_t>(orders));
  std::uint32_t account = 0;
  for (Order& order : side) {
    std::uint64_t level = 0;
    for (int i = 0; i < 4; ++i) level += random.Below(levels / 8);
    if (crossing) {
      level += bids ? levels / 4 + levels / 32 : levels / 4;
    } else {
      level += bids ? 0 : levels / 2;
    }
    order = {static_cast<std::uint16_t>(std::min(level, levels - 1)),
             static_cast<std::uint32_t>(1 + random.Below(2'000)), account++};
  }
  return side;
}

struct FilledBook {
  FilledBook(std::int64_t orders, std::uint64_t levels, bool crossing)
      : memory(static_cast<std::uint64_t>(orders) + std::uint64_t{4} * kChunkOrders) {
    for (const bool bids : {true, false}) {
      for (const Order& order : MakeSide(orders / 2, levels, bids, crossing)) {
        book.Add(memory, {.side = bids ? Side::kBuy : Side::kSell,
                          .level = order.level,
                          .energy_wh = order.energy_wh,
                          .account = order.account,
                          .party = order.account * 2 + (bids ? 0 : 1)});
      }
    }
  }
  BookMemory memory;
  Book book;
};

void BM_ClearUniformPrice(benchmark::State& state) {
  FilledBook filled(state.range(0), static_cast<std::uint64_t>(state.range(1)),
                    state.range(2) == 1);
  const auto scratch = std::make_unique<ClearingScratch>();
  const RuleParameters rule;
  for (auto _ : state) {
    const UniformPrice price = FindUniformPrice(filled.book, filled.memory, rule, *scratch);
    if (price.energy_wh > 0) AllocateUniformPrice(filled.book, filled.memory, rule, price);
    benchmark::DoNotOptimize(price.level);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// What most engines do: both sides sorted by price, then walked together. Uniform price, no fills
// written for orders that do not trade.
void BM_BaselineSortAndMerge(benchmark::State& state) {
  const auto levels = static_cast<std::uint64_t>(state.range(1));
  const std::vector<Order> bids = MakeSide(state.range(0) / 2, levels, true, state.range(2) == 1);
  const std::vector<Order> asks = MakeSide(state.range(0) / 2, levels, false, state.range(2) == 1);
  std::vector<std::uint32_t> filled(bids.size() + asks.size());
  for (auto _ : state) {
    std::vector<Order> b = bids;
    std::vector<Order> a = asks;
    std::sort(b.begin(), b.end(), [](const Order& x, const Order& y) { return x.level > y.level; });
    std::sort(a.begin(), a.end(), [](const Order& x, const Order& y) { return x.level < y.level; });
    std::size_t i = 0;
    std::size_t j = 0;
    std::uint32_t bid_left = b[0].energy_wh;
    std::uint32_t ask_left = a[0].energy_wh;
    while (i < b.size() && j < a.size() && b[i].level >= a[j].level) {
      const std::uint32_t energy = std::min(bid_left, ask_left);
      filled[b[i].account] += energy;
      filled[b.size() + a[j].account] += energy;
      if ((bid_left -= energy) == 0 && ++i < b.size()) bid_left = b[i].energy_wh;
      if ((ask_left -= energy) == 0 && ++j < a.size()) ask_left = a[j].energy_wh;
    }
    benchmark::DoNotOptimize(filled.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// One pass over as many bytes as the clear reads of each order: the limit of the memory.
void BM_BaselineOnePass(benchmark::State& state) {
  const auto words = static_cast<std::size_t>(state.range(0)) * 10 / 8;
  std::vector<std::uint64_t> bytes(words, 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0}));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"orders", "levels", "crossing"});
  for (const std::int64_t orders : {1'000, 10'000, 100'000, 1'000'000, 10'000'000}) {
    for (const std::int64_t crossing : {0, 1}) bench->Args({orders, 65'536, crossing});
  }
  bench->Args({1'000, 1'000, 1});
  bench->Args({1'000'000, 1'000, 1});
}
BENCHMARK(BM_ClearUniformPrice)->Apply(Sizes);
BENCHMARK(BM_BaselineSortAndMerge)->Apply(Sizes);
BENCHMARK(BM_BaselineOnePass)->ArgName("orders")->Arg(1'000'000);

}  // namespace
}  // namespace engine
