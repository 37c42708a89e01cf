// The multi-unit double auction of Huang, Scheller-Wolf and Sycara: the marginal trader of each
// side is dropped and names its side's price, and the longer side is cut by equal parts.
#pragma once

#include "engine/core/clearing/rules.h"

namespace engine {

// Winners as FindWinners() says, and none where a side's first is its marginal one. Buyers pay the
// limit of the L-th bid, sellers get that of the K-th ask, and the operator keeps the difference.
// The shorter side trades whole. On the longer one everyone gives up as much as the others; whoever
// has less than that leaves with nothing, and the others share what is missing.
//
// The part that each gives up is rounded once over the side: whole watt-hours, the spare ones to
// the older orders (all have the same remainder).
//
// Requires: a party has one order on a side: with a second it could name its own price.
// Ensures:  the operator's balance is not below zero.
// Cost:     O(orders + levels between the best and the crossing), and 32 passes over the longer
//           side; nothing allocated.
// Source:   Huang, Scheller-Wolf, Sycara, "Design of a multi-unit double auction e-market",
//           Computational Intelligence 18 (2002).
ClearedRound ClearHuang(const SealedBook& sealed, ClearingScratch& scratch, RuleEntry::Fills fills);

}  // namespace engine
