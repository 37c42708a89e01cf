#include "engine/core/clearing/externality.h"

#include "engine/core/check.h"

namespace engine {
namespace {

// What trades of a side at a level.
std::uint64_t TradedAt(const CountedSides& sides, const SideMargin& margin, std::int64_t level) {
  if (level == margin.level) return margin.energy_wh;
  return IsBetter(margin, level) ? sides.At(margin.side, level) : 0;
}

}  // namespace

Externality::Externality(const CountedSides& sides, const Crossing& crossing, Side side)
    : side_(side), first_(side == Side::kBuy ? sides.highest() : sides.lowest()) {
  const auto levels = static_cast<std::size_t>(sides.highest() - sides.lowest() + 1);
  units_wh_.reserve(levels);
  value_.reserve(levels);
  const SideMargin& same = side == Side::kBuy ? crossing.bids : crossing.asks;
  const SideMargin& other = side == Side::kBuy ? crossing.asks : crossing.bids;
  std::uint64_t units = 0;
  Wide value = 0;
  for (std::size_t index = 0; index < levels; ++index) {
    const std::uint64_t level = LevelAt(index);
    const auto at = static_cast<std::int64_t>(level);
    const std::uint64_t here =
        sides.At(side, at) - TradedAt(sides, same, at) + TradedAt(sides, other, at);
    units += here;
    value += Wide{here} * level;
    units_wh_.push_back(units);
    value_.push_back(value);
  }
}

std::uint64_t Externality::UnitsTo(std::size_t index, std::span<const LeftAtLevel> own) const {
  std::uint64_t units = units_wh_[index];
  for (const LeftAtLevel& left : own) {
    if (IndexOf(left.level) <= index) units -= left.energy_wh;
  }
  return units;
}

Wide Externality::ForEnergy(std::uint64_t energy_wh, std::span<const LeftAtLevel> own) const {
  std::size_t low = 0;
  std::size_t high = units_wh_.size() - 1;
  CHECK(UnitsTo(high, own) >= energy_wh);
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (UnitsTo(middle, own) >= energy_wh) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  // All up to the level, less what is too much of it.
  Wide value = value_[low];
  for (const LeftAtLevel& left : own) {
    if (IndexOf(left.level) <= low) value -= Wide{left.energy_wh} * left.level;
  }
  return value - Wide{UnitsTo(low, own) - energy_wh} * LevelAt(low);
}

}  // namespace engine
