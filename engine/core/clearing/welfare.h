// The price at which all demand meets all supply, and the fills at it that are worth most.
#pragma once

#include <cstdint>

#include "engine/core/book.h"
#include "engine/core/clearing/margin.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/market_definition.h"

namespace engine {

// A price is a level: ticks above the low end of the market's band.
struct WelfarePrice {
  std::uint64_t energy_wh = 0;  // Traded on each side; 0: nothing trades, the rest means nothing.
  std::uint16_t level = 0;      // The clearing price.
  SideMargin asks;              // The dearest that trade, and what those there sell together.
};

// Demand at a price p is what all bids with a limit of p or above take at it, as they declare, in
// whole watt-hours rounded down: D(p). Supply is what all asks of p or below offer: S(p). What
// trades is the most that any one price can trade, q = max of min(D(p), S(p)). The price is the
// lowest (Ties::kLower) or the highest (kHigher) at which supply meets demand:
//
//   D(p + 1) <= q <= D(p)  and  S(p - 1) <= q <= S(p).
//
// There is one. Nobody is dropped. Where all bids are fixed it is the uniform price, with k = 0 or
// 1. Where demand meets supply between two ticks, one of them still trades all of it: the lower,
// with the buyers held to what they would take at the price between.
//
// Objective::kWelfare looks at each price of the band and drops nobody, so that step_ticks and
// lone_trader say nothing, and IsPossible() wants them as by default.
//
// Cost:   O(orders + levels between the best ask and the best bid); nothing allocated.
// Source: marginal pricing: Schweppe, Caramanis, Tabors, Bohn, "Spot Pricing of Electricity"
// (1988).
WelfarePrice FindWelfarePrice(const Book& book, BookMemory& memory, const MarketDefinition& market,
                              ClearingScratch& scratch);

// Writes every order's filled_wh.
//
// Asks below the price that trade sell whole, those at the margin share in proportion, ties to the
// older. Of the buyers those get energy to whom it is worth most: each bid above the price what it
// takes at a marginal value that is the same for all, from the price to one tick above it, in
// steps of 2^-20 tick and within the step in proportion; fixed bids at the price come last, and
// share what is left in proportion. Then whole watt-hours by largest remainder, ties to the older.
//
// Requires: `price` is FindWelfarePrice of this very book.
// Ensures:  the fills of each side add up to price.energy_wh; none is over what is open; no one
//           pays more than its bid, or gets less than its ask. No other fills, at whatever price,
//           have more welfare (the buyers' utility less the sellers' asks), but for what rounding
//           to whole watt-hours costs, and 2^-20 ledger units a watt-hour.
// Cost:     O(orders): a few passes, and where buyers are held to less than they take at the price,
//           up to 40 more over them, about a dozen in random books; nothing allocated.
void AllocateWelfare(const Book& book, BookMemory& memory, const MarketDefinition& market,
                     const WelfarePrice& price);

}  // namespace engine
