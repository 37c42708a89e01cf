// The uniform-price call auction (k-double auction): one price for all, the most energy traded.
#pragma once

#include <cstdint>

#include "engine/core/book.h"
#include "engine/core/clearing/cleared_round.h"
#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/market_definition.h"

namespace engine {

struct UniformPrice {
  std::uint64_t energy_wh = 0;  // Traded on each side; 0: nothing trades, the rest is zero.
  std::int64_t level = 0;       // The clearing price: ticks above the low end of the market's band.
  Crossing crossing;
};

// The price of the largest energy that any single price can trade, by UniformPricing:
//   kInterval  low + floor(k * (high - low)) of the prices at which supply meets demand.
//   kLastBid   the cheapest bid that trades, as in the Brooklyn microgrid.
//   kLastAsk   the dearest ask that trades.
// The last bid can be above `high`, the last ask below `low`: then somebody with energy left would
// have traded at the price, and who trades is decided by priority alone.
//
// Ensures: every bid above and every ask below its margin trades whole; no one pays more than its
//          bid or gets less than its ask.
// Cost:    O(orders + levels between the book's lowest and highest limit); nothing allocated.
// Source:  k-double auction, Wilson (1985); Satterthwaite and Williams (1989). Last bid: Mengelkamp
//          et al., Applied Energy 210 (2018).
UniformPrice FindUniformPrice(const Book& book, BookMemory& memory, const RuleParameters& rule,
                              ClearingScratch& scratch);

// Writes every order's filled_wh. At the margin energy is shared in proportion, whole watt-hours by
// largest remainder, ties to the older order (Margin::kProRata), or the older goes first (kTime).
//
// Requires: `price` is FindUniformPrice of this very book.
// Ensures:  the fills of each side add up to price.energy_wh; none is over what is open.
// Cost:     O(orders), and the passes of ShareOut() over a side whose margin is shared.
void AllocateUniformPrice(const Book& book, BookMemory& memory, const RuleParameters& rule,
                          const UniformPrice& price);

}  // namespace engine
