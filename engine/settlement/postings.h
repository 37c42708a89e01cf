// From two exact prices to whole ledger units that lose nothing.
#pragma once

#include "engine/settlement/metered_period.h"
#include "engine/settlement/settlement.h"

namespace engine {

__extension__ using SignedWide = __int128;

// What a home pays for a watt-hour that it imports, and gets for one that it exports, whoever is at
// the other end: fractions of a tick over one divisor.
struct CommunityPrices {
  SignedWide buy = 0;
  SignedWide sell = 0;
  Wide divisor = 1;
};

// Each home's amount is import * buy - export * sell. The operator's is what is left of the grid's
// bill: zero, where the rule is balanced. All of them add up to the bill, a whole number; each is
// rounded down, and the odd units go one each to the largest remainders: ties to the earlier home,
// the operator last. So no amount is a whole unit away from the exact one, and an exact whole one
// stays.
//
// Requires: a period without a fault; divisor > 0; divisor and |buy|, |sell| at most 2^126; prices
//           at most the larger tariff.
// Ensures:  Settlement's.
// Cost:     O(homes).
Settlement Post(const MeteredPeriod& period, const GridTariffs& tariffs,
                const CommunityPrices& prices);

}  // namespace engine
