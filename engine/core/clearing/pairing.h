// Trades: which bid was allocated energy from which ask, by pairing a round's fills in priority
// order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace engine {

// One order's fill. Priority is the better limit, then the place in the caller's array.
struct PairingFill {
  std::int64_t limit_ticks = 0;
  std::uint64_t energy_wh = 0;
};

// Indices into the bids and the asks that were paired.
struct PairedTrade {
  std::uint32_t bid = 0;
  std::uint32_t ask = 0;
  std::uint64_t energy_wh = 0;
};

// The first bid takes from the first ask until one of the two is used up, and so on. An allocation
// for statements, not a physical flow.
//
// Requires: bids and asks in order of arrival, with equal sums of energy, none zero.
// Ensures:  at most bids.size() + asks.size() - 1 trades; each fill's trades add up to it.
// Cost:     O(n log n), off the order path: it allocates.
std::vector<PairedTrade> PairFills(std::span<const PairingFill> bids,
                                   std::span<const PairingFill> asks);

}  // namespace engine
