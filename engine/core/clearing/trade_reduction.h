// Trade reduction: in equal lots, the last pair that could trade is dropped and names the prices.
#pragma once

#include "engine/core/clearing/levels.h"
#include "engine/core/clearing/rules.h"

namespace engine {

// Bids b_1 >= b_2 ... and asks s_1 <= s_2 ... of a lot each, by limit, then age; k is the largest
// with b_k >= s_k. The first k - 1 of each side trade: buyers pay b_k, sellers get s_k, and the
// operator keeps the difference.
//
// Requires: every open order has market.rule.lot_wh, a party one on a side.
// Ensures:  one lot less than what could trade; the operator's balance is not below zero.
// Cost:     O(orders + levels between the book's lowest and highest limit); nothing allocated.
// Source:   McAfee, "A dominant strategy double auction", Journal of Economic Theory 56 (1992), the
//           second case of which it always takes.
ClearedRound ClearTradeReduction(const SealedBook& sealed, ClearingScratch& scratch,
                                 RuleEntry::Fills fills);

// The same for a book that is counted already.
ClearedRound DropLastPair(const SealedBook& sealed, const CountedSides& sides,
                          RuleEntry::Fills fills);

}  // namespace engine
