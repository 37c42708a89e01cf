// What a round comes to: what trades on each side, what it costs, and what is left over.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/check.h"
#include "engine/core/market_definition.h"
#include "engine/core/reason.h"

namespace engine {

struct ClearedRound {
  std::uint64_t energy_wh = 0;        // 0: nothing trades, and the rest but `no_trade` is zero.
  std::int32_t buy_price_ticks = 0;   // What buyers pay and
  std::int32_t sell_price_ticks = 0;  // sellers get; a mean rounded down where they differ.
  std::int64_t operator_balance_units = 0;  // What buyers pay less what sellers get; < 0: deficit.
  Reason no_trade = Reason::kNone;  // Why nothing trades, where it is not that nothing crosses.

  // What each fill costs, or brings, in book order (as Book::ForEachOrder goes), where the rule
  // pays each order by itself. Empty: the side's price times its energy.
  std::vector<std::int64_t> amounts_units{};
};

// Prices are levels: ticks above the low end of the market's band.
inline ClearedRound AtPrices(const MarketDefinition& market, std::uint64_t energy_wh,
                             std::int64_t buy_level, std::int64_t sell_level) {
  ClearedRound round;
  if (energy_wh == 0) return round;
  round.energy_wh = energy_wh;
  round.buy_price_ticks = static_cast<std::int32_t>(market.band_low_ticks + buy_level);
  round.sell_price_ticks = static_cast<std::int32_t>(market.band_low_ticks + sell_level);
  CHECK(!__builtin_mul_overflow(buy_level - sell_level, energy_wh, &round.operator_balance_units));
  return round;
}
inline ClearedRound AtOnePrice(const MarketDefinition& market, std::uint64_t energy_wh,
                               std::int64_t level) {
  return AtPrices(market, energy_wh, level, level);
}

}  // namespace engine
