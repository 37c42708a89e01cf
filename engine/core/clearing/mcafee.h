// The double auction of McAfee: in equal lots, the first pair left out names the price, or the last
// pair is dropped.
#pragma once

#include "engine/core/clearing/rules.h"

namespace engine {

// Bids b_1 >= b_2 ... and asks s_1 <= s_2 ... of a lot each, by limit, then age; k is the largest
// with b_k >= s_k. Where both b_(k+1) and s_(k+1) are there and the middle between them, rounded
// down to a tick, lies between s_k and b_k, all k trade at it. Else k - 1 trade: buyers pay b_k,
// sellers get s_k, and the operator keeps the difference.
//
// A single bid and ask trade only where a second pair names the price. Rounding the middle down
// leaves it a function of orders that do not trade, so no order gains by a false limit.
//
// Requires: every open order has market.rule.lot_wh, a party one in all: with a bid too that does
//           not trade a seller could name the price.
// Ensures:  at most one lot less than what could trade; the operator's balance is not below zero.
// Cost:     O(orders + levels between the book's lowest and highest limit); nothing allocated.
// Source:   McAfee, "A dominant strategy double auction", Journal of Economic Theory 56 (1992).
ClearedRound ClearMcAfee(const SealedBook& sealed, ClearingScratch& scratch,
                         RuleEntry::Fills fills);

}  // namespace engine
