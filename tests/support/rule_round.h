// A book of listed orders, cleared by a rule of the table: what each order got and paid.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/clearing/rules.h"
#include "engine/core/clearing/wide.h"
#include "engine/core/units.h"
#include "tests/support/random_source.h"

namespace engine {

// In order of arrival. Limits are ticks; the band of the market begins at its lowest.
struct RuleOrder {
  Side side{};
  std::int64_t limit = 0;
  std::uint64_t energy_wh = 0;
  std::uint32_t party = UINT32_MAX;  // UINT32_MAX: one of its own.
};

inline RuleOrder Buy(std::int64_t limit, std::uint64_t energy_wh,
                     std::uint32_t party = UINT32_MAX) {
  return {Side::kBuy, limit, energy_wh, party};
}
inline RuleOrder Sell(std::int64_t limit, std::uint64_t energy_wh,
                      std::uint32_t party = UINT32_MAX) {
  return {Side::kSell, limit, energy_wh, party};
}

// So many buyers and sellers in turn, of a lot each and values of 0 to 9,999, all as likely.
inline std::vector<RuleOrder> RandomTraders(RandomSource& random, std::size_t pairs,
                                            std::uint64_t lot_wh) {
  std::vector<RuleOrder> orders;
  for (std::size_t trader = 0; trader < 2 * pairs; ++trader) {
    const auto value = static_cast<std::int64_t>(random.Below(10'000));
    orders.push_back(trader % 2 == 0 ? Buy(value, lot_wh) : Sell(value, lot_wh));
  }
  return orders;
}

struct RuleOutcome {
  ClearedRound cleared;
  std::vector<std::uint64_t> filled;  // By order.
  std::vector<std::int64_t> amounts;  // By order.
};

inline MarketDefinition RuleMarket(Rule rule, std::int32_t band_low_ticks = 0) {
  MarketDefinition market;
  market.id = MarketId{1};
  market.band_low_ticks = band_low_ticks;
  market.band_levels = kBandLevelsMax;
  market.rule.rule = rule;
  return market;
}

inline void AddOrders(const MarketDefinition& market, const std::vector<RuleOrder>& orders,
                      Book& book, BookMemory& memory) {
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const RuleOrder& order = orders[i];
    const auto account = static_cast<std::uint32_t>(i);
    ASSERT_TRUE(book.Add(
        memory, {.side = order.side,
                 .level = static_cast<std::uint16_t>(order.limit - market.band_low_ticks),
                 .energy_wh = static_cast<std::uint32_t>(order.energy_wh),
                 .account = account,
                 .party = order.party == UINT32_MAX ? account + 1'000'000'000 : order.party,
                 .client_order_id = ClientOrderId{i},
                 .order_id = OrderId{i}}));
  }
}

// What every rule promises of a round that trades.
inline void ExpectConserved(const MarketDefinition& market, const std::vector<RuleOrder>& orders,
                            const RuleOutcome& outcome) {
  const ClearedRound& cleared = outcome.cleared;
  std::uint64_t energy[2] = {0, 0};
  SignedWide money[2] = {0, 0};
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const bool buys = orders[i].side == Side::kBuy;
    energy[buys ? 0 : 1] += outcome.filled[i];
    money[buys ? 0 : 1] += outcome.amounts[i];
    EXPECT_LE(outcome.filled[i], orders[i].energy_wh);
    const std::int64_t at_limit = orders[i].limit * static_cast<std::int64_t>(outcome.filled[i]);
    EXPECT_TRUE(buys ? outcome.amounts[i] <= at_limit : outcome.amounts[i] >= at_limit)
        << "order " << i << " trades beyond its limit";
  }
  EXPECT_EQ(energy[0], cleared.energy_wh);
  EXPECT_EQ(energy[1], cleared.energy_wh);
  EXPECT_TRUE(money[0] - money[1] == cleared.operator_balance_units);
  const std::int32_t prices[2] = {cleared.buy_price_ticks, cleared.sell_price_ticks};
  for (const std::size_t side : {0U, 1U}) {  // The mean, rounded down.
    const SignedWide above = money[side] - SignedWide{market.band_low_ticks} * energy[side];
    EXPECT_TRUE(above / energy[side] + market.band_low_ticks == prices[side]);
  }
}

inline LotteryBytes SecretNumber(std::uint64_t number) {
  LotteryBytes secret{std::byte{1}};
  std::memcpy(secret.data() + 1, &number, sizeof(number));
  return secret;
}

// With a lottery's secret, or another function than the rule's.
using RuleClear = std::function<ClearedRound(const SealedBook&, ClearingScratch&)>;
inline RuleOutcome ClearOrdersBy(const MarketDefinition& market,
                                 const std::vector<RuleOrder>& orders, const RuleClear& clear,
                                 const LotteryBytes& secret = SecretNumber(0));

// Ensures: a test fails in here where energy or money is not conserved, an order trades more than
//          its energy or beyond its limit, or a count stays behind in the scratch.
inline RuleOutcome ClearOrders(const MarketDefinition& market, const std::vector<RuleOrder>& orders,
                               const LotteryBytes& secret = SecretNumber(0)) {
  return ClearOrdersBy(
      market, orders,
      [&market](const SealedBook& sealed, ClearingScratch& scratch) {
        return RuleOf(market).clear(sealed, scratch, RuleEntry::Fills::kFill);
      },
      secret);
}

inline RuleOutcome ClearOrdersBy(const MarketDefinition& market,
                                 const std::vector<RuleOrder>& orders, const RuleClear& clear,
                                 const LotteryBytes& secret) {
  static BookMemory memory(2'000'000);  // Kept: a test clears many small books.
  Book book;
  AddOrders(market, orders, book, memory);
  static const auto scratch = std::make_unique<ClearingScratch>();
  RuleOutcome outcome;
  outcome.cleared = clear({book, memory, market, secret}, *scratch);
  std::uint64_t left_behind = 0;
  for (const RuleOrder& order : orders) {
    const auto level = static_cast<std::size_t>(order.limit - market.band_low_ticks);
    left_behind |= scratch->demand_wh[level] | scratch->supply_wh[level];
  }
  EXPECT_EQ(left_behind, 0U);
  outcome.filled.resize(orders.size());
  outcome.amounts.resize(orders.size());
  const ClearedRound& cleared = outcome.cleared;
  std::size_t fills = 0;
  book.ForEachOrder(memory, [&](const OrderChunk& chunk, std::uint32_t at) {
    if (cleared.energy_wh == 0 || chunk.filled_wh[at] == 0) return;
    const std::size_t i = chunk.account[at];
    const std::int64_t price =
        chunk.side == Side::kBuy ? cleared.buy_price_ticks : cleared.sell_price_ticks;
    outcome.filled[i] = chunk.filled_wh[at];
    outcome.amounts[i] = cleared.amounts_units.empty() ? price * chunk.filled_wh[at]
                                                       : cleared.amounts_units.at(fills);
    ++fills;
  });
  book.Clear(memory);
  if (cleared.energy_wh == 0) return outcome;
  EXPECT_TRUE(cleared.amounts_units.empty() || cleared.amounts_units.size() == fills);
  ExpectConserved(market, orders, outcome);
  return outcome;
}

// Of what is random.
inline void ExpectWithin(std::int64_t value, std::int64_t expected, std::int64_t noise) {
  EXPECT_GE(value, expected - noise);
  EXPECT_LE(value, expected + noise);
}

// What an order gains at a value of its own that need not be its limit.
inline std::int64_t GainOf(const RuleOutcome& outcome, std::size_t order, Side side,
                           std::int64_t value) {
  const std::int64_t worth = value * static_cast<std::int64_t>(outcome.filled[order]);
  return side == Side::kBuy ? worth - outcome.amounts[order] : outcome.amounts[order] - worth;
}

// Up to `most` orders of parties of their own, with ties in price more often than not.
inline std::vector<RuleOrder> RandomRuleOrders(RandomSource& random, std::size_t most,
                                               std::uint64_t energy_most) {
  std::vector<RuleOrder> orders(random.Below(most + 1));
  const std::uint64_t levels = 1 + random.Below(random.Below(2) == 0 ? 6 : 60);
  for (RuleOrder& order : orders) {
    order.side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
    order.limit = static_cast<std::int64_t>(random.Below(levels));
    order.energy_wh = 1 + random.Below(energy_most);
  }
  return orders;
}

}  // namespace engine
