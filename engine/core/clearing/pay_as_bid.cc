#include "engine/core/clearing/pay_as_bid.h"

#include <utility>
#include <vector>

#include "engine/core/check.h"
#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/fill_amounts.h"
#include "engine/core/clearing/pairing.h"

namespace engine {
namespace {

// Twice the level at which a bid and an ask trade.
std::uint64_t TwiceLevel(std::int64_t bid, std::int64_t ask, PairPricing pricing) {
  return static_cast<std::uint64_t>(pricing == PairPricing::kBuyer ? 2 * bid : bid + ask);
}

std::vector<PairingFill> FillsOf(const Book& book, BookMemory& memory, Side side) {
  std::vector<PairingFill> fills;
  book.ForEachChunk(memory, side, [&fills](const OrderColumns& orders) {
    for (std::size_t i = 0; i < orders.level.size(); ++i) {
      if (orders.filled_wh[i] > 0) fills.push_back({orders.level[i], orders.filled_wh[i]});
    }
  });
  return fills;
}

// Appends the side's amounts to `amounts_units`. `halves` are twice its amounts over the band's low
// end; their sum, rounded down to whole units, is the same on both sides.
void RoundSide(const std::vector<PairingFill>& fills, const std::vector<std::uint64_t>& halves,
               std::int32_t band_low_ticks, std::vector<std::int64_t>& amounts_units) {
  std::uint64_t odd = 0;
  for (const std::uint64_t half : halves) odd += half % 2;
  std::uint64_t spare = odd / 2;
  for (std::size_t i = 0; i < fills.size(); ++i) {
    std::uint64_t units = halves[i] / 2;
    if (halves[i] % 2 != 0 && spare > 0) {
      ++units;
      --spare;
    }
    amounts_units.push_back(std::int64_t{band_low_ticks} *
                                static_cast<std::int64_t>(fills[i].energy_wh) +
                            static_cast<std::int64_t>(units));
  }
}

ClearedRound PayPairs(const Book& book, BookMemory& memory, const MarketDefinition& market,
                      std::uint64_t energy_wh) {
  const std::vector<PairingFill> bids = FillsOf(book, memory, Side::kBuy);
  const std::vector<PairingFill> asks = FillsOf(book, memory, Side::kSell);
  std::vector<std::uint64_t> bid_halves(bids.size());
  std::vector<std::uint64_t> ask_halves(asks.size());
  for (const PairedTrade& trade : PairFills(bids, asks)) {
    const std::uint64_t halves =
        trade.energy_wh *
        TwiceLevel(bids[trade.bid].limit_ticks, asks[trade.ask].limit_ticks, market.rule.pricing);
    bid_halves[trade.bid] += halves;
    ask_halves[trade.ask] += halves;
  }
  std::vector<std::int64_t> amounts_units;
  amounts_units.reserve(bids.size() + asks.size());
  RoundSide(bids, bid_halves, market.band_low_ticks, amounts_units);
  RoundSide(asks, ask_halves, market.band_low_ticks, amounts_units);
  return AtAmounts(energy_wh, static_cast<std::uint32_t>(bids.size()), std::move(amounts_units));
}

}  // namespace

ClearedRound ClearPayAsBid(const SealedBook& sealed, ClearingScratch& scratch,
                           RuleEntry::Fills fills) {
  const auto& [book, memory, market, secret] = sealed;
  const CountedSides sides(book, memory, scratch);
  const Crossing crossing = FindCrossing(book, sides);
  if (crossing.energy_wh == 0) return {};
  // However they are paired, all bids that trade and all asks are worth the same together.
  const Wide bids = ValueOf(sides, crossing.bids);
  const Wide asks = ValueOf(sides, crossing.asks);
  const Wide units = market.rule.pricing == PairPricing::kBuyer ? bids : (bids + asks) / 2;
  const auto mean = static_cast<std::int64_t>(units / crossing.energy_wh);
  ClearedRound round = AtOnePrice(market, crossing.energy_wh, mean);
  if (fills == RuleEntry::Fills::kLeave) return round;
  AllocateByTime(book, memory, crossing.bids);
  AllocateByTime(book, memory, crossing.asks);
  ClearedRound paid = PayPairs(book, memory, market, crossing.energy_wh);
  CHECK(paid.buy_price_ticks == round.buy_price_ticks && paid.operator_balance_units == 0);
  return paid;
}

}  // namespace engine
