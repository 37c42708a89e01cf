// What a trader's energy costs the others: the units that would trade in its place.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/clearing/crossing.h"

namespace engine {

// What a trader has open at a level and did not trade.
struct LeftAtLevel {
  std::uint16_t level = 0;
  std::uint64_t energy_wh = 0;
};

// Were a buyer not there, each watt-hour that it buys would go to the dearest bid that has energy
// left, or stay with the dearest ask that trades, whichever is worth more; were a seller not there,
// each that it sells would come from the cheapest ask that has energy left, or be missed by the
// cheapest bid that trades. Summed over what a party trades that is its Clarke payment: what the
// others lose by its being there.
//
// Cost: O(levels) to make, with two allocations; ForEnergy() is
//       O(log levels * what the party has left).
class Externality {
 public:
  // Requires: crossing.energy_wh > 0.
  Externality(const CountedSides& sides, const Crossing& crossing, Side side);

  // Energy times level, summed. `own` is what the party has left on its side: it takes no part.
  // Requires: energy_wh <= crossing.energy_wh; no level twice beyond what the book has there.
  Wide ForEnergy(std::uint64_t energy_wh, std::span<const LeftAtLevel> own) const;

 private:
  // Levels are counted from the one whose units come first.
  std::size_t IndexOf(std::int64_t level) const {
    return static_cast<std::size_t>(side_ == Side::kBuy ? first_ - level : level - first_);
  }
  std::uint64_t LevelAt(std::size_t index) const {
    const auto distance = static_cast<std::int64_t>(index);
    return static_cast<std::uint64_t>(side_ == Side::kBuy ? first_ - distance : first_ + distance);
  }
  std::uint64_t UnitsTo(std::size_t index, std::span<const LeftAtLevel> own) const;

  const Side side_;
  std::int64_t first_ = 0;
  std::vector<std::uint64_t> units_wh_;  // Up to and with the level.
  std::vector<Wide> value_;              // Of these: energy times level.
};

}  // namespace engine
