#include "engine/core/market_definition.h"

#include <cstdint>

#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/clearing/wide.h"
#include "engine/core/limits.h"

namespace engine {
namespace {

constexpr std::uint32_t kWeekSeconds = 7 * 86'400;

bool HasPossibleTimes(const MarketDefinition& d) {
  const bool slot =
      d.slot_minutes == 5 || d.slot_minutes == 15 || d.slot_minutes == 30 || d.slot_minutes == 60;
  if (!slot || d.rounds == 0 || d.rounds > kRoundsMax) return false;
  if (d.rounds > 1 && d.round_interval_s == 0) return false;
  if (d.open_before_s > kWeekSeconds || d.round_interval_s > kWeekSeconds) return false;
  const std::uint64_t first_gate =
      d.gate_before_s + std::uint64_t{d.rounds - 1} * d.round_interval_s;
  return d.open_before_s > first_gate && d.min_notice_s <= d.gate_before_s &&
         d.freeze_s < d.open_before_s - first_gate &&
         (d.rounds == 1 || d.freeze_s < d.round_interval_s) &&
         OpenProductsMost(d) <= kOpenProductsMax;
}

bool HasPossiblePrices(const MarketDefinition& d) {
  if (d.band_levels == 0 || d.band_levels > kBandLevelsMax) return false;
  const std::int64_t high = std::int64_t{d.band_low_ticks} + d.band_levels - 1;
  return d.band_low_ticks >= -kPriceTicksMax && high <= kPriceTicksMax &&
         d.feed_in_ticks <= d.retail_ticks && d.retail_ticks <= kPriceTicksMax &&
         d.feed_in_ticks >= -kPriceTicksMax;
}

// A game is over before the next round's gate, and early enough before delivery. What is not told
// while it runs is not told before it either. Prices above the search are announced going down.
bool HasPossibleGame(const MarketDefinition& d) {
  if (d.rule.schedule == Schedule::kNone) return d.rule.announce_from == AnnounceFrom::kRange;
  const std::uint64_t budget_ms = d.rule.game_budget_ms;
  const std::uint64_t notice_ms = std::uint64_t{d.min_notice_s} * 1'000;
  return budget_ms + notice_ms <= std::uint64_t{d.gate_before_s} * 1'000 &&
         (d.rounds == 1 || budget_ms < std::uint64_t{d.round_interval_s} * 1'000) &&
         d.rule.answer_ms <= budget_ms && d.rule.objective == Objective::kAsws &&
         d.indicative_interval_s == 0 && (d.band_levels - 1) / d.rule.step_ticks < kGameStepsMax &&
         (d.rule.announce_from == AnnounceFrom::kRange || d.rule.schedule == Schedule::kDescending);
}

// Each order is told at once what it got; nothing is left to clear.
bool HasPossibleTrading(const MarketDefinition& d) {
  if (!FindRule(d.rule.rule, d.rule.rule_version)->continuous) return true;
  return d.rounds == 1 && d.indicative_interval_s == 0;
}

// A round with a lottery has no price before its secret is out.
bool HasPossibleLottery(const MarketDefinition& d) {
  return d.indicative_interval_s == 0 || !FindRule(d.rule.rule, d.rule.rule_version)->has_lottery;
}

// What the operator keeps or owes is counted in 63 bits: all that can trade, times the band.
bool HasCountableBalance(const MarketDefinition& d) {
  if (FindRule(d.rule.rule, d.rule.rule_version)->pays == RuleEntry::Pays::kOnePrice) return true;
  const Wide energy_wh = Wide{d.book_orders_max} * d.order_max_wh;
  return energy_wh * d.band_levels <= static_cast<std::uint64_t>(INT64_MAX);
}

// Whoever owes is known before anything trades.
bool NamesItsBalanceAccount(const MarketDefinition& d) {
  return d.rule.rule != Rule::kVcg || d.rule.balance_account != AccountId{};
}

}  // namespace

bool IsPossible(const MarketDefinition& d) {
  return d.id != MarketId{} && HasPossibleTimes(d) && HasPossiblePrices(d) && IsPossible(d.rule) &&
         HasPossibleGame(d) && HasPossibleLottery(d) && HasPossibleTrading(d) &&
         HasCountableBalance(d) && NamesItsBalanceAccount(d) && d.rule.lot_wh <= d.order_max_wh &&
         d.rule.min_order_wh <= d.order_max_wh && d.order_max_wh > 0 &&
         d.order_max_wh <= kOrderEnergyMaxWh && d.party_orders_max > 0 &&
         d.party_orders_max <= kPartyOrdersMax && d.book_orders_max > 0 &&
         d.book_orders_max <= kBookOrdersMax && d.indicative_min_parties > 0 &&
         d.indicative_step_ticks > 0 && d.indicative_step_ticks <= kPriceTicksMax &&
         d.indicative_step_wh > 0 && d.carry_over <= 1;
}

}  // namespace engine
