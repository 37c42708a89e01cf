// How long a whole round takes an exchange: orders in, one in five replaced or cancelled, cleared,
// told; beside a plain book of sorted levels that does the same, and a bare loop of appends.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "tests/support/exchange_driver.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

constexpr std::uint32_t kFrame = 500;

struct Workload {
  explicit Workload(std::int64_t orders) {
    RandomSource random(7);
    for (std::int64_t i = 0; i < orders; ++i) {
      const auto account = static_cast<std::uint32_t>(i + 1);
      const bool bid = i % 2 == 0;
      const std::int32_t ticks = static_cast<std::int32_t>(random.Below(80)) + (bid ? 20 : 0);
      const auto energy_wh = static_cast<std::uint32_t>(1 + random.Below(2'000));
      submits.push_back(MakeOrder(bid ? Side::kBuy : Side::kSell, account, 1, ticks, energy_wh));
      if (random.Below(5) == 0) {
        changes.push_back(submits.back());
        changes.back().limit_ticks = static_cast<std::int32_t>(random.Below(80)) + (bid ? 20 : 0);
      }
    }
  }
  std::vector<OrderBody> submits;
  std::vector<OrderBody> changes;
};

void Send(ExchangeDriver& driver, const std::vector<OrderBody>& orders, CommandType type) {
  for (std::size_t i = 0; i < orders.size(); i += kFrame) {
    const std::size_t count = std::min<std::size_t>(kFrame, orders.size() - i);
    driver.ApplyFrom(CredentialId{1}, ++driver.client_seq[1], type,
                     std::span<const OrderBody>(orders).subspan(i, count));
  }
}

void BM_WholeRound(benchmark::State& state) {
  const Workload workload(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    auto driver =
        std::make_unique<ExchangeDriver>(static_cast<std::uint64_t>(2 * state.range(0)) + 100'000);
    MarketDefinition market = SmallMarket();
    market.book_orders_max = 4'000'000;
    driver->AddMarket(market);
    for (std::int64_t i = 1; i <= state.range(0); ++i) {
      driver->AddAccount(static_cast<std::uint32_t>(i), 0, 1);
    }
    driver->AdvanceTo(ExchangeDriver::MinuteNs(545));
    driver->keep_journal = false;
    driver->drain_piece = 1'024;
    driver->events.clear();
    driver->events.reserve(static_cast<std::size_t>(2 * state.range(0)));
    state.ResumeTiming();
    Send(*driver, workload.submits, CommandType::kSubmitOrders);
    Send(*driver, workload.changes, CommandType::kReplaceOrders);
    driver->AdvanceTo(ExchangeDriver::MinuteNs(595));
    benchmark::DoNotOptimize(driver->events.data());
    state.PauseTiming();
    driver.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(workload.submits.size() +
                                                                         workload.changes.size()));
}
BENCHMARK(BM_WholeRound)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

// Levels in a tree, orders in a list at each, found again by account: the textbook book. No checks
// of rights, limits or self-trade, no events.
class SortedBook {
 public:
  void Enter(const OrderBody& order) {
    const auto side = static_cast<std::size_t>(order.side);
    sides_[side][order.limit_ticks].push_back({order.account, order.energy_wh});
    index_[order.account] = {side, order.limit_ticks};
  }

  void Replace(const OrderBody& order) {
    const auto [side, limit] = index_[order.account];
    for (Resting& resting : sides_[side][limit]) {
      if (resting.account == order.account) resting.open = 0;
    }
    Enter(order);
  }

  std::uint64_t Clear() {
    std::uint64_t traded = 0;
    auto bid = sides_[0].rbegin();
    auto ask = sides_[1].begin();
    std::size_t b = 0;
    std::size_t a = 0;
    while (bid != sides_[0].rend() && ask != sides_[1].end() && bid->first >= ask->first) {
      if (b == bid->second.size()) {
        ++bid;
        b = 0;
      } else if (a == ask->second.size()) {
        ++ask;
        a = 0;
      } else {
        const std::uint32_t energy = std::min(bid->second[b].open, ask->second[a].open);
        traded += energy;
        b += (bid->second[b].open -= energy) == 0;
        a += (ask->second[a].open -= energy) == 0;
      }
    }
    return traded;
  }

 private:
  struct Resting {
    AccountId account{};
    std::uint32_t open = 0;
  };
  std::map<std::int32_t, std::vector<Resting>> sides_[2];
  std::unordered_map<AccountId, std::pair<std::size_t, std::int32_t>> index_;
};

void BM_BaselineSortedBook(benchmark::State& state) {
  const Workload workload(state.range(0));
  for (auto _ : state) {
    SortedBook book;
    for (const OrderBody& order : workload.submits) book.Enter(order);
    for (const OrderBody& order : workload.changes) book.Replace(order);
    benchmark::DoNotOptimize(book.Clear());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(workload.submits.size() +
                                                                         workload.changes.size()));
}
BENCHMARK(BM_BaselineSortedBook)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_BookAdd(benchmark::State& state) {
  const Workload workload(state.range(0));
  for (auto _ : state) {
    BookMemory memory(static_cast<std::uint64_t>(state.range(0)) + std::uint64_t{4} * kChunkOrders);
    Book book;
    std::uint32_t account = 0;
    for (const OrderBody& order : workload.submits) {
      ++account;
      if (book.Find(memory, account, account, order.client_order_id) != kNoSlot) std::abort();
      book.Add(memory, {.side = order.side,
                        .level = static_cast<std::uint16_t>(order.limit_ticks),
                        .energy_wh = order.energy_wh,
                        .account = account,
                        .party = account,
                        .client_order_id = order.client_order_id});
    }
    benchmark::DoNotOptimize(book.slots());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_BookAdd)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

// The same columns and one hash probe an order, and nothing else.
void BM_BaselineBareAppend(benchmark::State& state) {
  const Workload workload(state.range(0));
  for (auto _ : state) {
    std::vector<std::uint16_t> level;
    std::vector<std::uint32_t> open;
    std::vector<std::uint32_t> account;
    std::vector<std::uint64_t> id;
    std::size_t size = 1;
    while (size * 3 / 4 < workload.submits.size()) size *= 2;
    std::vector<std::uint64_t> table(size);
    for (const OrderBody& order : workload.submits) {
      const auto key = static_cast<std::uint64_t>(order.account);
      std::size_t at = (key * 0x9E3779B97F4A7C15) >> 20 & (size - 1);
      while (table[at] != 0) at = (at + 1) & (size - 1);
      table[at] = key;
      level.push_back(static_cast<std::uint16_t>(order.limit_ticks));
      open.push_back(order.energy_wh);
      account.push_back(static_cast<std::uint32_t>(key));
      id.push_back(static_cast<std::uint64_t>(order.client_order_id));
    }
    benchmark::DoNotOptimize(id.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_BaselineBareAppend)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace engine
