#include "engine/core/clearing/uniform_price.h"

#include <algorithm>
#include <array>

#include "engine/core/check.h"
#include "engine/core/clearing/levels.h"
#include "engine/core/clearing/margin.h"

namespace engine {
namespace {

// The largest over all levels of min(demand at or above it, supply at or below it).
std::uint64_t MostEnergy(const ClearingScratch& scratch, std::uint64_t demand, std::uint32_t lowest,
                         std::uint32_t highest) {
  std::uint64_t most = 0;
  std::uint64_t supply = 0;
  for (std::uint32_t level = lowest; level <= highest; ++level) {
    supply += scratch.supply_wh[level];
    most = std::max(most, std::min(demand, supply));
    demand -= scratch.demand_wh[level];
  }
  return most;
}

// Requires: both sides hold at least price.energy_wh > 0.
void SetMargins(const ClearingScratch& scratch, std::uint32_t lowest, std::uint32_t highest,
                UniformPrice& price) {
  std::uint64_t better = 0;
  std::uint32_t bid = highest;
  while (better + scratch.demand_wh[bid] < price.energy_wh) better += scratch.demand_wh[bid--];
  price.bid_margin = static_cast<std::uint16_t>(bid);
  price.bid_margin_wh = price.energy_wh - better;

  better = 0;
  std::uint32_t ask = lowest;
  while (better + scratch.supply_wh[ask] < price.energy_wh) better += scratch.supply_wh[ask++];
  price.ask_margin = static_cast<std::uint16_t>(ask);
  price.ask_margin_wh = price.energy_wh - better;
}

// The two ends of the interval of prices at which supply meets demand.
std::int64_t CompetitivePrice(const ClearingScratch& scratch, std::uint32_t lowest,
                              std::uint32_t highest, const UniformPrice& price,
                              const RuleParameters& rule) {
  std::int64_t low = price.ask_margin;
  for (std::int64_t bid = price.bid_margin; bid > low; --bid) {
    const std::uint64_t traded = bid == price.bid_margin ? price.bid_margin_wh : 0;
    if (bid >= lowest && scratch.demand_wh[static_cast<std::size_t>(bid)] > traded) low = bid;
  }
  std::int64_t high = price.bid_margin;
  for (std::int64_t ask = price.ask_margin; ask < high; ++ask) {
    const std::uint64_t traded = ask == price.ask_margin ? price.ask_margin_wh : 0;
    if (ask <= highest && scratch.supply_wh[static_cast<std::size_t>(ask)] > traded) high = ask;
  }
  CHECK(low <= high);
  return low + (high - low) * rule.k_numerator / rule.k_denominator;
}

}  // namespace

UniformPrice FindUniformPrice(const Book& book, BookMemory& memory, const RuleParameters& rule,
                              ClearingScratch& scratch) {
  UniformPrice price;
  if (book.slots() == 0) return price;
  const std::uint32_t lowest = book.lowest_level();
  const std::uint32_t highest = book.highest_level();
  const std::uint64_t demand = CountSide(book, memory, Side::kBuy, scratch.demand_wh);
  CountSide(book, memory, Side::kSell, scratch.supply_wh);
  price.energy_wh = MostEnergy(scratch, demand, lowest, highest);
  if (price.energy_wh > 0) {
    SetMargins(scratch, lowest, highest, price);
    price.level = CompetitivePrice(scratch, lowest, highest, price, rule);
  }
  ForgetSides(book, scratch);
  return price;
}

void AllocateUniformPrice(const Book& book, BookMemory& memory, const RuleParameters& rule,
                          const UniformPrice& price) {
  const std::array<SideMargin, 2> margins = {
      SideMargin{Side::kBuy, price.bid_margin, price.bid_margin_wh},
      SideMargin{Side::kSell, price.ask_margin, price.ask_margin_wh}};
  for (const SideMargin& margin : margins) {
    if (rule.margin == Margin::kTime) {
      AllocateByTime(book, memory, margin);
    } else {
      AllocateProRata(book, memory, margin);
    }
  }
}

}  // namespace engine
