// The open orders of a sealed book, each with its party: what a rule that deals with whole parties
// works on.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/book.h"

namespace engine {

struct SealedOrder {
  Slot slot = kNoSlot;
  std::uint32_t party = 0;  // From 0, as parties first come in book order: whatever its number is.
  std::uint32_t open_wh = 0;
  std::uint16_t level = 0;
  Side side{};
  std::uint32_t filled_wh = 0;    // For the rule to write,
  std::int64_t amount_units = 0;  // and what that costs or brings.
};

struct SealedOrders {
  std::vector<SealedOrder> orders;  // In book order: bids before asks, oldest first.
  std::uint32_t parties = 0;
};

// Cost: O(orders); it allocates in proportion.
SealedOrders ReadSealed(const Book& book, BookMemory& memory);

// Into the book, where every order that is not among them gets nothing.
void WriteFills(const SealedOrders& sealed, const Book& book, BookMemory& memory);

}  // namespace engine
