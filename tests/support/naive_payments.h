// Rules that pay each order by itself, watt-hour by watt-hour. Too slow to be wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "tests/support/naive_double_auction.h"

namespace engine {

// A side's watt-hours in priority, each with its order; `without` leaves out a party's.
inline std::vector<std::size_t> UnitsInPriority(const std::vector<RuleOrder>& orders, Side side,
                                                std::uint32_t without = UINT32_MAX) {
  std::vector<std::size_t> units;
  for (const std::size_t i : InPriority(orders, side)) {
    if (without == UINT32_MAX || orders[i].party != without) {
      units.insert(units.end(), orders[i].energy_wh, i);
    }
  }
  return units;
}

// How many units trade, best with best.
inline std::size_t UnitsTraded(const std::vector<RuleOrder>& orders,
                               const std::vector<std::size_t>& bids,
                               const std::vector<std::size_t>& asks) {
  std::size_t traded = 0;
  while (traded < std::min(bids.size(), asks.size()) &&
         orders[bids[traded]].limit >= orders[asks[traded]].limit) {
    ++traded;
  }
  return traded;
}

// Value to bidders less cost to askers of all that trades.
inline std::int64_t NaiveWelfare(const std::vector<RuleOrder>& orders,
                                 std::uint32_t without = UINT32_MAX) {
  const std::vector<std::size_t> bids = UnitsInPriority(orders, Side::kBuy, without);
  const std::vector<std::size_t> asks = UnitsInPriority(orders, Side::kSell, without);
  std::int64_t welfare = 0;
  for (std::size_t unit = 0; unit < UnitsTraded(orders, bids, asks); ++unit) {
    welfare += orders[bids[unit]].limit - orders[asks[unit]].limit;
  }
  return welfare;
}

// By order: what it got of the most valuable trades, the older first.
inline std::vector<std::uint64_t> NaiveMatch(const std::vector<RuleOrder>& orders) {
  const std::vector<std::size_t> bids = UnitsInPriority(orders, Side::kBuy);
  const std::vector<std::size_t> asks = UnitsInPriority(orders, Side::kSell);
  std::vector<std::uint64_t> filled(orders.size());
  for (std::size_t unit = 0; unit < UnitsTraded(orders, bids, asks); ++unit) {
    ++filled[bids[unit]];
    ++filled[asks[unit]];
  }
  return filled;
}

// By order: twice what it pays or gets when each pair trades at its middle, or at the bid.
inline std::vector<std::int64_t> NaivePairHalves(const std::vector<RuleOrder>& orders,
                                                 PairPricing pricing) {
  const std::vector<std::size_t> bids = UnitsInPriority(orders, Side::kBuy);
  const std::vector<std::size_t> asks = UnitsInPriority(orders, Side::kSell);
  std::vector<std::int64_t> halves(orders.size());
  for (std::size_t unit = 0; unit < UnitsTraded(orders, bids, asks); ++unit) {
    const std::int64_t bid = orders[bids[unit]].limit;
    const std::int64_t other = pricing == PairPricing::kBuyer ? bid : orders[asks[unit]].limit;
    halves[bids[unit]] += bid + other;
    halves[asks[unit]] += bid + other;
  }
  return halves;
}

// By party: what it pays, below zero what it is paid, from a second solution without it.
// Requires: every order has a party.
inline std::map<std::uint32_t, std::int64_t> NaiveClarke(const std::vector<RuleOrder>& orders) {
  const std::vector<std::uint64_t> filled = NaiveMatch(orders);
  std::map<std::uint32_t, std::int64_t> own;  // Value of what the party trades itself.
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const std::int64_t value = orders[i].limit * static_cast<std::int64_t>(filled[i]);
    own[orders[i].party] += orders[i].side == Side::kBuy ? value : -value;
  }
  const std::int64_t welfare = NaiveWelfare(orders);
  std::map<std::uint32_t, std::int64_t> payments;
  for (const auto& [party, value] : own) {
    payments[party] = NaiveWelfare(orders, party) - (welfare - value);
  }
  return payments;
}

}  // namespace engine
