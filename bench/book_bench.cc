// How long a whole round takes an exchange: orders in, one in ten replaced and one cancelled,
// cleared, told, what is left cleared once more; beside a plain book of sorted levels that does the
// same, and a bare loop of appends.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
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
  Workload(std::int64_t orders, std::int64_t levels) {
    RandomSource random(7);
    const auto reach = static_cast<std::uint64_t>(levels * 4 / 5);
    const auto above = static_cast<std::int32_t>(levels / 5);
    for (std::int64_t i = 0; i < orders; ++i) {
      const auto account = static_cast<std::uint32_t>(i + 1);
      const bool bid = i % 2 == 0;
      const std::int32_t ticks = static_cast<std::int32_t>(random.Below(reach)) + (bid ? above : 0);
      const auto energy_wh = static_cast<std::uint32_t>(1 + random.Below(2'000));
      submits.push_back(MakeOrder(bid ? Side::kBuy : Side::kSell, account, 1, ticks, energy_wh));
      const std::uint64_t change = random.Below(10);
      if (change == 0) {
        replaces.push_back(submits.back());
        replaces.back().limit_ticks =
            static_cast<std::int32_t>(random.Below(reach)) + (bid ? above : 0);
      } else if (change == 1) {
        const OrderBody& order = submits.back();
        cancels.push_back({.account = order.account,
                           .client_order_id = order.client_order_id,
                           .product = order.product});
      }
    }
  }
  std::int64_t items() const {
    return static_cast<std::int64_t>(submits.size() + replaces.size() + cancels.size());
  }

  std::vector<OrderBody> submits;
  std::vector<OrderBody> replaces;
  std::vector<OrderKeyBody> cancels;
};

// The exchange as a shard drives it: what it tells is read and forgotten.
class DrivenExchange {
 public:
  explicit DrivenExchange(std::unique_ptr<ExchangeDriver> made) : made_(std::move(made)) {}

  // In frames of kFrame.
  template <typename Body>
  void Send(const std::vector<Body>& bodies, CommandType type) {
    for (std::size_t i = 0; i < bodies.size(); i += kFrame) {
      const std::size_t count = std::min<std::size_t>(kFrame, bodies.size() - i);
      CommandHeader header;
      header.type = type;
      header.version = NewestVersion(type);
      header.credential = CredentialId{1};
      header.client_seq = ++client_seq_;
      OwnedCommand command(header, std::span<const Body>(bodies).subspan(i, count));
      Apply(command, exchange().time_ns());
    }
  }
  void AdvanceTo(std::int64_t time_ns) {
    for (;;) {
      const std::optional<DueCommand> due = exchange().NextDue();
      if (!due || due->due_ns > time_ns) break;
      CommandHeader header;
      header.type = due->type;
      header.version = NewestVersion(due->type);
      OwnedCommand command(header, std::span<const ProductBody>(&due->body, 1));
      Apply(command, std::max(due->due_ns, exchange().time_ns()));
    }
  }
  std::uint64_t fills() const { return fills_; }

 private:
  Exchange& exchange() { return made_->exchange; }
  void Apply(OwnedCommand& command, std::int64_t time_ns) {
    command.header().sequence = exchange().sequence() + 1;
    command.header().time_ns = time_ns;
    const bool is_client = IsFromClient(command.header().type);
    if (is_client && !exchange().Screen(command.view())) std::abort();
    if (!exchange().Apply(command.view())) std::abort();
    if (const std::optional<OutcomeBody> outcome = exchange().TakeOutcome()) {
      CommandHeader header;
      header.type = CommandType::kOutcome;
      header.version = NewestVersion(CommandType::kOutcome);
      OwnedCommand told(header, std::span<const OutcomeBody>(&*outcome, 1));
      Apply(told, time_ns);
    }
    while (exchange().Draining()) {
      const std::size_t count = exchange().Drain(events_);
      for (std::size_t i = 0; i < count; ++i) {
        if (events_[i].type == EventType::kRefusals) std::abort();
        fills_ += events_[i].type == EventType::kFill ? 1 : 0;
      }
    }
  }

  const std::unique_ptr<ExchangeDriver> made_;
  std::uint64_t client_seq_ = 0;
  std::uint64_t fills_ = 0;
  std::array<Event, 256> events_;
};

// With the product of kStart open, and an account an order.
std::unique_ptr<ExchangeDriver> MakeExchange(std::int64_t orders, std::int64_t levels) {
  auto driver = std::make_unique<ExchangeDriver>(static_cast<std::uint64_t>(2 * orders) + 100'000);
  MarketDefinition market = TwoRounds(/*carry_over=*/1);
  market.band_levels = static_cast<std::uint32_t>(levels);
  market.book_orders_max = 4'000'000;
  driver->keep_journal = false;
  driver->AddMarket(market);
  for (std::int64_t i = 1; i <= orders; ++i) {
    driver->AddAccount(static_cast<std::uint32_t>(i), 0, 1);
  }
  driver->AdvanceTo(ExchangeDriver::MinuteNs(545));
  return driver;
}

void BM_WholeRound(benchmark::State& state) {
  const Workload workload(state.range(0), state.range(1));
  std::uint64_t fills = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto exchange = std::make_unique<DrivenExchange>(MakeExchange(state.range(0), state.range(1)));
    state.ResumeTiming();
    exchange->Send(workload.submits, CommandType::kSubmitOrders);
    exchange->Send(workload.replaces, CommandType::kReplaceOrders);
    exchange->Send(workload.cancels, CommandType::kCancelOrders);
    exchange->AdvanceTo(ExchangeDriver::MinuteNs(595));
    state.PauseTiming();
    fills = exchange->fills();
    exchange.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * workload.items());
  state.counters["fills"] = static_cast<double>(fills);
}
BENCHMARK(BM_WholeRound)
    ->ArgNames({"orders", "levels"})
    ->ArgsProduct({{10'000, 100'000, 1'000'000}, {100, 65'536}})
    ->Unit(benchmark::kMillisecond);

// Levels in a tree, orders in a list at each, found again by account and id: the textbook book. It
// refuses ids that are taken, answers each order, clears at one price and tells each fill. It knows
// nothing of rights, limits, self-trade, tariffs, sequence numbers or digests, and keeps no
// answers.
class SortedBook {
 public:
  explicit SortedBook(std::size_t orders) { answers_.reserve(orders * 2); }

  void Enter(const OrderBody& order) {
    const auto [at, is_new] = places_.try_emplace(KeyOf(order.account, order.client_order_id));
    if (is_new) Put(order, at->second);
    Answer(is_new);
  }
  void Replace(const OrderBody& order) {
    const auto at = places_.find(KeyOf(order.account, order.client_order_id));
    const bool is_open = at != places_.end() && Take(at->second);
    if (is_open) Put(order, at->second);
    Answer(is_open);
  }
  void Cancel(const OrderKeyBody& key) {
    const auto at = places_.find(KeyOf(key.account, key.client_order_id));
    Answer(at != places_.end() && Take(at->second));
  }

  // All trade at the price of the last pair. What is not filled stays.
  std::uint64_t Clear() {
    fills_.clear();
    auto bid = sides_[0].rbegin();
    auto ask = sides_[1].begin();
    std::int64_t price = 0;
    while (bid != sides_[0].rend() && ask != sides_[1].end() && bid->first >= ask->first) {
      if (bid->second.empty()) {
        ++bid;
      } else if (ask->second.empty()) {
        ++ask;
      } else {
        price = (bid->first + ask->first) / 2;
        const std::uint32_t energy_wh =
            std::min(bid->second.front().open, ask->second.front().open);
        Trade(bid->second, energy_wh);
        Trade(ask->second, energy_wh);
      }
    }
    for (Fill& fill : fills_) fill.amount_units = price * fill.energy_wh;
    return fills_.size();
  }

 private:
  struct Resting {
    AccountId account{};
    ClientOrderId id{};
    std::uint32_t open = 0;
  };
  using Level = std::list<Resting>;
  struct Place {
    Level* level = nullptr;  // Null: not open any more.
    Level::iterator at;
  };
  struct Fill {
    AccountId account{};
    ClientOrderId id{};
    std::int64_t amount_units = 0;
    std::uint32_t energy_wh = 0;
  };

  static std::uint64_t KeyOf(AccountId account, ClientOrderId id) {
    return static_cast<std::uint64_t>(id) << 32 | static_cast<std::uint32_t>(account);
  }
  void Answer(bool taken) { answers_.push_back(taken ? 0 : 1); }
  void Put(const OrderBody& order, Place& place) {
    Level& level = sides_[static_cast<std::size_t>(order.side)][order.limit_ticks];
    level.push_back({order.account, order.client_order_id, order.energy_wh});
    place = {.level = &level, .at = std::prev(level.end())};
  }
  static bool Take(Place& place) {
    if (place.level == nullptr) return false;
    place.level->erase(place.at);
    place.level = nullptr;
    return true;
  }
  void Trade(Level& level, std::uint32_t energy_wh) {
    Resting& order = level.front();
    fills_.push_back({order.account, order.id, 0, energy_wh});
    order.open -= energy_wh;
    if (order.open > 0) return;
    places_.find(KeyOf(order.account, order.id))->second.level = nullptr;
    level.pop_front();
  }

  std::map<std::int32_t, Level> sides_[2];
  std::unordered_map<std::uint64_t, Place> places_;
  std::vector<std::uint8_t> answers_;
  std::vector<Fill> fills_;
};

void BM_BaselineSortedBook(benchmark::State& state) {
  const Workload workload(state.range(0), state.range(1));
  for (auto _ : state) {
    state.PauseTiming();
    auto book = std::make_unique<SortedBook>(workload.submits.size());
    state.ResumeTiming();
    for (const OrderBody& order : workload.submits) book->Enter(order);
    for (const OrderBody& order : workload.replaces) book->Replace(order);
    for (const OrderKeyBody& key : workload.cancels) book->Cancel(key);
    benchmark::DoNotOptimize(book->Clear());
    benchmark::DoNotOptimize(book->Clear());  // Of the second round.
    state.PauseTiming();
    book.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * workload.items());
}
BENCHMARK(BM_BaselineSortedBook)
    ->ArgNames({"orders", "levels"})
    ->ArgsProduct({{10'000, 100'000, 1'000'000}, {100, 65'536}})
    ->Unit(benchmark::kMillisecond);

void BM_BookAdd(benchmark::State& state) {
  const Workload workload(state.range(0), 100);
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
  const Workload workload(state.range(0), 100);
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
