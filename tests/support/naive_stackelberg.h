// The Stackelberg auction as the paper walks it: sorted orders, one price after the other,
// fractions in full. Too slow to be wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "engine/core/command.h"
#include "engine/core/market_definition.h"

namespace engine {

struct StackelbergOrder {
  Side side{};
  std::int64_t price = 0;
  std::uint64_t energy_wh = 0;  // 0: has left.
  Response response{};
  std::uint64_t param = 0;
};

struct NaiveStackelberg {
  std::uint64_t energy_wh = 0;
  std::int64_t price = 0;
  std::uint32_t prices = 0;
  std::vector<std::uint64_t> filled;  // By order.
};

namespace naive {

__extension__ using Int = __int128;
constexpr Int kNano = 1'000'000'000;

inline std::vector<std::size_t> Sorted(const std::vector<StackelbergOrder>& orders, Side side) {
  std::vector<std::size_t> sorted;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    if (orders[i].side == side && orders[i].energy_wh > 0) sorted.push_back(i);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
    return side == Side::kBuy ? orders[a].price > orders[b].price
                              : orders[a].price < orders[b].price;
  });
  return sorted;
}

// Numbers of the K-th bid and the J-th ask, from 0, by the walk of the paper.
inline std::optional<std::pair<std::size_t, std::size_t>> Walk(
    const std::vector<StackelbergOrder>& orders, const std::vector<std::size_t>& bids,
    const std::vector<std::size_t>& asks) {
  if (bids.empty() || asks.empty()) return std::nullopt;
  const auto bid = [&](std::size_t i) -> const StackelbergOrder& { return orders[bids[i]]; };
  const auto ask = [&](std::size_t j) -> const StackelbergOrder& { return orders[asks[j]]; };
  if (bid(0).price < ask(0).price) return std::nullopt;
  std::size_t i = 0;
  std::size_t j = 0;
  Int demand = bid(0).energy_wh;
  Int supply = ask(0).energy_wh;
  for (;;) {
    const bool more_bids = demand <= supply && i + 1 < bids.size();
    const bool more_asks = supply <= demand && j + 1 < asks.size();
    if (!more_bids && !more_asks) break;
    if (demand < supply && !more_bids) break;
    if (supply < demand && !more_asks) break;
    const std::size_t next_i = more_bids ? i + 1 : i;
    const std::size_t next_j = more_asks ? j + 1 : j;
    if (bid(next_i).price <= ask(next_j).price) break;
    if (more_bids) demand += bid(++i).energy_wh;
    if (more_asks) supply += ask(++j).energy_wh;
  }
  return std::pair(i, j);
}

// A buyer's demand at a price: nano-watt-hours times the price, so that all of them are whole.
inline Int Demand(const StackelbergOrder& order, std::int64_t price) {
  const Int full = Int{static_cast<std::int64_t>(order.energy_wh)} * kNano;
  const Int below = order.price - price;
  switch (order.response) {
    case Response::kQuadratic: {
      const auto theta = static_cast<std::int64_t>(order.param);
      const Int slope = (kNano * 1'000'000 + theta - 1) / theta;
      return std::clamp(std::min(slope, full) * below, Int{0}, full) * price;
    }
    case Response::kLogarithmic:
      return std::clamp(Int{static_cast<std::int64_t>(order.param)} * below * kNano, Int{0},
                        full * price);
    default:
      return below >= 0 ? full * price : 0;
  }
}

// The sum, with what is logarithmic rounded down once: in nano-watt-hours.
inline Int TotalDemand(const std::vector<StackelbergOrder>& orders,
                       const std::vector<std::size_t>& buyers, std::int64_t price) {
  Int total = 0;
  for (const std::size_t i : buyers) total += Demand(orders[i], price);
  return total / price;
}

// `weights` sum to a whole of which `energy` is shared out; a share is weight * energy / whole.
inline void ShareOut(const std::vector<std::size_t>& who, const std::vector<Int>& weights,
                     std::uint64_t energy, Int whole, std::vector<std::uint64_t>& filled) {
  std::vector<Int> remainders(who.size());
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < who.size(); ++i) {
    const Int product = weights[i] * static_cast<Int>(energy);
    filled[who[i]] = static_cast<std::uint64_t>(product / whole);
    remainders[i] = product % whole;
    given += filled[who[i]];
  }
  // Ties go to the older order, not to the better one.
  std::vector<std::size_t> by_remainder(who.size());
  std::iota(by_remainder.begin(), by_remainder.end(), std::size_t{0});
  std::sort(by_remainder.begin(), by_remainder.end(), [&](std::size_t a, std::size_t b) {
    return remainders[a] != remainders[b] ? remainders[a] > remainders[b] : who[a] < who[b];
  });
  for (std::size_t i = 0; given < energy; ++i, ++given) ++filled[who[by_remainder[i]]];
}

}  // namespace naive

// Prices are those of the orders, all above zero; energies and counts small enough that a product
// of three of them fits 127 bits.
inline NaiveStackelberg NaiveStackelbergClear(const std::vector<StackelbergOrder>& orders,
                                              const RuleParameters& rule) {
  using naive::Int;
  NaiveStackelberg round;
  round.filled.resize(orders.size());
  std::vector<std::size_t> bids = naive::Sorted(orders, Side::kBuy);
  std::vector<std::size_t> asks = naive::Sorted(orders, Side::kSell);
  const auto crossing = naive::Walk(orders, bids, asks);
  if (!crossing) return round;
  const auto [k, j] = *crossing;
  if ((k == 0 || j == 0) && rule.lone_trader == LoneTrader::kDrop) return round;
  const std::int64_t highest = orders[bids[k]].price;
  bids.resize(std::max<std::size_t>(k, 1));
  asks.resize(std::max<std::size_t>(j, 1));
  const std::int64_t lowest = orders[asks.back()].price;
  Int supply = 0;
  for (const std::size_t i : asks) supply += orders[i].energy_wh;

  Int best_welfare = -1;
  Int demand = 0;
  for (std::int64_t price = highest; price >= lowest; price -= rule.step_ticks) {
    ++round.prices;
    Int margin = 0;
    for (const std::size_t i : asks) margin += price - orders[i].price;
    const Int taken = naive::TotalDemand(orders, bids, price);
    const Int welfare = margin * taken;
    if (welfare < best_welfare || (welfare == best_welfare && rule.ties == Ties::kHigher)) continue;
    best_welfare = welfare;
    round.price = price;
    demand = taken;
  }
  round.energy_wh = static_cast<std::uint64_t>(std::min(demand / naive::kNano, supply));
  if (round.energy_wh == 0) return round;

  std::vector<Int> weights;
  Int whole = 0;
  for (const std::size_t i : bids) {
    weights.push_back(naive::Demand(orders[i], round.price));
    whole += weights.back();
  }
  if (static_cast<Int>(round.energy_wh) == demand / naive::kNano) {
    // Everyone's demand, rounded: a share of `energy` in `whole` that is one nano-watt-hour each.
    whole = static_cast<Int>(round.energy_wh) * naive::kNano * round.price;
  }
  naive::ShareOut(bids, weights, round.energy_wh, whole, round.filled);
  weights.clear();
  for (const std::size_t i : asks) weights.push_back(orders[i].energy_wh);
  naive::ShareOut(asks, weights, round.energy_wh, supply, round.filled);
  return round;
}

}  // namespace engine
