// A day of a market of one rule of the table, with random parameters, in which homes enter, replace
// and cancel.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/random_source.h"

namespace engine {

inline constexpr std::uint32_t kDayAccounts = 24;
inline constexpr std::uint32_t kDayParties = 12;
inline constexpr std::uint32_t kDayLotWh = 50;

// One of the choices of each parameter that the rule has.
inline void ChooseParameters(RandomSource& random, RuleParameters& rule) {
  const auto coin = [&random] { return random.Below(2) == 0; };
  rule.self_trade = coin() ? SelfTrade::kRefuse : SelfTrade::kCancelOlder;
  switch (rule.rule) {
    case Rule::kUniform:
      rule.margin = coin() ? Margin::kProRata : Margin::kTime;
      rule.price = static_cast<UniformPricing>(random.Below(3));
      break;
    case Rule::kStackelberg:
      rule.ties = coin() ? Ties::kLower : Ties::kHigher;
      rule.objective = coin() ? Objective::kAsws : Objective::kWelfare;
      break;
    case Rule::kPayAsBid:
      rule.pricing = coin() ? PairPricing::kMidpoint : PairPricing::kBuyer;
      break;
    case Rule::kReverse:
    case Rule::kForward:
      rule.payment = static_cast<ManyPayment>(random.Below(3));
      break;
    case Rule::kMuda:
      rule.long_side = coin() ? LongSide::kLottery : LongSide::kVickrey;
      break;
    case Rule::kVcg:
      rule.balance_account = AccountId{1};
      rule.deficit_cap_units = coin() ? INT64_MAX : 10'000;
      break;
    default:
      break;
  }
}

// Prices above zero where a response needs that.
inline MarketDefinition RandomMarketOf(RandomSource& random, const RuleEntry& entry) {
  MarketDefinition market = SmallMarket();
  market.band_low_ticks = entry.takes_responses ? 1 : -20;
  market.rule.rule = entry.rule;
  market.rule.rule_version = entry.version;
  while (const RuleParameter* needed = FindImpossible(market.rule)) {
    if (!needed->set(market.rule, std::to_string(kDayLotWh))) std::abort();
  }
  ChooseParameters(random, market.rule);
  if (!entry.continuous) market.rounds = static_cast<std::uint32_t>(1 + random.Below(3));
  market.round_interval_s = 300;
  market.carry_over = random.Below(2) == 0;
  market.freeze_s = random.Below(2) == 0 ? 0 : 30;
  return market;
}

// Of the market that the driver has. Account 1 is the one of the auctions of one and many.
inline OrderBody RandomOrderFor(RandomSource& random, const RuleEntry& entry, std::int64_t now_ns) {
  const bool has_one = entry.rule == Rule::kReverse || entry.rule == Rule::kForward;
  const std::uint64_t account_most = has_one && random.Below(4) == 0 ? 1 : kDayAccounts;
  const auto account = static_cast<std::uint32_t>(1 + random.Below(account_most));
  Side side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
  std::uint32_t energy_wh = 1 + static_cast<std::uint32_t>(random.Below(200));
  if (entry.rule == Rule::kReverse) side = account == 1 ? Side::kBuy : Side::kSell;
  if (entry.rule == Rule::kForward) side = account == 1 ? Side::kSell : Side::kBuy;
  const bool in_lots = entry.rule == Rule::kMcAfee || entry.rule == Rule::kTradeReduction ||
                       entry.rule == Rule::kSbba;
  if (in_lots) energy_wh = kDayLotWh;
  const std::uint64_t id = 1 + random.Below(6);
  const std::int32_t lowest = side == Side::kBuy ? 15 : 5;
  const std::int32_t ticks = lowest + static_cast<std::int32_t>(random.Below(21));
  OrderBody order = MakeOrder(side, account, id, ticks, energy_wh);
  if (entry.takes_responses && side == Side::kBuy) {
    order.response = static_cast<Response>(random.Below(3));
    if (order.response == Response::kQuadratic) {
      order.response_param = 1 + static_cast<std::uint32_t>(random.Below(200'000));
    } else if (order.response == Response::kLogarithmic) {
      order.response_param = 1 + static_cast<std::uint32_t>(random.Below(500));
    }
  }
  const auto minute = static_cast<std::uint32_t>(now_ns / (60 * kSecondNs));
  order.product.start_minute =
      minute / 15 * 15 + 15 + 15 * static_cast<std::uint32_t>(random.Below(3));
  return order;
}

// A market of the rule, and homes that enter, replace and cancel.
class DayOfARule {
 public:
  DayOfARule(std::uint64_t seed, const RuleEntry& entry, int steps = 500)
      : random_(seed), entry_(entry) {
    driver.AddMarket(RandomMarketOf(random_, entry));
    for (std::uint32_t account = 1; account <= kDayAccounts; ++account) {
      driver.AddAccount(account, /*party=*/1 + account % kDayParties);
    }
    driver.AdvanceTo(driver.now_ns + kSecondNs);
    driver.drain_piece = 1 + random_.Below(50);
    for (int step = 0; step < steps; ++step) Step();
    driver.AdvanceTo(driver.now_ns + 3'600 * kSecondNs);
    CheckFills();
  }

  ExchangeDriver driver;

 private:
  void Step() {
    const OrderBody order = RandomOrderFor(random_, entry_, driver.now_ns);
    const auto account = static_cast<std::uint32_t>(order.account);
    const std::uint64_t what = random_.Below(12);
    if (what == 0) {
      driver.Cancel(account, static_cast<std::uint64_t>(order.client_order_id),
                    order.product.start_minute);
    } else if (what == 1 && random_.Below(8) == 0) {
      driver.ApplyFrom(CredentialId{account}, 0, CommandType::kDisconnect,
                       std::span<const OrderBody>());
    } else if (what == 2) {
      driver.AdvanceTo(driver.now_ns + static_cast<std::int64_t>(random_.Below(120)) * kSecondNs);
    } else if ((what == 3 ? driver.Replace(order) : driver.Submit(order)) == Reason::kNone) {
      limits_[{account, order.client_order_id, order.product.start_minute}] = order.limit_ticks;
    }
    CheckFills();
  }

  // Of what was told since the last time, nothing is beyond its order's limit.
  void CheckFills() {
    for (; checked_ < driver.events.size(); ++checked_) {
      if (driver.events[checked_].type != EventType::kFill) continue;
      const FillEvent& fill = driver.events[checked_].fill;
      const auto account = static_cast<std::uint32_t>(fill.account);
      const std::int64_t at_limit =
          limits_.at({account, fill.client_order_id, fill.product.start_minute}) *
          std::int64_t{fill.energy_wh};
      EXPECT_TRUE(fill.side == Side::kBuy ? fill.amount_units <= at_limit
                                          : fill.amount_units >= at_limit);
    }
  }

  RandomSource random_;
  const RuleEntry& entry_;
  std::map<std::tuple<std::uint32_t, ClientOrderId, std::uint32_t>, std::int64_t> limits_;
  std::size_t checked_ = 0;  // Events.
};

}  // namespace engine
