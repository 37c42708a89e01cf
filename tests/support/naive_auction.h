// The uniform-price auction by sorting and trying every price: too slow to be wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/core/clearing/wide.h"
#include "engine/core/command.h"
#include "engine/core/market_definition.h"

namespace engine {

struct NaiveOrder {
  Side side{};
  std::int64_t limit = 0;
  std::uint64_t open = 0;  // In order of arrival, 0 for one that left.
};

struct NaiveRound {
  std::uint64_t energy = 0;
  std::int64_t price = 0;
  std::vector<std::uint64_t> filled;  // By order.
};

// Order indices of a side, best limit first, then oldest.
inline std::vector<std::size_t> NaivePriority(const std::vector<NaiveOrder>& orders, Side side) {
  std::vector<std::size_t> sorted;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    if (orders[i].side == side && orders[i].open > 0) sorted.push_back(i);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
    return side == Side::kBuy ? orders[a].limit > orders[b].limit
                              : orders[a].limit < orders[b].limit;
  });
  return sorted;
}

inline std::uint64_t NaiveMostEnergy(const std::vector<NaiveOrder>& orders) {
  std::uint64_t most = 0;
  for (const NaiveOrder& candidate : orders) {
    std::uint64_t demand = 0;
    std::uint64_t supply = 0;
    for (const NaiveOrder& order : orders) {
      if (order.side == Side::kBuy && order.limit >= candidate.limit) demand += order.open;
      if (order.side == Side::kSell && order.limit <= candidate.limit) supply += order.open;
    }
    most = std::max(most, std::min(demand, supply));
  }
  return most;
}

// Largest remainder, ties to the older, among the orders at the margin.
inline void NaiveShare(const std::vector<NaiveOrder>& orders,
                       const std::vector<std::size_t>& margin, std::uint64_t energy,
                       std::vector<std::uint64_t>& filled) {
  Wide total = 0;
  for (const std::size_t i : margin) total += orders[i].open;
  std::uint64_t given = 0;
  std::vector<std::size_t> by_remainder = margin;
  for (const std::size_t i : margin) {
    filled[i] = static_cast<std::uint64_t>(Wide{orders[i].open} * energy / total);
    given += filled[i];
  }
  std::stable_sort(by_remainder.begin(), by_remainder.end(), [&](std::size_t a, std::size_t b) {
    return Wide{orders[a].open} * energy % total > Wide{orders[b].open} * energy % total;
  });
  for (std::size_t i = 0; given < energy; ++i, ++given) ++filled[by_remainder[i]];
}

inline void NaiveFillSide(const std::vector<NaiveOrder>& orders, Side side, Margin margin,
                          NaiveRound& round) {
  const std::vector<std::size_t> sorted = NaivePriority(orders, side);
  std::uint64_t left = round.energy;
  for (std::size_t i = 0; i < sorted.size() && left > 0;) {
    std::vector<std::size_t> same;
    std::uint64_t open = 0;
    for (; i < sorted.size() && (same.empty() || orders[sorted[i]].limit == orders[same[0]].limit);
         ++i) {
      same.push_back(sorted[i]);
      open += orders[sorted[i]].open;
    }
    if (open > left && margin == Margin::kProRata) {
      NaiveShare(orders, same, left, round.filled);
      left = 0;
      continue;
    }
    for (const std::size_t order : same) {
      round.filled[order] = std::min(left, orders[order].open);
      left -= round.filled[order];
    }
  }
}

inline NaiveRound NaiveClear(const std::vector<NaiveOrder>& orders, const RuleParameters& rule) {
  NaiveRound round;
  round.filled.resize(orders.size());
  round.energy = NaiveMostEnergy(orders);
  if (round.energy == 0) return round;
  NaiveFillSide(orders, Side::kBuy, rule.margin, round);
  NaiveFillSide(orders, Side::kSell, rule.margin, round);
  std::optional<std::int64_t> low;
  std::optional<std::int64_t> high;
  const auto raise = [&](std::int64_t limit) { low = std::max(low.value_or(limit), limit); };
  const auto lower = [&](std::int64_t limit) { high = std::min(high.value_or(limit), limit); };
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const bool buy = orders[i].side == Side::kBuy;
    const bool trades = round.filled[i] > 0;
    const bool left = round.filled[i] < orders[i].open;
    if (buy ? left : trades) raise(orders[i].limit);
    if (buy ? trades : left) lower(orders[i].limit);
  }
  round.price = *low + (*high - *low) * rule.k_numerator / rule.k_denominator;
  return round;
}

}  // namespace engine
