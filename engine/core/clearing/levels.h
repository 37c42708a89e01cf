// The two sides of a book counted by level, and the walk from one level that has orders to the
// next.
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

// Zeroes the levels that the book may have touched.
template <typename Number>
void ForgetLevels(const Book& book, Levels<Number>& levels) {
  if (book.slots() == 0) return;
  const std::size_t count = std::size_t{book.highest_level()} - book.lowest_level() + 1;
  std::fill_n(levels.begin() + book.lowest_level(), count, 0);
}

// Zeroes what CountSide may have touched.
inline void ForgetSides(const Book& book, ClearingScratch& scratch) {
  ForgetLevels(book, scratch.demand_wh);
  ForgetLevels(book, scratch.supply_wh);
}

// Both sides counted, for as long as it lives.
class CountedSides {
 public:
  CountedSides(const Book& book, BookMemory& memory, ClearingScratch& scratch)
      : book_(book), scratch_(scratch) {
    demand_wh_ = CountSide(book, memory, Side::kBuy, scratch.demand_wh);
    supply_wh_ = CountSide(book, memory, Side::kSell, scratch.supply_wh);
  }
  ~CountedSides() { ForgetSides(book_, scratch_); }
  // Nothing yet, for orders of the book that are then added.
  CountedSides(const Book& book, ClearingScratch& scratch) : book_(book), scratch_(scratch) {}
  // Requires: the level is one of the book's, or between two of them.
  void Add(Side side, std::uint16_t level, std::uint64_t energy_wh) {
    const bool buys = side == Side::kBuy;
    (buys ? scratch_.demand_wh : scratch_.supply_wh)[level] += energy_wh;
    (buys ? demand_wh_ : supply_wh_) += energy_wh;
  }

  CountedSides(const CountedSides&) = delete;
  CountedSides& operator=(const CountedSides&) = delete;

  std::uint64_t demand_wh() const { return demand_wh_; }
  std::uint64_t supply_wh() const { return supply_wh_; }
  // Meaningless for an empty book.
  std::int64_t lowest() const { return book_.lowest_level(); }
  std::int64_t highest() const { return book_.highest_level(); }
  // Requires: lowest() <= level <= highest().
  std::uint64_t At(Side side, std::int64_t level) const {
    const auto at = static_cast<std::size_t>(level);
    return side == Side::kBuy ? scratch_.demand_wh[at] : scratch_.supply_wh[at];
  }

 private:
  const Book& book_;
  ClearingScratch& scratch_;
  std::uint64_t demand_wh_ = 0;
  std::uint64_t supply_wh_ = 0;
};

}  // namespace engine
