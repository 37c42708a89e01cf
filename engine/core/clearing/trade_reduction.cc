#include "engine/core/clearing/trade_reduction.h"

#include "engine/core/check.h"
#include "engine/core/clearing/crossing.h"

namespace engine {

ClearedRound DropLastPair(const SealedBook& sealed, const CountedSides& sides,
                          RuleEntry::Fills fills) {
  const auto& [book, memory, market, secret] = sealed;
  const Crossing crossing = FindCrossing(book, sides);
  const std::uint64_t lot_wh = market.rule.lot_wh;
  CHECK(lot_wh > 0 && crossing.energy_wh % lot_wh == 0);
  if (crossing.energy_wh <= lot_wh) return {};
  const std::uint64_t energy_wh = crossing.energy_wh - lot_wh;
  if (fills == RuleEntry::Fills::kFill) {
    AllocateByTime(book, memory, FindMargin(sides, Side::kBuy, energy_wh));
    AllocateByTime(book, memory, FindMargin(sides, Side::kSell, energy_wh));
  }
  return AtPrices(market, energy_wh, crossing.bids.level, crossing.asks.level);
}

ClearedRound ClearTradeReduction(const SealedBook& sealed, ClearingScratch& scratch,
                                 RuleEntry::Fills fills) {
  const CountedSides sides(sealed.book, sealed.memory, scratch);
  return DropLastPair(sealed, sides, fills);
}

}  // namespace engine
