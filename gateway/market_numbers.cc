#include "gateway/market_numbers.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/clearing/wide.h"
#include "engine/core/limits.h"
#include "gateway/absl_view.h"

namespace gateway {
namespace {

using engine::MarketDefinition;

// A row of the table below, for a field of any width.
#define PEERWATT_MARKET_FIELD(field)                                              \
  [](const MarketDefinition& m) { return static_cast<std::int64_t>(m.field); },   \
      [](MarketDefinition& m, std::int64_t value) {                               \
        m.field = static_cast<std::remove_reference_t<decltype(m.field)>>(value); \
      }

constexpr std::int64_t kWeekS = 604'800;
constexpr std::int64_t kPrice = engine::kPriceTicksMax;

constexpr MarketNumber kNumbers[] = {
    {"id", PEERWATT_MARKET_FIELD(id), {1, kU32}, "the number that orders and accounts name it by"},
    {"slot_minutes",
     PEERWATT_MARKET_FIELD(slot_minutes),
     {5, 60},
     "length of a delivery slot: 5, 15, 30 or 60"},
    {"band_low_ticks",
     PEERWATT_MARKET_FIELD(band_low_ticks),
     {-kPrice, kPrice},
     "lowest price; a tick is 0.001 of the currency a kWh"},
    {"band_levels",
     PEERWATT_MARKET_FIELD(band_levels),
     {1, engine::kBandLevelsMax},
     "prices from the lowest up"},
    {"open_before_s",
     PEERWATT_MARKET_FIELD(open_before_s),
     {1, kWeekS},
     "a product opens so long before its delivery"},
    {"gate_before_s",
     PEERWATT_MARKET_FIELD(gate_before_s),
     {0, kWeekS},
     "its last round has its gate so long before"},
    {"min_notice_s",
     PEERWATT_MARKET_FIELD(min_notice_s),
     {0, kWeekS},
     "a round cleared later than this before delivery is void; at most gate_before_s"},
    {"rounds", PEERWATT_MARKET_FIELD(rounds), {1, engine::kRoundsMax}, "of a product"},
    {"round_interval_s",
     PEERWATT_MARKET_FIELD(round_interval_s),
     {0, kWeekS},
     "between two gates of a product"},
    {"freeze_s",
     PEERWATT_MARKET_FIELD(freeze_s),
     {0, kWeekS},
     "before each gate bids only rise, asks only fall and nothing is withdrawn"},
    {"indicative_interval_s",
     PEERWATT_MARKET_FIELD(indicative_interval_s),
     {0, kWeekS},
     "between two indicative prices; 0: none"},
    {"indicative_min_parties",
     PEERWATT_MARKET_FIELD(indicative_min_parties),
     {1, kU32},
     "a side; with fewer no indicative price is published"},
    {"indicative_step_ticks",
     PEERWATT_MARKET_FIELD(indicative_step_ticks),
     {1, kPrice},
     "indicative prices are rounded down to it"},
    {"indicative_step_wh",
     PEERWATT_MARKET_FIELD(indicative_step_wh),
     {1, kU32},
     "and indicative energies to this"},
    {"order_max_wh",
     PEERWATT_MARKET_FIELD(order_max_wh),
     {1, engine::kOrderEnergyMaxWh},
     "most energy of one order"},
    {"party_orders_max",
     PEERWATT_MARKET_FIELD(party_orders_max),
     {1, engine::kPartyOrdersMax},
     "orders of one party in one round of a book"},
    {"book_orders_max",
     PEERWATT_MARKET_FIELD(book_orders_max),
     {1, engine::kBookOrdersMax},
     "orders in one round of a book"},
    {"retail_ticks",
     PEERWATT_MARKET_FIELD(retail_ticks),
     {-kPrice, kPrice},
     "what the grid takes for a watt-hour; for statements, and stackelberg's admission"},
    {"feed_in_ticks",
     PEERWATT_MARKET_FIELD(feed_in_ticks),
     {-kPrice, kPrice},
     "what it pays for one; at most retail_ticks"},
    {"rule_version", PEERWATT_MARKET_FIELD(rule.rule_version), {1, 1}, "of the round rule"},
};

#undef PEERWATT_MARKET_FIELD

std::int64_t FirstGateBeforeS(const MarketDefinition& m) {
  return m.gate_before_s + std::int64_t{m.rounds - 1} * m.round_interval_s;
}

bool IsPlayed(const MarketDefinition& m) { return m.rule.schedule != engine::Schedule::kNone; }
bool IsContinuous(const MarketDefinition& m) { return engine::RuleOf(m).continuous; }

// What no single value can tell; with the ranges it is all that engine::IsPossible asks of them.
struct JointRule {
  bool (*holds)(const MarketDefinition&);
  std::array<std::string_view, 5> keys;  // The first of them that a file has is at fault.
  std::string_view allowed;
};

constexpr JointRule kJointRules[] = {
    {[](const MarketDefinition& m) { return m.rounds == 1 || m.round_interval_s > 0; },
     {"round_interval_s", "rounds"},
     "round_interval_s > 0 where rounds > 1"},
    {[](const MarketDefinition& m) { return m.min_notice_s <= m.gate_before_s; },
     {"min_notice_s", "gate_before_s"},
     "min_notice_s <= gate_before_s"},
    {[](const MarketDefinition& m) { return m.open_before_s > FirstGateBeforeS(m); },
     {"open_before_s", "gate_before_s", "rounds", "round_interval_s"},
     "open_before_s > gate_before_s + (rounds - 1) * round_interval_s"},
    {[](const MarketDefinition& m) { return m.rounds == 1 || m.freeze_s < m.round_interval_s; },
     {"freeze_s", "round_interval_s", "rounds"},
     "freeze_s < round_interval_s where rounds > 1"},
    {[](const MarketDefinition& m) { return m.freeze_s < m.open_before_s - FirstGateBeforeS(m); },
     {"freeze_s", "open_before_s", "gate_before_s", "rounds", "round_interval_s"},
     "freeze_s < what lies between a product's opening and its first gate"},
    {[](const MarketDefinition& m) {
       return std::int64_t{m.band_low_ticks} + m.band_levels - 1 <= kPrice;
     },
     {"band_low_ticks", "band_levels"},
     "band_low_ticks + band_levels - 1 <= 1000000000"},
    {[](const MarketDefinition& m) { return m.feed_in_ticks <= m.retail_ticks; },
     {"feed_in_ticks", "retail_ticks"},
     "feed_in_ticks <= retail_ticks"},
    {[](const MarketDefinition& m) { return m.rule.lot_wh <= m.order_max_wh; },
     {"lot_wh", "order_max_wh"},
     "lot_wh <= order_max_wh"},
    {[](const MarketDefinition& m) { return m.rule.min_order_wh <= m.order_max_wh; },
     {"min_order_wh", "order_max_wh"},
     "min_order_wh <= order_max_wh"},
    {[](const MarketDefinition& m) {
       return m.rule.rule != engine::Rule::kVcg || m.rule.balance_account != engine::AccountId{};
     },
     {"balance_account", "rule"},
     "an account where the rule is vcg"},
    {[](const MarketDefinition& m) {
       const engine::Wide energy_wh = engine::Wide{m.book_orders_max} * m.order_max_wh;
       return engine::RuleOf(m).pays == engine::RuleEntry::Pays::kOnePrice ||
              energy_wh * m.band_levels <= static_cast<std::uint64_t>(INT64_MAX);
     },
     {"book_orders_max", "order_max_wh", "band_levels", "rule"},
     "book_orders_max * order_max_wh * band_levels <= 2^63 - 1 where a rule pays more than one "
     "price"},
    {[](const MarketDefinition& m) {
       return m.rule.objective == engine::Objective::kAsws ||
              (m.rule.step_ticks == 1 && m.rule.lone_trader == engine::LoneTrader::kKeep);
     },
     {"objective", "step_ticks", "lone_trader"},
     "welfare only with step_ticks 1 and lone_trader keep"},
    {[](const MarketDefinition& m) {
       return !IsPlayed(m) || m.rule.objective == engine::Objective::kAsws;
     },
     {"objective", "schedule"},
     "asws where schedule is not none"},
    {[](const MarketDefinition& m) {
       return !IsPlayed(m) || m.rule.game_budget_ms + std::int64_t{1'000} * m.min_notice_s <=
                                  std::int64_t{1'000} * m.gate_before_s;
     },
     {"game_budget_ms", "gate_before_s", "min_notice_s", "schedule"},
     "game_budget_ms <= 1000 * (gate_before_s - min_notice_s)"},
    {[](const MarketDefinition& m) {
       return !IsPlayed(m) || m.rounds == 1 ||
              m.rule.game_budget_ms < std::int64_t{1'000} * m.round_interval_s;
     },
     {"game_budget_ms", "round_interval_s", "rounds", "schedule"},
     "game_budget_ms < 1000 * round_interval_s where rounds > 1"},
    {[](const MarketDefinition& m) {
       return !IsPlayed(m) || m.rule.answer_ms <= m.rule.game_budget_ms;
     },
     {"answer_ms", "game_budget_ms", "schedule"},
     "answer_ms <= game_budget_ms"},
    {[](const MarketDefinition& m) {
       return !IsPlayed(m) || (m.band_levels - 1) / m.rule.step_ticks < engine::kGameStepsMax;
     },
     {"step_ticks", "band_levels", "schedule"},
     "step_ticks so large that the band has at most 4096 prices"},
    {[](const MarketDefinition& m) { return !IsPlayed(m) || m.indicative_interval_s == 0; },
     {"indicative_interval_s", "schedule"},
     "0 where schedule is not none"},
    {[](const MarketDefinition& m) { return !IsContinuous(m) || m.rounds == 1; },
     {"rounds", "rule"},
     "1 where the rule is continuous"},
    {[](const MarketDefinition& m) { return !IsContinuous(m) || m.indicative_interval_s == 0; },
     {"indicative_interval_s", "rule"},
     "0 where the rule is continuous"},
    {[](const MarketDefinition& m) {
       return !engine::RuleOf(m).has_lottery || m.indicative_interval_s == 0;
     },
     {"indicative_interval_s", "rule"},
     "0 where the rule has a lottery"},
    {[](const MarketDefinition& m) {
       return m.rule.announce_from == engine::AnnounceFrom::kRange ||
              m.rule.schedule == engine::Schedule::kDescending;
     },
     {"announce_from", "schedule"},
     "band only with schedule descending"},
};
static_assert(kPrice == 1'000'000'000);

const TomlEntry* EntryOf(const TomlTable& table, std::string_view key) {
  const auto entry = std::find_if(table.entries.begin(), table.entries.end(),
                                  [&](const TomlEntry& each) { return each.key == key; });
  return entry == table.entries.end() ? nullptr : &*entry;
}

std::string TextOf(std::string_view key, const MarketDefinition& market) {
  if (key == "rule") return std::string(engine::RuleOf(market).name);
  const MarketNumber* number = FindMarketNumber(key);
  if (number != nullptr) return absl::StrCat(number->get(market));
  return engine::FindRuleParameter(key)->text(market.rule);
}

// The error of a market that breaks the rule.
absl::Status Broken(const JointRule& rule, const MarketDefinition& market, const TomlTable& table,
                    const std::string& file) {
  const TomlEntry* fault = nullptr;
  std::string others;
  for (const std::string_view key : rule.keys) {
    if (key.empty()) break;
    const TomlEntry* const entry = EntryOf(table, key);
    if (fault == nullptr && entry != nullptr) {
      fault = entry;
      continue;
    }
    absl::StrAppend(&others, others.empty() ? "" : ", ", Absl(key), " = ", TextOf(key, market));
  }
  CHECK(fault != nullptr);  // The defaults go together.
  return ErrorAt(file, fault->line,
                 absl::StrCat(fault->key, " = ", TextOf(fault->key, market), ": allowed is ",
                              Absl(rule.allowed), "; here ", others));
}

}  // namespace

std::span<const MarketNumber> MarketNumbers() { return kNumbers; }

const MarketNumber* FindMarketNumber(std::string_view key) {
  const auto* const found =
      std::find_if(std::begin(kNumbers), std::end(kNumbers),
                   [&](const MarketNumber& candidate) { return candidate.key == key; });
  return found == std::end(kNumbers) ? nullptr : found;
}

absl::Status CheckMarketNumbers(const MarketDefinition& market, const TomlTable& table,
                                const std::string& file) {
  for (const JointRule& rule : kJointRules) {
    if (!rule.holds(market)) return Broken(rule, market, table, file);
  }
  return absl::OkStatus();
}

}  // namespace gateway
