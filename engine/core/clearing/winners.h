// Who takes part in a trade-reducing auction: the walk along demand and supply to where they cross.
#pragma once

#include <cstdint>

#include "engine/core/book.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/market_definition.h"

namespace engine {

// The winners of one side: every order better than `level`, and the `at_level` oldest with an open
// energy at it.
struct SideWinners {
  Side side{};
  std::uint16_t level = 0;
  std::uint32_t at_level = 0;
  std::uint64_t at_level_wh = 0;  // What these have open.
};

// The orders of each side in priority: better limit, then older. Demand and supply are cumulated
// along them; the side with less so far goes on by one while its next limit crosses the other's
// current one (a bid above an ask, not at it), both where they have the same. Where the walk stops,
// the current orders are the K-th bid and the J-th ask; those before them win. A side whose first
// order is its K-th or J-th has a lone trader: it is kept, or the round has no winners.
//
// Source: Doan, Cho, Kim 2021, eq. (10), (11) and Fig. 3.
struct Winners {
  bool any = false;
  SideWinners buyers{.side = Side::kBuy};
  SideWinners sellers{.side = Side::kSell};
  std::uint16_t highest_price = 0;  // Level of the K-th bid: the first that is left out.
  std::uint16_t lowest_price = 0;   // Level of the ask before the J-th: the last that takes part.
};

// Requires: scratch holds both sides of the book as CountSide counts them.
// Cost:     O(levels between the best and the crossing) and two passes over the book.
Winners FindWinners(const Book& book, BookMemory& memory, LoneTrader lone_trader,
                    const ClearingScratch& scratch);

// Whether the next order of the side wins. `at_level` counts those at the winners' level: zero
// before the first order of the side.
inline bool Wins(const SideWinners& winners, std::uint16_t level, std::uint32_t open_wh,
                 std::uint32_t& at_level) {
  if (level == winners.level) return open_wh > 0 && at_level++ < winners.at_level;
  const bool higher = level > winners.level;
  return (open_wh > 0) & (higher == (winners.side == Side::kBuy));  // No branch: half may win.
}

// Calls visit(orders, place in them) for each order of the winners' side, oldest first, and says
// whether it wins: visit(columns, i, wins).
template <typename Visit>
void ForEachOfSide(const Book& book, BookMemory& memory, const SideWinners& winners, Visit visit) {
  std::uint32_t at_level = 0;
  book.ForEachChunk(memory, winners.side, [&](const OrderColumns& orders) {
    for (std::size_t i = 0; i < orders.level.size(); ++i) {
      visit(orders, i, Wins(winners, orders.level[i], orders.open_wh[i], at_level));
    }
  });
}

}  // namespace engine
