// The amount of each fill of a round, for rules that pay each order by itself.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/book.h"
#include "engine/core/clearing/cleared_round.h"
#include "engine/core/clearing/wide.h"

namespace engine {

// Numbers the fills of an allocated book from 0, in book order: the places of amounts_units.
//
// Cost: one pass over the book; it allocates. Number() is O(kChunkOrders).
class FillNumbers {
 public:
  FillNumbers(const Book& book, BookMemory& memory);

  // Requires: the order in the slot has a fill.
  std::uint32_t Number(const BookMemory& memory, Slot slot) const;
  std::uint32_t buys() const { return buys_; }  // The first so many are bids.
  std::uint32_t fills() const { return fills_; }

 private:
  std::vector<std::uint32_t> first_of_chunk_;  // By chunk; of other books' chunks: nothing.
  std::uint32_t buys_ = 0;
  std::uint32_t fills_ = 0;
};

// A party's payment split over its fills in proportion to their energy, in whole ledger units by
// largest remainder, ties to the first. An amount is at most one unit off the exact one, and not
// beyond a limit that the mean price is within.
struct PartyFill {
  std::uint32_t energy_wh = 0;
  std::uint32_t number = 0;  // Of FillNumbers.
};
void SplitPayment(SignedWide payment_units, const std::vector<PartyFill>& fills,
                  std::vector<std::int64_t>& amounts_units);

// Puts together a round from its amounts: mean prices, rounded down, and the operator's balance.
// Requires: the first `buys` amounts are the bids'; energy_wh > 0; the balance fits 63 bits.
ClearedRound AtAmounts(std::uint64_t energy_wh, std::uint32_t buys,
                       std::vector<std::int64_t> amounts_units);

// Rounded down, below zero too. Requires: divisor > 0.
SignedWide DivideWideDown(SignedWide value, std::uint64_t divisor);

}  // namespace engine
