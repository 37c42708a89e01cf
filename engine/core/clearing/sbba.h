// SBBA, the strongly budget-balanced double auction in equal lots: one price, and where no ask left
// over names it a lottery decides which seller goes without.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/core/clearing/rules.h"

namespace engine {

// Bids b_1 >= b_2 ... and asks s_1 <= s_2 ... of a lot each, by limit, then age; k is the largest
// with b_k >= s_k. Where there is an ask s_(k+1) that is not above b_k, all k trade at it. Else the
// price is b_k, the first k - 1 bids trade, and one of the k asks goes without, each as likely as
// the others (clearing/lottery.h).
//
// No order gains by a false limit: a buyer whatever the lottery does, a seller on average over it.
//
// Requires: every open order has market.rule.lot_wh, a party one on a side.
// Ensures:  at most one lot less than what could trade; what buyers pay is what sellers get.
// Cost:     O(orders + levels between the book's lowest and highest limit); it allocates.
// Source:   Segal-Halevi, Hassidim, Aumann, "SBBA: a strongly-budget-balanced double-auction
//           mechanism", Algorithmic Game Theory (SAGT) 2016.
ClearedRound ClearSbba(const SealedBook& sealed, ClearingScratch& scratch, RuleEntry::Fills fills);

// Which of so many asks goes without, from 0, oldest first.
using UnluckyAsk = std::function<std::uint64_t(std::uint64_t asks)>;

// The same with a draw from elsewhere.
ClearedRound ClearSbbaDrawing(const SealedBook& sealed, ClearingScratch& scratch,
                              RuleEntry::Fills fills, const UnluckyAsk& draw);

}  // namespace engine
