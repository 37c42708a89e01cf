// The mid-market rate: neighbours trade halfway between the grid's tariffs, and the long side bears
// what the grid is needed for.
#pragma once

#include "engine/settlement/settlement.h"

namespace engine {

enum class MidMarketForm : std::uint8_t { kNet = 0, kPrinted = 1 };

// With mid = (import tariff + export tariff) / 2, and D and S the deficit and the surplus of the
// slot's homes, each net of what it used of its own:
//
//   D = S: both prices are mid.
//   S > D: buy at mid, sell at (D mid + (S - D) export) / S.
//   D > S: buy at (S mid + (D - S) import) / D, sell at mid.
//
// kPrinted has all load and all PV in the place of D and S, as the source prints it; prices go to
// net energy all the same. That is not balanced: with some energy used at home and export < import
// the operator pays in, and operator_gain says how much. Net is balanced: operator_gain is 0.
//
// Ensures: with export <= import nobody does worse than with the grid alone.
// Source:  Long et al., "Peer-to-peer energy trading in a community microgrid", IEEE PESGM (2017);
//          the net form as in Tushar et al. (2019).
Settlement MidMarketRate(SlotReadings readings, const GridTariffs& tariffs,
                         MidMarketForm form = MidMarketForm::kNet);

}  // namespace engine
