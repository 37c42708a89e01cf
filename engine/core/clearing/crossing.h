// Where supply meets demand: the most energy that any single price can trade, and its margins.
#pragma once

#include <cstdint>

#include "engine/core/clearing/levels.h"
#include "engine/core/clearing/margin.h"

namespace engine {

inline constexpr std::int64_t kNoLevel = -1;

// Levels are ticks above the low end of the market's band.
struct Crossing {
  std::uint64_t energy_wh = 0;  // Traded on each side; 0: nothing crosses, the rest means nothing.
  SideMargin bids;              // The cheapest bid that trades,
  SideMargin asks;              // and the dearest ask.
  std::int64_t next_bid = kNoLevel;  // The dearest bid that has energy left,
  std::int64_t next_ask = kNoLevel;  // and the cheapest ask; kNoLevel: none.

  // The prices at which supply meets demand go from low() to high().
  std::int64_t low() const { return next_bid > asks.level ? next_bid : asks.level; }
  std::int64_t high() const {
    return next_ask != kNoLevel && next_ask < bids.level ? next_ask : bids.level;
  }
};

// Bids and asks in priority (the better limit, then the older), matched while a bid is at an ask or
// above: no other choice of trades has a higher value to bidders over cost to askers, and of those
// with the highest this one trades most.
//
// Ensures: ask margin <= low() <= high() <= bid margin.
// Cost:    O(levels between the book's lowest and highest limit); nothing allocated.
Crossing FindCrossing(const Book& book, const CountedSides& sides);

// Where `energy_wh` of a side ends, taken in priority.
// Requires: the side has at least so much, and that is more than nothing.
SideMargin FindMargin(const CountedSides& sides, Side side, std::uint64_t energy_wh);

// What so much of a side is worth at its own limits: energy times level, summed, taken in priority.
// Requires: `margin` is FindMargin's, or the crossing's.
Wide ValueOf(const CountedSides& sides, const SideMargin& margin);

}  // namespace engine
