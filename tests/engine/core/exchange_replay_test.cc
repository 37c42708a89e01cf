#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/core/units.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/naive_auction.h"
#include "tests/support/random_day.h"
#include "tests/support/random_source.h"
#include "tests/support/replayed.h"

namespace engine {
namespace {

void DrainAll(Exchange& exchange) {
  std::vector<Event> nowhere(256);
  while (exchange.Draining()) exchange.Drain(nowhere);
}

TEST(ExchangeReplay, ComesToTheSameDigestAndOutcomes) {
  for (std::uint64_t seed = 0; seed < Repeats(kSanitized ? 8 : 30, 2'000); ++seed) {
    SCOPED_TRACE(seed);
    ExchangeDriver driver;
    RunDay(seed, driver);
    const Exchange replayed = Replayed(driver);
    EXPECT_EQ(ToHex(replayed.StateDigest()), ToHex(driver.exchange.StateDigest()));
    EXPECT_EQ(replayed.open_orders(), driver.exchange.open_orders());
    ExpectSameThroughStates(driver, seed);
  }
}

// Whatever compiler, optimisation or sanitizer made this program: GCC's release build and clang's
// sanitized ones have come to these numbers.
TEST(ExchangeReplay, OfThisDayComesToThisStateOnEveryBuild) {
  ExchangeDriver driver;
  RunDay(1, driver);
  EXPECT_EQ(ToHex(driver.exchange.StateDigest()), "d596d8c2eee8a074b227bdf22e8d2d07");
  EXPECT_EQ(ToHex(driver.exchange.running_digest()), "4c81f6f7dc04082a5b13f30b7cb90425");
}

TEST(ExchangeReplay, DigestChangesWithEveryCommand) {
  ExchangeDriver driver;
  RunDay(1, driver);
  Exchange replayed;
  DigestBytes last{};
  for (const OwnedCommand& command : driver.journal) {
    ASSERT_TRUE(replayed.Apply(command.view()));
    replayed.TakeOutcome();
    DrainAll(replayed);
    ASSERT_NE(replayed.StateDigest(), last);
    last = replayed.StateDigest();
  }
}

// What each credential is told has numbers without gap or step back, energy bought is energy sold,
// and what is paid and not received is what the outcomes say that the operator keeps.
TEST(ExchangeProperty, ConservesEnergyAndMoneyInEveryRound) {
  for (std::uint64_t seed = 100; seed < 100 + Repeats(30, 2'000); ++seed) {
    SCOPED_TRACE(seed);
    ExchangeDriver driver;
    RunDay(seed, driver);
    std::vector<std::uint64_t> numbers(64);
    std::int64_t energy = 0;
    std::int64_t money = 0;
    for (const Event& event : driver.events) {
      if (event.event_number != 0) {
        ASSERT_EQ(event.event_number, ++numbers[static_cast<std::uint32_t>(event.credential)]);
      }
      if (event.type != EventType::kFill) continue;
      const std::int64_t sign = event.fill.side == Side::kBuy ? 1 : -1;
      energy += sign * event.fill.energy_wh;
      money += sign * event.fill.amount_units;
      ASSERT_EQ(DivideDown(event.fill.amount_units, event.fill.energy_wh), event.fill.price_ticks);
    }
    for (const OutcomeBody& outcome : driver.outcomes) money -= outcome.operator_balance_units;
    EXPECT_EQ(energy, 0);
    EXPECT_EQ(money, 0);
  }
}

TEST(ExchangeProperty, NeverTradesBeyondALimitOrWithinAParty) {
  for (std::uint64_t seed = 0; seed < Repeats(kSanitized ? 8 : 30, 2'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    ExchangeDriver driver;
    driver.AddMarket(RandomMarket(random, 1));
    for (std::uint32_t account = 1; account <= 20; ++account) {
      driver.AddAccount(account, 1 + account % 7);
    }
    driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart - 30));
    std::vector<std::int32_t> limits(21);
    for (std::uint32_t account = 1; account <= 20; ++account) {
      OrderBody order = RandomOrder(random, driver.now_ns);
      order.account = AccountId{account};
      order.product = {kMarket, kStart};
      limits[account] = order.limit_ticks;
      driver.Submit(order);
    }
    driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
    std::vector<int> sides(8);
    for (const FillEvent& fill : driver.Fills()) {
      const std::int32_t limit = limits[static_cast<std::size_t>(fill.account)];
      if (fill.side == Side::kBuy) {
        EXPECT_LE(fill.price_ticks, limit);
      } else {
        EXPECT_GE(fill.price_ticks, limit);
      }
      int& of_party = sides[1 + static_cast<std::size_t>(fill.account) % 7];
      of_party |= fill.side == Side::kBuy ? 1 : 2;
    }
    // A party may buy and sell in two rounds of a product, or after each other, not in one clear.
    const bool clears =
        !driver.outcomes.empty() && driver.outcomes.front().rule.rule != Rule::kContinuous;
    if (clears && !driver.Fills().empty() && driver.Fills().back().round == 1) {
      for (const int both : sides) EXPECT_NE(both, 3);
    }
  }
}

std::size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t program = 0;
  std::size_t resident = 0;
  statm >> program >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// 100 markets x 192 open products x 500 orders.
TEST(ExchangeMemory, HoldsACityInOneGibibyte) {
  constexpr std::uint32_t kMarkets = 100;
  constexpr std::uint32_t kProducts = 192;
  [[maybe_unused]] const std::size_t resident_before = ResidentBytes();
  ExchangeDriver driver(std::uint64_t{kMarkets} * kProducts * 2 * 256);
  driver.keep_journal = false;
  for (std::uint32_t market = 1; market <= kMarkets; ++market) {
    MarketDefinition definition = SmallMarket();
    definition.id = MarketId{market};
    definition.open_before_s = kProducts * 900;
    driver.AddMarket(definition);
    driver.AddAccount(1'000'000 + market, 0, 1, MarketId{market});
    for (std::uint32_t home = 1; home < 500; ++home) {
      driver.AddAccount(market * 1'000 + home, 0, 1, MarketId{market});
    }
  }
  driver.AdvanceTo(driver.now_ns);
  std::vector<OrderBody> orders;
  for (std::uint32_t market = 1; market <= kMarkets; ++market) {
    for (std::uint32_t slot = 0; slot < kProducts; ++slot) {
      orders.clear();
      for (std::uint32_t home = 0; home < 500; ++home) {
        const std::uint32_t account = home == 0 ? 1'000'000 + market : market * 1'000 + home;
        OrderBody order = home % 2 == 0 ? Bid(account, 1, 20, 500) : Ask(account, 1, 30, 500);
        order.product = {MarketId{market}, kStart - 45 + slot * 15};
        orders.push_back(order);
      }
      ASSERT_TRUE(driver.Submit(1, orders).empty());
      driver.events.clear();
    }
  }
  EXPECT_EQ(driver.exchange.open_orders(), std::uint64_t{kMarkets} * kProducts * 500);
  EXPECT_LT(driver.exchange.memory_bytes(), std::size_t{1} << 30);
  if (!kSanitized) {  // Shadows are resident too.
    EXPECT_LT(ResidentBytes() - resident_before,
              std::size_t{1} << 30);  // With all 50,000 accounts.
  }
}

}  // namespace
}  // namespace engine
