// Bill sharing: the community's bill with the grid over a billing period, parted by what each home
// imported and exported.
#pragma once

#include <span>

#include "engine/settlement/settlement.h"

namespace engine {

// Over all slots, with the community's own import and export taken slot by slot:
//
//   buy at import tariff * (import of the community) / (imports of its homes),
//   sell at export tariff * (export of the community) / (exports of its homes).
//
// There is no such price where no home imported, or exported. A home that is not in a slot takes no
// part in it. Homes that export can do worse than with the grid alone: what neighbours use of their
// energy earns nothing.
//
// Ensures: operator_gain is 0.
// Source:  Long et al., "Peer-to-peer energy trading in a community microgrid", IEEE PESGM (2017).
Settlement BillSharing(std::span<const SlotReadings> slots, const GridTariffs& tariffs);

}  // namespace engine
