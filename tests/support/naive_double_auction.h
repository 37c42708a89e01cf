// The double auctions that drop marginal traders, by sorting, as their papers put them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/support/naive_stackelberg.h"
#include "tests/support/rule_round.h"

namespace engine {

struct NaiveDoubleAuction {
  std::vector<std::uint64_t> filled;  // By order.
  std::int64_t buy_price = 0;         // Meaningless where nothing trades.
  std::int64_t sell_price = 0;
};

// Order indices of a side, best limit first, then oldest.
inline std::vector<std::size_t> InPriority(const std::vector<RuleOrder>& orders, Side side) {
  std::vector<std::size_t> sorted;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    if (orders[i].side == side) sorted.push_back(i);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
    return side == Side::kBuy ? orders[a].limit > orders[b].limit
                              : orders[a].limit < orders[b].limit;
  });
  return sorted;
}

// With orders of one lot each. `mcafee`: all k pairs trade where the next pair names a price.
inline NaiveDoubleAuction NaiveLots(const std::vector<RuleOrder>& orders, bool mcafee) {
  const std::vector<std::size_t> bids = InPriority(orders, Side::kBuy);
  const std::vector<std::size_t> asks = InPriority(orders, Side::kSell);
  const auto bid = [&](std::size_t i) { return orders[bids[i - 1]].limit; };
  const auto ask = [&](std::size_t i) { return orders[asks[i - 1]].limit; };
  NaiveDoubleAuction round;
  round.filled.resize(orders.size());
  std::size_t k = 0;
  while (k < std::min(bids.size(), asks.size()) && bid(k + 1) >= ask(k + 1)) ++k;
  if (k == 0) return round;
  std::size_t pairs = k - 1;
  round.buy_price = bid(k);
  round.sell_price = ask(k);
  if (mcafee && k < std::min(bids.size(), asks.size())) {
    const std::int64_t middle = (bid(k + 1) + ask(k + 1)) / 2;
    if (ask(k) <= middle && middle <= bid(k)) {
      pairs = k;
      round.buy_price = round.sell_price = middle;
    }
  }
  for (std::size_t i = 0; i < pairs; ++i) {
    round.filled[bids[i]] = orders[bids[i]].energy_wh;
    round.filled[asks[i]] = orders[asks[i]].energy_wh;
  }
  return round;
}

// SBBA, with the ask that goes without if one has to: a place among the k that could trade, oldest
// first. `sellers` says how many those are; 0: no lottery is needed.
inline NaiveDoubleAuction NaiveSbba(const std::vector<RuleOrder>& orders, std::size_t unlucky,
                                    std::size_t& sellers) {
  const std::vector<std::size_t> bids = InPriority(orders, Side::kBuy);
  std::vector<std::size_t> asks = InPriority(orders, Side::kSell);
  NaiveDoubleAuction round;
  round.filled.resize(orders.size());
  sellers = 0;
  std::size_t k = 0;
  while (k < std::min(bids.size(), asks.size()) && orders[bids[k]].limit >= orders[asks[k]].limit) {
    ++k;
  }
  if (k == 0) return round;
  const std::int64_t last_bid = orders[bids[k - 1]].limit;
  const bool all = k < asks.size() && orders[asks[k]].limit <= last_bid;
  round.buy_price = round.sell_price = all ? orders[asks[k]].limit : last_bid;
  asks.resize(k);
  if (!all) {
    sellers = k;
    std::sort(asks.begin(), asks.end());
    asks.erase(asks.begin() + static_cast<std::ptrdiff_t>(unlucky % k));
  }
  for (std::size_t i = 0; i < asks.size(); ++i) {
    round.filled[bids[i]] = orders[bids[i]].energy_wh;
    round.filled[asks[i]] = orders[asks[i]].energy_wh;
  }
  return round;
}

// What trades at its own limits is worth, to all together.
inline std::int64_t GainsOf(const std::vector<RuleOrder>& orders,
                            const std::vector<std::uint64_t>& filled) {
  std::int64_t gains = 0;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const std::int64_t value = orders[i].limit * static_cast<std::int64_t>(filled[i]);
    gains += orders[i].side == Side::kBuy ? value : -value;
  }
  return gains;
}

// The gap is taken in equal parts from all; whoever has less leaves, and what it could not give is
// taken from the others in turn. Parts are fractions of the number that is left in the end.
inline void NaiveWaterfall(const std::vector<RuleOrder>& orders,
                           const std::vector<std::size_t>& winners, std::uint64_t energy_wh,
                           std::vector<std::uint64_t>& filled) {
  std::uint64_t total = 0;
  for (const std::size_t i : winners) total += orders[i].energy_wh;
  std::uint64_t gap = total - energy_wh;
  std::vector<std::size_t> left = winners;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t place = 0; place < left.size(); ++place) {
      if (orders[left[place]].energy_wh * left.size() >= gap) continue;
      gap -= orders[left[place]].energy_wh;
      filled[left[place]] = 0;
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(place));
      changed = true;
      break;
    }
  }
  std::uint64_t given = 0;
  for (const std::size_t i : left) {
    filled[i] = (orders[i].energy_wh * left.size() - gap) / left.size();
    given += filled[i];
  }
  std::sort(left.begin(), left.end());  // All have the same remainder: the older first.
  for (std::size_t place = 0; given < energy_wh; ++place, ++given) ++filled[left[place]];
}

inline NaiveDoubleAuction NaiveHuang(const std::vector<RuleOrder>& orders) {
  NaiveDoubleAuction round;
  round.filled.resize(orders.size());
  std::vector<StackelbergOrder> walked;
  walked.reserve(orders.size());
  for (const RuleOrder& order : orders) {
    walked.push_back({order.side, order.limit, order.energy_wh, Response::kFixed, 0});
  }
  std::vector<std::size_t> bids = InPriority(orders, Side::kBuy);
  std::vector<std::size_t> asks = InPriority(orders, Side::kSell);
  const auto crossing = naive::Walk(walked, bids, asks);
  if (!crossing || crossing->first == 0 || crossing->second == 0) return round;
  round.buy_price = orders[bids[crossing->first]].limit;
  round.sell_price = orders[asks[crossing->second]].limit;
  bids.resize(crossing->first);
  asks.resize(crossing->second);
  std::uint64_t demand = 0;
  std::uint64_t supply = 0;
  for (const std::size_t i : bids) demand += orders[i].energy_wh;
  for (const std::size_t i : asks) supply += orders[i].energy_wh;
  NaiveWaterfall(orders, bids, std::min(demand, supply), round.filled);
  NaiveWaterfall(orders, asks, std::min(demand, supply), round.filled);
  return round;
}

}  // namespace engine
