// What a party trades on one side of a round, and what it pays for all of it together.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/clearing/externality.h"
#include "engine/core/clearing/fill_amounts.h"

namespace engine {

struct PartySide {
  std::uint64_t energy_wh = 0;
  std::vector<PartyFill> fills;
  std::vector<LeftAtLevel> left;

  // An order of the party; without a fill its number means nothing.
  void Add(std::uint16_t level, std::uint32_t open_wh, PartyFill fill) {
    if (open_wh > fill.energy_wh) left.push_back({level, open_wh - fill.energy_wh});
    if (fill.energy_wh == 0) return;
    energy_wh += fill.energy_wh;
    fills.push_back(fill);
  }
  void Forget() {
    energy_wh = 0;
    fills.clear();
    left.clear();
  }
};

// Writes the amounts of the party's fills: its Clarke payment, split by SplitPayment().
// Requires: the orders left are all that the party has left on the side.
inline void PayClarke(const Externality& externality, const PartySide& side,
                      std::int32_t band_low_ticks, std::vector<std::int64_t>& amounts_units) {
  if (side.energy_wh == 0) return;
  const auto over_band = static_cast<SignedWide>(externality.ForEnergy(side.energy_wh, side.left));
  SplitPayment(SignedWide{band_low_ticks} * side.energy_wh + over_band, side.fills, amounts_units);
}

}  // namespace engine
