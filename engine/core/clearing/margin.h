// Sharing the energy that is left for the orders at the marginal price of one side.
#pragma once

#include <cstdint>

#include "engine/core/book.h"

namespace engine {

// Which orders of a side are better than the margin, which are at it, and what those get together.
struct SideMargin {
  Side side{};
  std::uint16_t level = 0;
  std::uint64_t energy_wh = 0;
};

inline bool IsBetter(const SideMargin& margin, std::int64_t level) {
  return margin.side == Side::kBuy ? level > margin.level : level < margin.level;
}

// Better orders get all that they have open, orders at the margin share, others get nothing.
// Requires: energy_wh is at most what is open at the margin.
void AllocateByTime(const Book& book, BookMemory& memory, const SideMargin& margin);
void AllocateProRata(const Book& book, BookMemory& memory, const SideMargin& margin);

}  // namespace engine
