// The Vickrey-Clarke-Groves double auction: the most valuable trades, and each party pays what the
// others lose by its being there.
#pragma once

#include "engine/core/clearing/rules.h"

namespace engine {

// Bids and asks in priority trade while a bid is at an ask or above. A party pays its Clarke
// payment (clearing/externality.h) for all that it buys, and is paid it for all that it sells,
// whole ledger units without rounding; it is split over the party's fills by energy, in whole units
// by largest remainder.
//
// Sellers get more than buyers pay: the deficit is the operator's. The market's balance_account
// says whose it is, and is a name only: it need not be an account of the exchange, and nothing is
// posted to it; the outcome reports the balance. Where the deficit would be over deficit_cap_units
// nothing trades (kDeficitOverCap). That is a cap on a risk, not a rule to rely on: near it a party
// can gain by bids that keep a round under it.
//
// At the margin the older goes first. The welfare and what a truthful party gains are the same with
// any way to share, and so at most one order a side is filled in part.
//
// Requires: no party could trade with itself.
// Ensures:  the highest value to bidders over cost to askers that trades can have; buyers pay no
//           more, sellers get no less than their limits, order by order; the balance is not above
//           zero.
// Cost:     O(orders + levels + parties * log levels); it allocates in proportion.
// Source:   Vickrey (1961); Clarke (1971); Groves (1973).
ClearedRound ClearVcg(const SealedBook& sealed, ClearingScratch& scratch, RuleEntry::Fills fills);

}  // namespace engine
