#include "engine/core/clearing/pairing.h"

#include <algorithm>
#include <numeric>

#include "engine/core/check.h"

namespace engine {
namespace {

// Indices of the fills, best first; `sign` 1 puts the lowest limit first, -1 the highest.
std::vector<std::uint32_t> ByPriority(std::span<const PairingFill> fills, std::int64_t sign) {
  std::vector<std::uint32_t> order(fills.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return sign * fills[a].limit_ticks < sign * fills[b].limit_ticks;
  });
  return order;
}

}  // namespace

std::vector<PairedTrade> PairFills(std::span<const PairingFill> bids,
                                   std::span<const PairingFill> asks) {
  const std::vector<std::uint32_t> bid_order = ByPriority(bids, -1);
  const std::vector<std::uint32_t> ask_order = ByPriority(asks, 1);
  std::vector<PairedTrade> trades;
  std::size_t bid = 0;
  std::size_t ask = 0;
  std::uint64_t bid_used = 0;
  std::uint64_t ask_used = 0;
  while (bid < bid_order.size() && ask < ask_order.size()) {
    const std::uint64_t bid_left = bids[bid_order[bid]].energy_wh - bid_used;
    const std::uint64_t ask_left = asks[ask_order[ask]].energy_wh - ask_used;
    const std::uint64_t energy = std::min(bid_left, ask_left);
    trades.push_back({bid_order[bid], ask_order[ask], energy});
    bid_used += energy;
    ask_used += energy;
    if (energy == bid_left) ++bid, bid_used = 0;
    if (energy == ask_left) ++ask, ask_used = 0;
  }
  CHECK(bid == bid_order.size() && ask == ask_order.size());
  return trades;
}

}  // namespace engine
