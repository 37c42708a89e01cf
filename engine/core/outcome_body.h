// What a round came to, as the journal has it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "engine/core/ids.h"
#include "engine/core/market_definition.h"
#include "engine/core/reason.h"

namespace engine {

enum class RoundResult : std::uint8_t { kNoTrade = 0, kTraded = 1, kVoid = 2 };

// kOutcome: what clearing came to, for replays, ledgers and people.
struct OutcomeBody {
  ProductId product;
  std::uint32_t round = 0;
  std::uint32_t fills = 0;
  std::uint64_t energy_wh = 0;              // Bought, and sold.
  std::array<std::byte, 16> digest{};       // XXH3-128 of the fills, in book order.
  std::int64_t operator_balance_units = 0;  // What buyers paid less what sellers got.
  std::int32_t buy_price_ticks = 0;         // As ClearedRound has them; 0 where nothing traded.
  std::int32_t sell_price_ticks = 0;
  Reason no_trade{};  // Why nothing traded, where it is not that nothing crossed.
  RoundResult result{};
  std::array<std::uint8_t, 5> zero{};
  RuleParameters rule;
};
static_assert(sizeof(OutcomeBody) == 128 && std::has_unique_object_representations_v<OutcomeBody>);

}  // namespace engine
