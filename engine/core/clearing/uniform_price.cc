#include "engine/core/clearing/uniform_price.h"

namespace engine {
namespace {

std::int64_t PriceOf(const Crossing& crossing, const RuleParameters& rule) {
  switch (rule.price) {
    case UniformPricing::kLastBid:
      return crossing.bids.level;
    case UniformPricing::kLastAsk:
      return crossing.asks.level;
    default:
      return crossing.low() +
             (crossing.high() - crossing.low()) * rule.k_numerator / rule.k_denominator;
  }
}

}  // namespace

UniformPrice FindUniformPrice(const Book& book, BookMemory& memory, const RuleParameters& rule,
                              ClearingScratch& scratch) {
  UniformPrice price;
  const CountedSides sides(book, memory, scratch);
  price.crossing = FindCrossing(book, sides);
  price.energy_wh = price.crossing.energy_wh;
  if (price.energy_wh > 0) price.level = PriceOf(price.crossing, rule);
  return price;
}

void AllocateUniformPrice(const Book& book, BookMemory& memory, const RuleParameters& rule,
                          const UniformPrice& price) {
  for (const SideMargin& margin : {price.crossing.bids, price.crossing.asks}) {
    if (rule.margin == Margin::kTime) {
      AllocateByTime(book, memory, margin);
    } else {
      AllocateProRata(book, memory, margin);
    }
  }
}

}  // namespace engine
