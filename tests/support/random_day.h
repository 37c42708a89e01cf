// A day of two markets with any rules, in which twenty homes do whatever comes to their minds.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>

#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/random_source.h"

namespace engine {

inline MarketDefinition RandomMarket(RandomSource& random, std::uint32_t id) {
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

inline OrderBody RandomOrder(RandomSource& random, std::int64_t now_ns) {
  // One draw a statement: the order of arguments is each compiler's own.
  const auto account = static_cast<std::uint32_t>(1 + random.Below(20));
  const Side side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
  const std::uint64_t id = 1 + random.Below(6);
  const std::int32_t ticks = static_cast<std::int32_t>(random.Below(40)) - 10;
  const std::uint64_t energy_wh = random.Below(2) == 0 ? 50 : 1 + random.Below(200);
  OrderBody order = MakeOrder(side, account, id, ticks, static_cast<std::uint32_t>(energy_wh));
  order.product.market = MarketId{account % 2 + 1};
  const auto minute = static_cast<std::uint32_t>(now_ns / (60 * kSecondNs));
  order.product.start_minute =
      minute / 15 * 15 + 15 + 15 * static_cast<std::uint32_t>(random.Below(3));
  return order;
}

inline void DoSomething(RandomSource& random, ExchangeDriver& driver) {
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

inline void RunDay(std::uint64_t seed, ExchangeDriver& driver) {
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

}  // namespace engine
