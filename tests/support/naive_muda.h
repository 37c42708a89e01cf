// MUDA by halves, watt-hour by watt-hour. Too slow to be wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "tests/support/naive_payments.h"

namespace engine {

// By party: its half is the lowest bit, its place in the lottery's order the number.
using MudaNumbers = std::map<std::uint32_t, std::uint64_t>;

struct NaiveMuda {
  std::vector<std::uint64_t> filled;               // By order.
  std::map<std::uint32_t, std::int64_t> payments;  // By party, of all that it buys,
  std::map<std::uint32_t, std::int64_t> earnings;  // and of all that it sells.
  std::optional<std::int64_t> prices[2];           // That each half names.
};

namespace naive {

// The orders of one half; the others have no energy.
inline std::vector<RuleOrder> HalfOf(const std::vector<RuleOrder>& orders,
                                     const MudaNumbers& numbers, std::uint64_t half) {
  std::vector<RuleOrder> mine = orders;
  for (RuleOrder& order : mine) {
    if ((numbers.at(order.party) & 1) != half) order.energy_wh = 0;
  }
  return mine;
}

inline std::optional<std::int64_t> PriceOfHalf(const std::vector<RuleOrder>& half) {
  const std::vector<std::size_t> bids = UnitsInPriority(half, Side::kBuy);
  const std::vector<std::size_t> asks = UnitsInPriority(half, Side::kSell);
  if (bids.empty() || asks.empty()) return std::nullopt;
  const std::size_t traded = UnitsTraded(half, bids, asks);
  if (traded == 0) return (half[bids[0]].limit + half[asks[0]].limit) / 2;
  std::int64_t low = half[asks[traded - 1]].limit;
  std::int64_t high = half[bids[traded - 1]].limit;
  if (traded < bids.size()) low = std::max(low, half[bids[traded]].limit);
  if (traded < asks.size()) high = std::min(high, half[asks[traded]].limit);
  return (low + high) / 2;
}

// What each unit of a side is worth to its owner at the price.
inline std::int64_t Surplus(const RuleOrder& order, std::int64_t price) {
  return order.side == Side::kBuy ? order.limit - price : price - order.limit;
}
// Of the best `most` units of the side, without one party's.
inline std::int64_t BestSurplus(const std::vector<RuleOrder>& half, Side side, std::int64_t price,
                                std::size_t most, std::uint32_t without) {
  std::int64_t surplus = 0;
  std::size_t taken = 0;
  for (const std::size_t unit : UnitsInPriority(half, side, without)) {
    if (taken++ == most || Surplus(half[unit], price) < 0) break;
    surplus += Surplus(half[unit], price);
  }
  return surplus;
}

}  // namespace naive

// Limits are not below zero.
inline NaiveMuda ClearNaiveMuda(const std::vector<RuleOrder>& orders, const MudaNumbers& numbers,
                                LongSide long_side) {
  NaiveMuda round;
  round.filled.resize(orders.size());
  for (const std::uint64_t half : {0U, 1U}) {
    round.prices[half] = naive::PriceOfHalf(naive::HalfOf(orders, numbers, half));
  }
  for (const std::uint64_t half : {0U, 1U}) {
    if (!round.prices[1 - half]) continue;
    const std::int64_t price = *round.prices[1 - half];
    std::vector<RuleOrder> mine = naive::HalfOf(orders, numbers, half);
    for (RuleOrder& order : mine) {
      if (naive::Surplus(order, price) < 0) order.energy_wh = 0;
    }
    std::vector<std::size_t> units[2] = {UnitsInPriority(mine, Side::kBuy),
                                         UnitsInPriority(mine, Side::kSell)};
    const std::size_t traded = std::min(units[0].size(), units[1].size());
    for (const Side side : {Side::kBuy, Side::kSell}) {
      std::vector<std::size_t>& own = units[static_cast<std::size_t>(side)];
      const bool is_long = own.size() > traded;
      if (is_long && long_side == LongSide::kLottery) {
        std::stable_sort(own.begin(), own.end(), [&](std::size_t a, std::size_t b) {
          return numbers.at(orders[a].party) < numbers.at(orders[b].party);
        });
      }
      own.resize(traded);
      std::map<std::uint32_t, std::int64_t> units_of;
      std::map<std::uint32_t, std::int64_t> surplus_of;
      std::int64_t surplus = 0;
      for (const std::size_t unit : own) {
        ++round.filled[unit];
        ++units_of[orders[unit].party];
        surplus_of[orders[unit].party] += naive::Surplus(orders[unit], price);
        surplus += naive::Surplus(orders[unit], price);
      }
      for (const auto& [party, energy] : units_of) {
        std::int64_t loss = 0;  // Of the others, by its being there.
        if (is_long && long_side == LongSide::kVickrey) {
          loss =
              naive::BestSurplus(mine, side, price, traded, party) - (surplus - surplus_of[party]);
        }
        if (side == Side::kBuy) {
          round.payments[party] += price * energy + loss;
        } else {
          round.earnings[party] += price * energy - loss;
        }
      }
    }
  }
  return round;
}

}  // namespace engine
