#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/units.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/naive_auction.h"
#include "tests/support/random_source.h"
#include "tests/support/replayed.h"

namespace engine {
namespace {

MarketDefinition RandomMarket(RandomSource& random, std::uint32_t id) {
  MarketDefinition market = SmallMarket();
  market.id = MarketId{id};
  market.band_low_ticks = -20;
  const std::span<const RuleEntry> rules = Rules();
  market.rule.rule = rules[random.Below(2) == 0 ? 0 : random.Below(rules.size())].rule;
  while (const RuleParameter* needed = FindImpossible(market.rule)) {
    if (!needed->set(market.rule, "50")) std::abort();
  }
  if (market.rule.rule == Rule::kVcg) {
    market.rule.balance_account = AccountId{1};
    market.rule.deficit_cap_units = static_cast<std::int64_t>(random.Below(5'000));
  }
  if (market.rule.rule == Rule::kUniform) {
    market.rule.margin = random.Below(2) == 0 ? Margin::kProRata : Margin::kTime;
  }
  market.rule.self_trade = random.Below(2) == 0 ? SelfTrade::kRefuse : SelfTrade::kCancelOlder;
  market.rounds = static_cast<std::uint32_t>(1 + random.Below(3));
  if (market.rule.rule == Rule::kContinuous) market.rounds = 1;
  market.round_interval_s = 300;
  market.carry_over = random.Below(2) == 0;
  market.freeze_s = random.Below(2) == 0 ? 0 : 30;
  return market;
}

OrderBody RandomOrder(RandomSource& random, std::int64_t now_ns) {
  const auto account = static_cast<std::uint32_t>(1 + random.Below(20));
  OrderBody order =
      MakeOrder(random.Below(2) == 0 ? Side::kBuy : Side::kSell, account, 1 + random.Below(6),
                static_cast<std::int32_t>(random.Below(40)) - 10,
                static_cast<std::uint32_t>(random.Below(2) == 0 ? 50 : 1 + random.Below(200)));
  order.product.market = MarketId{account % 2 + 1};
  const auto minute = static_cast<std::uint32_t>(now_ns / (60 * kSecondNs));
  order.product.start_minute =
      minute / 15 * 15 + 15 + 15 * static_cast<std::uint32_t>(random.Below(3));
  return order;
}

void DoSomething(RandomSource& random, ExchangeDriver& driver) {
  const OrderBody order = RandomOrder(random, driver.now_ns);
  const auto account = static_cast<std::uint32_t>(order.account);
  switch (random.Below(8)) {
    case 0:
      driver.Cancel(account, static_cast<std::uint64_t>(order.client_order_id),
                    order.product.start_minute);
      break;
    case 1:
      driver.Replace(order);
      break;
    case 2:
      if (random.Below(8) == 0) {
        driver.ApplyFrom(CredentialId{account}, 0, CommandType::kDisconnect,
                         std::span<const OrderBody>());
      }
      break;
    case 3:
      driver.AdvanceTo(driver.now_ns + static_cast<std::int64_t>(random.Below(90)) * kSecondNs);
      break;
    default:
      driver.Submit(order);
  }
}

void RunDay(std::uint64_t seed, ExchangeDriver& driver) {
  RandomSource random(seed);
  driver.AddMarket(RandomMarket(random, 1));
  driver.AddMarket(RandomMarket(random, 2));
  for (std::uint32_t account = 1; account <= 20; ++account) {
    driver.AddAccount(account, /*party=*/1 + account % 7, /*credential=*/0,
                      MarketId{account % 2 + 1});
  }
  driver.AdvanceTo(driver.now_ns + kSecondNs);
  driver.drain_piece = 1 + random.Below(50);
  for (int step = 0; step < 600; ++step) DoSomething(random, driver);
}

void DrainAll(Exchange& exchange) {
  std::vector<Event> nowhere(256);
  while (exchange.Draining()) exchange.Drain(nowhere);
}

TEST(ExchangeReplay, ComesToTheSameDigestAndOutcomes) {
  for (std::uint64_t seed = 0; seed < Repeats(30, 2'000); ++seed) {
    SCOPED_TRACE(seed);
    ExchangeDriver driver;
    RunDay(seed, driver);
    const Exchange replayed = Replayed(driver);
    EXPECT_EQ(ToHex(replayed.StateDigest()), ToHex(driver.exchange.StateDigest()));
    EXPECT_EQ(replayed.open_orders(), driver.exchange.open_orders());
  }
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
  for (std::uint64_t seed = 0; seed < Repeats(30, 2'000); ++seed) {
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
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)    // Shadows are resident too.
  EXPECT_LT(ResidentBytes() - resident_before, std::size_t{1} << 30);  // With all 50,000 accounts.
#endif
}

}  // namespace
}  // namespace engine
