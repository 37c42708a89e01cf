// A side of a book counted by level, and the walk from one level that has orders to the next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/core/book.h"
#include "engine/core/clearing/scratch.h"

namespace engine {

// Counts a side's open energy into `levels`. Ensures: returns the sum. Cost: O(orders).
inline std::uint64_t CountSide(const Book& book, BookMemory& memory, Side side,
                               Levels<std::uint64_t>& levels) {
  std::uint64_t total = 0;
  book.ForEachChunk(memory, side, [&](const OrderColumns& orders) {
    for (std::size_t i = 0; i < orders.level.size(); ++i) {
      levels[orders.level[i]] += orders.open_wh[i];
      total += orders.open_wh[i];
    }
  });
  return total;
}

// Zeroes what CountSide may have touched.
inline void ForgetSides(const Book& book, ClearingScratch& scratch) {
  if (book.slots() == 0) return;
  const std::size_t levels = std::size_t{book.highest_level()} - book.lowest_level() + 1;
  std::fill_n(scratch.demand_wh.begin() + book.lowest_level(), levels, 0);
  std::fill_n(scratch.supply_wh.begin() + book.lowest_level(), levels, 0);
}

}  // namespace engine
