#include "engine/core/clearing/sbba.h"

#include "engine/core/check.h"
#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/lottery.h"

namespace engine {
namespace {

// Takes its fill from the ask of that place among those that have one, oldest first.
void LeaveOut(const SealedBook& sealed, std::uint64_t unlucky) {
  std::uint64_t place = 0;
  sealed.book.ForEachChunk(sealed.memory, Side::kSell, [&](const OrderColumns& orders) {
    for (std::uint32_t& filled_wh : orders.filled_wh) {
      if (filled_wh > 0 && place++ == unlucky) filled_wh = 0;
    }
  });
}

}  // namespace

ClearedRound ClearSbbaDrawing(const SealedBook& sealed, ClearingScratch& scratch,
                              RuleEntry::Fills fills, const UnluckyAsk& draw) {
  const auto& [book, memory, market, secret] = sealed;
  const CountedSides sides(book, memory, scratch);
  const Crossing crossing = FindCrossing(book, sides);
  if (crossing.energy_wh == 0) return {};
  const std::uint64_t lot_wh = market.rule.lot_wh;
  CHECK(lot_wh > 0 && crossing.energy_wh % lot_wh == 0);
  const bool names_price =
      crossing.next_ask != kNoLevel && crossing.next_ask <= crossing.bids.level;
  const std::uint64_t energy_wh = crossing.energy_wh - (names_price ? 0 : lot_wh);
  if (energy_wh > 0 && fills == RuleEntry::Fills::kFill) {
    AllocateByTime(book, memory, FindMargin(sides, Side::kBuy, energy_wh));
    AllocateByTime(book, memory, crossing.asks);
    if (!names_price) LeaveOut(sealed, draw(crossing.energy_wh / lot_wh));
  }
  return AtOnePrice(market, energy_wh, names_price ? crossing.next_ask : crossing.bids.level);
}

ClearedRound ClearSbba(const SealedBook& sealed, ClearingScratch& scratch, RuleEntry::Fills fills) {
  return ClearSbbaDrawing(sealed, scratch, fills, [&sealed](std::uint64_t asks) {
    const SealedOrders orders = ReadSealed(sealed.book, sealed.memory);
    return Lottery(LotterySeed(sealed.secret, orders.orders, sealed.market.band_low_ticks))
        .Below(asks);
  });
}

}  // namespace engine
