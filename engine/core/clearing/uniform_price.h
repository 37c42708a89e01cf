// The uniform-price call auction (k-double auction): one price for all, the most energy traded.
#pragma once

#include <cstdint>

#include "engine/core/book.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/market_definition.h"

namespace engine {

// A price is a level: ticks above the low end of the market's band.
struct UniformPrice {
  std::uint64_t energy_wh = 0;      // Traded on each side; 0: nothing trades, the rest is zero.
  std::int64_t level = 0;           // The clearing price.
  std::uint16_t bid_margin = 0;     // The cheapest bid that trades,
  std::uint16_t ask_margin = 0;     // and the dearest ask.
  std::uint64_t bid_margin_wh = 0;  // Energy for the orders at the margin together.
  std::uint64_t ask_margin_wh = 0;
};

// The price of the largest energy that any single price can trade: low + floor(k * (high - low)),
// where low is the higher of the dearest ask that trades and the dearest bid with energy left, and
// high the lower of the cheapest bid that trades and the cheapest ask with energy left.
//
// Ensures: every bid above and every ask below its margin trades whole; low <= price <= high.
// Cost:    O(orders + levels between the book's lowest and highest limit); nothing allocated.
// Source:  k-double auction, Wilson (1985); Satterthwaite and Williams (1989).
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
