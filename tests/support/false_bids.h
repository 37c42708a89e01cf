// Whether an order gains by a limit that is not its value: tried in small markets, exhaustively.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/support/rule_round.h"

namespace engine {

struct FalseBid {
  std::vector<RuleOrder> orders;  // With the true values.
  std::size_t order = 0;          // Gains by
  std::int64_t limit = 0;         // this limit.
  std::int64_t gain = 0;          // By so many ledger units.
};

// The first order that gains by another limit from 0 to `highest`, with the values as they are;
// clear(orders) is the round's RuleOutcome.
template <typename Clear>
std::optional<FalseBid> FindFalseBidBy(Clear clear, const std::vector<RuleOrder>& orders,
                                       std::int64_t highest) {
  const RuleOutcome honest = clear(orders);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const Side side = orders[i].side;
    const std::int64_t value = orders[i].limit;
    std::vector<RuleOrder> told = orders;
    for (std::int64_t limit = 0; limit <= highest; ++limit) {
      told[i].limit = limit;
      const std::int64_t gain =
          GainOf(clear(told), i, side, value) - GainOf(honest, i, side, value);
      if (gain > 0) return FalseBid{orders, i, limit, gain};
    }
  }
  return std::nullopt;
}

inline std::optional<FalseBid> FindFalseBid(const MarketDefinition& market,
                                            const std::vector<RuleOrder>& orders,
                                            std::int64_t highest) {
  return FindFalseBidBy(
      [&market](const std::vector<RuleOrder>& told) { return ClearOrders(market, told); }, orders,
      highest);
}

// What the order gains by telling this limit, with the values as they are; negative: loses.
inline std::int64_t GainByTelling(const MarketDefinition& market,
                                  const std::vector<RuleOrder>& orders, std::size_t order,
                                  std::int64_t limit) {
  const RuleOrder& honest = orders[order];
  std::vector<RuleOrder> told = orders;
  told[order].limit = limit;
  return GainOf(ClearOrders(market, told), order, honest.side, honest.limit) -
         GainOf(ClearOrders(market, orders), order, honest.side, honest.limit);
}

// Calls visit(orders) with every market of `bids` bids and `asks` asks, bids before asks in
// time, whose limits are from 0 to `highest`; `energies` by order.
template <typename Visit>
void ForEachMarket(const std::vector<std::uint64_t>& energies, std::size_t bids,
                   std::int64_t highest, Visit visit) {
  std::vector<RuleOrder> orders;
  for (std::size_t i = 0; i < energies.size(); ++i) {
    orders.push_back({i < bids ? Side::kBuy : Side::kSell, 0, energies[i], UINT32_MAX});
  }
  for (;;) {
    visit(orders);
    std::size_t at = 0;
    while (at < orders.size() && orders[at].limit == highest) orders[at++].limit = 0;
    if (at == orders.size()) return;
    ++orders[at].limit;
  }
}

}  // namespace engine
