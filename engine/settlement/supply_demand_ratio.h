// Prices by the supply-demand ratio: the scarcer the homes' energy, the nearer to the import
// tariff.
#pragma once

#include "engine/settlement/settlement.h"

namespace engine {

// With D and S the deficit and the surplus of the slot's homes, each net of what it used of its
// own, and ratio = S / D:
//
//   ratio <= 1: sell at export import / ((import - export) ratio + export),
//               buy at sell ratio + import (1 - ratio).
//   ratio > 1, or D = 0: both prices are the export tariff.
//
// Requires: 0 < export < import; else the fault is kTariffsOutOfOrder.
// Ensures:  operator_gain is 0; nobody does worse than with the grid alone.
// Source:   Liu et al., "Energy-sharing model with price-based demand response for microgrids of
//           peer-to-peer prosumers", IEEE Trans. Power Systems 32 (2017).
Settlement SupplyDemandRatio(SlotReadings readings, const GridTariffs& tariffs);

}  // namespace engine
