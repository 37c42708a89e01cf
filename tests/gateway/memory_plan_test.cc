#include "gateway/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"

namespace gateway {
namespace {

using testing::HasSubstr;

TEST(MemoryPlan, GrowsWithOrdersMarketsClientsAndConnections) {
  const Config config;
  const engine::ExchangeDriver small(1'000);
  const MemoryPlan before = PlanMemory(config, small.exchange);
  engine::ExchangeDriver large(1'000'000);
  large.AddMarket(engine::SmallMarket());
  for (std::uint32_t account = 1; account <= 100; ++account) large.AddAccount(account);
  Config more = config;
  more.max_connections *= 2;
  more.gateway_threads = 4;
  const MemoryPlan after = PlanMemory(more, large.exchange);
  EXPECT_GT(after.books, before.books);
  EXPECT_GT(after.products, before.products);
  EXPECT_GT(after.clients, before.clients);
  EXPECT_GT(after.connections, before.connections);
  EXPECT_GT(after.rings, 3 * before.rings);  // The outbox's is one, whatever the threads.
}

TEST(MemoryPlan, CountsThePriceQueuesOfContinuousMarkets) {
  engine::MarketDefinition market = engine::SmallMarket();
  market.band_levels = 60'000;
  engine::ExchangeDriver cleared(1'000);
  cleared.AddMarket(market);
  market.rule.rule = engine::Rule::kContinuous;
  engine::ExchangeDriver continuous(1'000);
  continuous.AddMarket(market);
  const std::uint64_t queues = PlanMemory(Config(), continuous.exchange).products -
                               PlanMemory(Config(), cleared.exchange).products;
  EXPECT_GT(queues, engine::OpenProductsMost(market) * market.band_levels * 2 * 16);
}

// What books and tables really take stays under what was planned for them.
TEST(MemoryPlan, CoversBooksThatAreFull) {
  constexpr std::uint32_t kAccounts = 1'000;
  engine::ExchangeDriver driver(std::uint64_t{4} * kAccounts);
  driver.AddMarket(engine::SmallMarket());
  for (std::uint32_t account = 1; account <= kAccounts; ++account) driver.AddAccount(account);
  driver.AdvanceTo(engine::ExchangeDriver::MinuteNs(545));
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    for (std::uint32_t account = 1; account <= kAccounts; ++account) {
      engine::OrderBody order = engine::Bid(account, 1, 20, 10);
      order.product.start_minute = engine::kStart - 45 + 15 * slot;
      ASSERT_EQ(driver.Submit(order), engine::Reason::kNone);
    }
  }
  EXPECT_LE(driver.exchange.memory_bytes(),
            PlanMemory(Config(), driver.exchange).books + (256 * sizeof(engine::OrderChunk)));
}

TEST(MemoryPlan, OverTheLimitIsRefusedWithItsSum) {
  const engine::ExchangeDriver driver(1'000);
  Config config;
  config.memory_limit_mib = 10;
  const MemoryPlan plan = PlanMemory(config, driver.exchange);
  const std::string error(CheckMemory(plan, config).message());
  EXPECT_THAT(error, HasSubstr("over the limit of 10 MiB (memory.limit_mib): at most "));
  EXPECT_THAT(error, HasSubstr("connections "));
  config.memory_limit_mib = 1'000;
  EXPECT_TRUE(CheckMemory(plan, config).ok());
}

}  // namespace
}  // namespace gateway
