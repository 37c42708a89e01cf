// What a running exchange allocates: nothing, once it has been as busy before.
#include <cstdlib>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"
#include "tests/support/random_source.h"

namespace {

thread_local std::size_t allocations = 0;

}  // namespace

// Every form of new that the standard library has ends in these. Not inlined: the compiler would
// see memory of new go to free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace engine {
namespace {

struct Crowd {
  std::uint32_t accounts = 0;
  std::uint32_t orders_each = 0;
  std::uint64_t orders() const { return std::uint64_t{accounts} * orders_each; }
};

// Half of the accounts buy, half sell; every order trades.
void FillBook(ExchangeDriver& driver, Crowd crowd, std::uint32_t start) {
  std::vector<OrderBody> orders(crowd.orders_each);
  for (std::uint32_t account = 1; account <= crowd.accounts; ++account) {
    for (std::uint32_t i = 0; i < crowd.orders_each; ++i) {
      orders[i] = account % 2 == 0 ? Bid(account, i + 1, 50, 10) : Ask(account, i + 1, 20, 10);
      orders[i].product.start_minute = start;
    }
    ASSERT_TRUE(driver.Submit(account, orders).empty());
  }
  driver.events.clear();
}

class Close {
 public:
  Close(ExchangeDriver& driver, std::uint32_t start)
      : driver_(driver), body_{.product = {kMarket, start}, .round = 1} {}

  // Closes, tells and finishes the round. Ensures: returns how many fills it told.
  std::size_t Run() {
    OwnedCommand close = Command(CommandType::kCloseRound, body_);
    OwnedCommand finish = Command(CommandType::kFinishRound, body_);
    OwnedCommand outcome = Command(CommandType::kOutcome, OutcomeBody());
    std::vector<Event> piece(512);
    const std::size_t before = allocations;
    Apply(close);
    const OutcomeBody computed = *driver_.exchange.TakeOutcome();
    std::memcpy(reinterpret_cast<std::byte*>(&outcome.header()) + sizeof(CommandHeader), &computed,
                sizeof(computed));
    Apply(outcome);
    std::size_t fills = 0;
    while (driver_.exchange.Draining()) {
      const std::size_t count = driver_.exchange.Drain(piece);
      for (std::size_t i = 0; i < count; ++i) fills += piece[i].type == EventType::kFill ? 1 : 0;
    }
    Apply(finish);
    allocated_ = allocations - before;
    return fills;
  }
  std::size_t allocated() const { return allocated_; }

 private:
  template <typename Body>
  OwnedCommand Command(CommandType type, const Body& body) {
    CommandHeader header;
    header.type = type;
    header.time_ns = driver_.now_ns;
    return {header, std::span<const Body>(&body, 1)};
  }
  void Apply(OwnedCommand& command) {
    command.header().sequence = driver_.exchange.sequence() + 1;
    ASSERT_TRUE(driver_.exchange.Apply(command.view()));
  }

  ExchangeDriver& driver_;
  const ProductBody body_;
  std::size_t allocated_ = 0;
};

// Of 50,000 fills, or a million.
TEST(ExchangeAllocation, ARoundLikeTheOneBeforeItAllocatesNothing) {
  const Crowd crowd{.accounts = static_cast<std::uint32_t>(Repeats(500, 4'000)),
                    .orders_each = static_cast<std::uint32_t>(Repeats(100, 250))};
  ExchangeDriver driver(3 * crowd.orders());
  driver.keep_journal = false;
  driver.AddMarket(SmallMarket());
  for (std::uint32_t account = 1; account <= crowd.accounts; ++account) driver.AddAccount(account);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  const std::uint32_t first = kStart - 30;
  FillBook(driver, crowd, first);
  FillBook(driver, crowd, first + 15);
  driver.now_ns = ExchangeDriver::MinuteNs(first - 5);
  Close once(driver, first);
  EXPECT_EQ(once.Run(), crowd.orders());  // What is made once for all rounds.
  driver.now_ns = ExchangeDriver::MinuteNs(first + 10);
  Close again(driver, first + 15);
  EXPECT_EQ(again.Run(), crowd.orders());
  EXPECT_EQ(again.allocated(), 0u);
}

}  // namespace
}  // namespace engine
