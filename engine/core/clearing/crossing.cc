#include "engine/core/clearing/crossing.h"

#include <algorithm>

#include "engine/core/check.h"

namespace engine {
namespace {

// The largest over all levels of min(demand at or above it, supply at or below it).
std::uint64_t MostEnergy(const CountedSides& sides) {
  std::uint64_t most = 0;
  std::uint64_t demand = sides.demand_wh();
  std::uint64_t supply = 0;
  for (std::int64_t level = sides.lowest(); level <= sides.highest(); ++level) {
    supply += sides.At(Side::kSell, level);
    most = std::max(most, std::min(demand, supply));
    demand -= sides.At(Side::kBuy, level);
  }
  return most;
}

// From the best level of a side to its worst.
std::int64_t Best(const CountedSides& sides, Side side) {
  return side == Side::kBuy ? sides.highest() : sides.lowest();
}
std::int64_t Step(Side side) { return side == Side::kBuy ? -1 : 1; }

// The first level, from the margin on, that has more than trades there.
std::int64_t FindNext(const CountedSides& sides, const SideMargin& margin) {
  if (sides.At(margin.side, margin.level) > margin.energy_wh) return margin.level;
  std::int64_t level = margin.level + Step(margin.side);
  for (; level >= sides.lowest() && level <= sides.highest(); level += Step(margin.side)) {
    if (sides.At(margin.side, level) > 0) return level;
  }
  return kNoLevel;
}

}  // namespace

SideMargin FindMargin(const CountedSides& sides, Side side, std::uint64_t energy_wh) {
  CHECK(energy_wh > 0);
  std::uint64_t better = 0;
  std::int64_t level = Best(sides, side);
  while (better + sides.At(side, level) < energy_wh) {
    better += sides.At(side, level);
    level += Step(side);
  }
  return {side, static_cast<std::uint16_t>(level), energy_wh - better};
}

Wide ValueOf(const CountedSides& sides, const SideMargin& margin) {
  Wide value = Wide{margin.energy_wh} * margin.level;
  for (std::int64_t level = Best(sides, margin.side); level != margin.level;
       level += Step(margin.side)) {
    value += Wide{sides.At(margin.side, level)} * static_cast<std::uint64_t>(level);
  }
  return value;
}

Crossing FindCrossing(const Book& book, const CountedSides& sides) {
  Crossing crossing;
  if (book.slots() == 0) return crossing;
  crossing.energy_wh = MostEnergy(sides);
  if (crossing.energy_wh == 0) return crossing;
  crossing.bids = FindMargin(sides, Side::kBuy, crossing.energy_wh);
  crossing.asks = FindMargin(sides, Side::kSell, crossing.energy_wh);
  crossing.next_bid = FindNext(sides, crossing.bids);
  crossing.next_ask = FindNext(sides, crossing.asks);
  CHECK(crossing.low() <= crossing.high());
  return crossing;
}

}  // namespace engine
