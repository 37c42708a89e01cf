// The discriminatory double auction: bids and asks are paired in priority, each pair at a price of
// its own.
#pragma once

#include "engine/core/clearing/rules.h"

namespace engine {

// Bids and asks in priority trade while a bid is at an ask or above, and are paired as PairFills()
// says: the best bid takes from the best ask until one of the two is used up. A pair trades at the
// middle between its two limits (PairPricing::kMidpoint) or at the bid (kBuyer).
//
// A middle can be half a tick, and an order's amount half a unit: it is rounded once over the side,
// to as many whole units as both sides have, the spare ones to the older orders.
//
// Requires: no party could trade with itself.
// Ensures:  what buyers pay is what sellers get; the round's prices are the mean, rounded down.
// Cost:     O(n log n) in the orders that trade, O(levels) without fills; it allocates.
// Source:   the discriminatory auction; the middle of a pair is the k-double auction with k = 1/2
//           of Chatterjee, Samuelson, "Bargaining under incomplete information", Operations
//           Research 31 (1983).
ClearedRound ClearPayAsBid(const SealedBook& sealed, ClearingScratch& scratch,
                           RuleEntry::Fills fills);

}  // namespace engine
