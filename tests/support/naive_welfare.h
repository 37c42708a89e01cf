// The welfare rule by trying every price and every marginal value, and the welfare optimum by
// trading one watt-hour after the other. Too slow to be wrong.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "tests/support/naive_stackelberg.h"

namespace engine {

struct NaiveWelfare {
  std::uint64_t energy_wh = 0;
  std::int64_t price = 0;
  std::vector<std::uint64_t> filled;  // By order.
};

namespace naive {

constexpr std::int64_t kFractions = 1 << 20;  // Of a tick.

inline Int DemandWh(const std::vector<StackelbergOrder>& orders,
                    const std::vector<std::size_t>& bids, std::int64_t price) {
  return TotalDemand(orders, bids, price) / kNano;
}
inline Int SupplyWh(const std::vector<StackelbergOrder>& orders,
                    const std::vector<std::size_t>& asks, std::int64_t price) {
  Int supply = 0;
  for (const std::size_t i : asks) supply += orders[i].price <= price ? orders[i].energy_wh : 0;
  return supply;
}

// What a bid takes at a marginal value of price + fraction / kFractions, in whole nano-watt-hours.
inline Int DemandAt(const StackelbergOrder& order, std::int64_t price, std::int64_t fraction) {
  const Int value = Int{price} * kFractions + fraction;
  const Int under = Int{order.price} * kFractions - value;
  const Int full = Int{static_cast<std::int64_t>(order.energy_wh)} * kNano;
  if (under < 0) return 0;
  switch (order.response) {
    case Response::kQuadratic: {
      const auto theta = static_cast<std::int64_t>(order.param);
      return std::min((kNano * 1'000'000 + theta - 1) / theta * under / kFractions, full);
    }
    case Response::kLogarithmic:
      return std::min(Int{static_cast<std::int64_t>(order.param)} * under * kNano / value, full);
    default:
      return full;
  }
}

inline bool IsMarginal(const StackelbergOrder& order, std::int64_t price) {
  return order.response == Response::kFixed && order.price == price;
}

// What each bid gets before it is rounded to watt-hours.
inline std::vector<Int> ValuedDemand(const std::vector<StackelbergOrder>& orders,
                                     const std::vector<std::size_t>& bids, std::int64_t price,
                                     Int energy) {
  const auto above = [&](std::int64_t fraction) {
    Int sum = 0;
    for (const std::size_t i : bids) {
      if (orders[i].price > price) sum += DemandAt(orders[i], price, fraction);
    }
    return sum;
  };
  Int marginal = 0;
  for (const std::size_t i : bids) {
    if (IsMarginal(orders[i], price)) marginal += DemandAt(orders[i], price, 0);
  }
  std::int64_t fraction = 0;
  const bool all = above(0) + marginal < energy + kNano;
  if (!all && above(0) > energy) {
    std::int64_t too_high = kFractions + 1;
    while (too_high - fraction > 1) {
      const std::int64_t middle = (fraction + too_high) / 2;
      (above(middle) >= energy ? fraction : too_high) = middle;
    }
  }
  const Int at = above(fraction);
  const Int next = fraction < kFractions ? above(fraction + 1) : at;
  std::vector<Int> parts;
  for (const std::size_t i : bids) {
    const StackelbergOrder& order = orders[i];
    Int part = order.price > price ? DemandAt(order, price, fraction) : 0;
    if (!all && at > energy && next < energy && order.price > price) {
      const Int least = DemandAt(order, price, fraction + 1);
      part = least + (part - least) * (energy - next) / (at - next);
    }
    if (IsMarginal(order, price)) {
      part = DemandAt(order, price, 0);
      if (!all) part = at > energy ? 0 : part * (energy - at) / marginal;
    }
    parts.push_back(part);
  }
  return parts;
}

}  // namespace naive

// Prices are those of the orders, all above one; energies and counts small enough that a product of
// three of them fits 127 bits.
inline NaiveWelfare NaiveWelfareClear(const std::vector<StackelbergOrder>& orders,
                                      const RuleParameters& rule) {
  using naive::Int;
  NaiveWelfare round;
  round.filled.resize(orders.size());
  const std::vector<std::size_t> bids = naive::Sorted(orders, Side::kBuy);
  const std::vector<std::size_t> asks = naive::Sorted(orders, Side::kSell);
  if (bids.empty() || asks.empty()) return round;
  const auto demand = [&](std::int64_t price) { return naive::DemandWh(orders, bids, price); };
  const auto supply = [&](std::int64_t price) { return naive::SupplyWh(orders, asks, price); };
  const std::int64_t lowest = orders[asks.front()].price;
  const std::int64_t highest = orders[bids.front()].price;
  Int most = 0;
  for (std::int64_t price = lowest; price <= highest; ++price) {
    most = std::max(most, std::min(demand(price), supply(price)));
  }
  if (most == 0) return round;
  round.energy_wh = static_cast<std::uint64_t>(most);
  for (std::int64_t price = highest; price >= lowest; --price) {
    const bool meets = demand(price + 1) <= most && most <= demand(price) &&
                       supply(price - 1) <= most && most <= supply(price);
    if (!meets || (round.price > 0 && rule.ties == Ties::kHigher)) continue;
    round.price = price;
  }
  naive::ShareOut(bids, naive::ValuedDemand(orders, bids, round.price, most * naive::kNano),
                  round.energy_wh, most * naive::kNano, round.filled);

  Int left = most;
  for (std::size_t j = 0; j < asks.size() && left > 0;) {
    std::vector<std::size_t> level;
    std::vector<Int> weights;
    Int offered = 0;
    for (; j < asks.size() && (level.empty() || orders[asks[j]].price == orders[level[0]].price);
         ++j) {
      level.push_back(asks[j]);
      weights.push_back(orders[asks[j]].energy_wh);
      offered += weights.back();
    }
    const Int sold = std::min(left, offered);
    naive::ShareOut(level, weights, static_cast<std::uint64_t>(sold), offered, round.filled);
    left -= sold;
  }
  return round;
}

// Ledger units that the energy is worth to a buyer, or costs a seller.
inline long double Worth(const StackelbergOrder& order, std::uint64_t energy_wh) {
  const auto x = static_cast<long double>(energy_wh);
  const auto limit = static_cast<long double>(order.price);
  const auto param = static_cast<long double>(order.param);
  switch (order.response) {
    case Response::kQuadratic:
      return limit * x - param * x * x / 2e6L;  // Theta is per MWh.
    case Response::kLogarithmic:
      return limit * param * std::log1p(x / param);
    default:
      return limit * x;
  }
}

inline long double WelfareOf(const std::vector<StackelbergOrder>& orders,
                             const std::vector<std::uint64_t>& filled) {
  long double welfare = 0;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const long double worth = Worth(orders[i], filled[i]);
    welfare += orders[i].side == Side::kBuy ? worth : -worth;
  }
  return welfare;
}

// Of whole watt-hours: each goes from the cheapest ask to the buyer to whom one more is worth most.
inline long double BestWelfare(const std::vector<StackelbergOrder>& orders) {
  std::vector<long double> bids;
  std::vector<long double> asks;
  for (const StackelbergOrder& order : orders) {
    for (std::uint64_t wh = 0; wh < order.energy_wh; ++wh) {
      (order.side == Side::kBuy ? bids : asks).push_back(Worth(order, wh + 1) - Worth(order, wh));
    }
  }
  std::sort(bids.begin(), bids.end(), std::greater<>());
  std::sort(asks.begin(), asks.end());
  long double welfare = 0;
  for (std::size_t i = 0; i < std::min(bids.size(), asks.size()) && bids[i] > asks[i]; ++i) {
    welfare += bids[i] - asks[i];
  }
  return welfare;
}

}  // namespace engine
