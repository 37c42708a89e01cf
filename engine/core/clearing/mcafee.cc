#include "engine/core/clearing/mcafee.h"

#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/trade_reduction.h"

namespace engine {

ClearedRound ClearMcAfee(const SealedBook& sealed, ClearingScratch& scratch,
                         RuleEntry::Fills fills) {
  const auto& [book, memory, market, secret] = sealed;
  const CountedSides sides(book, memory, scratch);
  const Crossing crossing = FindCrossing(book, sides);
  if (crossing.energy_wh == 0) return {};
  if (crossing.next_bid == kNoLevel || crossing.next_ask == kNoLevel) {
    return DropLastPair(sealed, sides, fills);
  }
  const std::int64_t middle = (crossing.next_bid + crossing.next_ask) / 2;
  if (middle < crossing.asks.level || middle > crossing.bids.level) {
    return DropLastPair(sealed, sides, fills);
  }
  if (fills == RuleEntry::Fills::kFill) {
    AllocateByTime(book, memory, crossing.bids);
    AllocateByTime(book, memory, crossing.asks);
  }
  return AtOnePrice(market, crossing.energy_wh, middle);
}

}  // namespace engine
