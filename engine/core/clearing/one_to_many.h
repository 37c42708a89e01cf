// The auctions of one buyer and many sellers (reverse) and of one seller and many buyers (forward).
#pragma once

#include "engine/core/clearing/rules.h"

namespace engine {

// The many are taken in priority, the better limit first, then the older, until the one has all
// that it wants or the next would be beyond its limit; the last of them in part. The one pays, or
// gets, what the many together get or pay, which is by ManyPayment:
//   kPayAsBid  each its own limit.
//   kUniform   all the limit of the last that trades.
//   kVickrey   each what the others would have got for its energy (clearing/externality.h): the
//              cheapest asks left over, or the buyer's own limit where there are no more.
// None of the many gains by a false limit with kVickrey, the one does not with kPayAsBid; all else
// can.
//
// Where there is not exactly one order on the one's side nothing trades (kNotOneBuyer,
// kNotOneSeller).
//
// Requires: a party has one order on a side.
// Ensures:  what buyers pay is what sellers get.
// Cost:     O(orders + levels, and with kVickrey orders * log levels); it allocates but for
//           kUniform.
// Source:   reverse auctions of microgrids: Cintuglu, Martin and Mohammed, with the standard
//           payments; Vickrey (1961).
ClearedRound ClearReverse(const SealedBook& sealed, ClearingScratch& scratch,
                          RuleEntry::Fills fills);
ClearedRound ClearForward(const SealedBook& sealed, ClearingScratch& scratch,
                          RuleEntry::Fills fills);

}  // namespace engine
