// The double auction with a Stackelberg game of Doan, Cho and Kim (2021): the auctioneer leads with
// a price, buyers follow with the energy that is best for them at it.
#pragma once

#include <cstdint>

#include "engine/core/book.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/clearing/winners.h"
#include "engine/core/market_definition.h"

namespace engine {

// What the winning sellers offer together.
struct Offers {
  std::uint64_t sellers = 0;
  std::uint64_t energy_wh = 0;
  std::uint64_t ask_levels = 0;  // Summed.
};

// Winners as FindWinners() says, and their offers. Cost: O(orders + levels of the book).
struct StackelbergSides {
  Winners winners;
  Offers offers;  // Zero without winners.
};
StackelbergSides FindStackelbergSides(const Book& book, BookMemory& memory, LoneTrader lone_trader,
                                      ClearingScratch& scratch);

// The mean margin of the sellers at a price, times their number, times the demand: as good as the
// ASWS to compare prices with, since the number is the same at each. Requires: no ask is higher.
WideProduct MarginTimesDemand(const Offers& offers, std::uint16_t level, Wide demand_nwh);

struct StackelbergPrice {
  std::uint64_t energy_wh = 0;  // Traded on each side; 0: nothing trades, the rest means nothing.
  std::uint16_t level = 0;      // The price, in ticks above the low end of the market's band.
  std::uint32_t prices = 0;     // So many were looked at.
  Wide demand_nwh = 0;          // Of the winning buyers at the price.
  std::uint64_t supply_wh = 0;  // Of the winning sellers.
  Winners winners;
};

// The price of highest ASWS from the winners' highest price down to their lowest, by step_ticks,
// and the demand at it; not what trades. Requires: sides.winners.any.
StackelbergPrice FindBestPrice(const Book& book, BookMemory& memory, const MarketDefinition& market,
                               const StackelbergSides& sides, ClearingScratch& scratch);

// Sets supply_wh, and energy_wh from what is demanded of it.
void CountTraded(StackelbergPrice& price, const Offers& offers);

// Winners as FindWinners() says. Prices go from the first excluded bid down by step_ticks while
// they are at least the last included ask; the best is that of the highest ASWS, the mean margin of
// the winning sellers times the demand of the winning buyers at the price; of several that are
// equally good the lower or the higher, as `ties` says. What trades is the smaller of the demand,
// in whole watt-hours rounded down, and the winners' supply.
//
// ASWS is not the welfare optimum (clearing/welfare.h finds that), and it takes the whole demand
// where supply is smaller: it is the paper's objective, and the price is the paper's. With fixed
// and quadratic responses the objective is exactly concave in the price p: each buyer's term is the
// smaller of energy * margin(p), linear, and slope * (limit - p) * margin(p), concave, since the
// margin rises linearly and no price makes it negative. So it has one peak. (A logarithmic demand
// is convex, its term is concave but for the rounding down.) Every price is looked at all the same:
// it costs one addition each.
//
// Requires: a party has one order on a side; market.rule.step_ticks > 0; with logarithmic bids,
//           prices above zero; no winning bid is interactive (engine/core/game.h plays those).
// Ensures:  no winner pays more than its bid or gets less than its ask. Truthful it is not: P1.11.
// Cost:     O(orders + levels of the price range); nothing allocated.
// Source:   Doan, Cho, Kim, IEEE Access 9 (2021), 10.1109/ACCESS.2021.3068730, Algorithm 1.
StackelbergPrice FindStackelbergPrice(const Book& book, BookMemory& memory,
                                      const MarketDefinition& market, ClearingScratch& scratch);

// Writes what each order gets, in whole watt-hours, the same sum on both sides. Where the winners'
// supply covers the demand, each buyer its demand at the price, rounded down, and the watt-hours
// left over to the largest fractions; else parts of the supply in proportion to the demands.
// Sellers in proportion to their offers. By largest remainder, ties to the older.
//
// Requires: `price` is of this very book, FindStackelbergPrice's or a game's; its energy_wh > 0.
// Ensures:  no order gets more than it has open; losers get nothing.
// Cost:     O(orders), a few passes; nothing allocated.
void AllocateStackelberg(const Book& book, BookMemory& memory, const MarketDefinition& market,
                         const StackelbergPrice& price);

}  // namespace engine
