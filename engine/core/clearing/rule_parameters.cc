#include "engine/core/clearing/rule_parameters.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>

#include "engine/core/clearing/rules.h"
#include "engine/core/limits.h"

namespace engine {
namespace {

template <typename Integer = std::uint32_t>
std::optional<Integer> Number(std::string_view text) {
  Integer number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool SetK(RuleParameters& parameters, std::string_view value) {
  const std::size_t slash = value.find('/');
  const std::optional<std::uint32_t> numerator = Number(value.substr(0, slash));
  const std::optional<std::uint32_t> denominator =
      slash == std::string_view::npos ? std::optional(1U) : Number(value.substr(slash + 1));
  if (!numerator || !denominator || *denominator == 0 || *numerator > *denominator) return false;
  parameters.k_numerator = *numerator;
  parameters.k_denominator = *denominator;
  return true;
}
std::string TextOfK(const RuleParameters& parameters) {
  return std::to_string(parameters.k_numerator) + "/" + std::to_string(parameters.k_denominator);
}

bool SetBalanceAccount(RuleParameters& parameters, std::string_view value) {
  const std::optional<std::uint64_t> number = Number<std::uint64_t>(value);
  if (number) parameters.balance_account = AccountId{*number};
  return number.has_value();
}
std::string TextOfBalanceAccount(const RuleParameters& parameters) {
  return std::to_string(static_cast<std::uint64_t>(parameters.balance_account));
}

bool SetDeficitCap(RuleParameters& parameters, std::string_view value) {
  const std::optional<std::int64_t> number = Number<std::int64_t>(value);
  if (!number || *number < 0) return false;
  parameters.deficit_cap_units = *number;
  return true;
}
std::string TextOfDeficitCap(const RuleParameters& parameters) {
  return std::to_string(parameters.deficit_cap_units);
}

constexpr bool IsWithin(std::int64_t number, std::int64_t low, std::int64_t high) {
  return number >= low && number <= high;
}

// The words of a parameter, in the order of its enum from 0.
using Words = std::initializer_list<std::string_view>;

template <typename Enum>
bool SetWord(Words words, std::string_view value, Enum& field) {
  const auto* const word = std::find(words.begin(), words.end(), value);
  if (word == words.end()) return false;
  field = static_cast<Enum>(word - words.begin());
  return true;
}
// Empty where the field is none of them.
template <typename Enum>
std::string TextOfWord(Words words, Enum field) {
  const auto at = static_cast<std::size_t>(field);
  return at < words.size() ? std::string(words.begin()[at]) : std::string();
}

// A row of the table below for such a parameter.
#define PEERWATT_WORDS(field, ...)                 \
  [](RuleParameters& p, std::string_view value) {  \
    return SetWord({__VA_ARGS__}, value, p.field); \
  },                                               \
      [](const RuleParameters& p) { return TextOfWord({__VA_ARGS__}, p.field); }
#define PEERWATT_NUMBER(field, low, high)                       \
  [](RuleParameters& p, std::string_view value) {               \
    const std::optional<std::uint32_t> number = Number(value);  \
    if (!number || !IsWithin(*number, low, high)) return false; \
    p.field = *number;                                          \
    return true;                                                \
  },                                                            \
      [](const RuleParameters& p) { return std::to_string(p.field); }

constexpr bool OfAll(Rule /*rule*/) { return true; }
constexpr bool OfUniform(Rule rule) { return rule == Rule::kUniform; }
constexpr bool InLots(Rule rule) {
  return rule == Rule::kMcAfee || rule == Rule::kTradeReduction || rule == Rule::kSbba;
}
constexpr bool OfPayAsBid(Rule rule) { return rule == Rule::kPayAsBid; }
constexpr bool OfMuda(Rule rule) { return rule == Rule::kMuda; }
constexpr bool OfVcg(Rule rule) { return rule == Rule::kVcg; }
constexpr bool OneToMany(Rule rule) { return rule == Rule::kReverse || rule == Rule::kForward; }
constexpr bool OfStackelberg(Rule rule) { return rule == Rule::kStackelberg; }

constexpr RuleParameter kParameters[] = {
    {"self_trade", "refuse or cancel_older", "of two crossing orders of a party", OfAll,
     PEERWATT_WORDS(self_trade, "refuse", "cancel_older")},
    {"margin", "pro_rata or time", "who gets the marginal energy", OfUniform,
     PEERWATT_WORDS(margin, "pro_rata", "time")},
    {"price", "k, last_bid or last_ask", "between the margins, or the last that trades", OfUniform,
     PEERWATT_WORDS(price, "k", "last_bid", "last_ask")},
    {"k", "n/d from 0/1 to 1/1", "with price k: low + floor(k * (high - low))", OfUniform, SetK,
     TextOfK},
    {"lot_wh", "1 to 4000000000; must be given", "energy of every order", InLots,
     PEERWATT_NUMBER(lot_wh, 1, kOrderEnergyMaxWh)},
    {"pricing", "midpoint or buyer", "a pair's price: between its limits, or the bid", OfPayAsBid,
     PEERWATT_WORDS(pricing, "midpoint", "buyer")},
    {"long_side", "lottery or vickrey", "who of the longer side of a half trades", OfMuda,
     PEERWATT_WORDS(long_side, "lottery", "vickrey")},
    {"balance_account", "an account's number",
     "named as bearing the deficit; nothing is posted to it", OfVcg, SetBalanceAccount,
     TextOfBalanceAccount},
    {"deficit_cap_units", "0 to 2^63 - 1", "most deficit of a round", OfVcg, SetDeficitCap,
     TextOfDeficitCap},
    {"payment", "pay_as_bid, uniform or vickrey", "what the many pay or get", OneToMany,
     PEERWATT_WORDS(payment, "pay_as_bid", "uniform", "vickrey")},
    {"ties", "lower or higher", "of prices that are equally good", OfStackelberg,
     PEERWATT_WORDS(ties, "lower", "higher")},
    {"lone_trader", "keep or drop", "where the first of a side is the marginal one", OfStackelberg,
     PEERWATT_WORDS(lone_trader, "keep", "drop")},
    {"step_ticks", "1 to 65536", "between two prices that are looked at", OfStackelberg,
     PEERWATT_NUMBER(step_ticks, 1, kBandLevelsMax)},
    {"min_order_wh", "0 to 4000000000", "least energy of an order", OfStackelberg,
     PEERWATT_NUMBER(min_order_wh, 0, kOrderEnergyMaxWh)},
    {"admission", "closed or strict",
     "limits from feed_in_ticks to retail_ticks, or between them; all where these are equal",
     OfStackelberg, PEERWATT_WORDS(admission, "closed", "strict")},
    {"schedule", "none, descending or bisecting", "how a game with live buyers goes through prices",
     OfStackelberg, PEERWATT_WORDS(schedule, "none", "descending", "bisecting")},
    {"announce_from", "range or band", "where it begins: the first price that counts, or retail",
     OfStackelberg, PEERWATT_WORDS(announce_from, "range", "band")},
    {"answer_ms", "1 to 600000", "how long a price waits for answers", OfStackelberg,
     PEERWATT_NUMBER(answer_ms, 1, 600'000)},
    {"game_budget_ms", "1 to 3600000", "the longest game; fits between gate and delivery",
     OfStackelberg, PEERWATT_NUMBER(game_budget_ms, 1, 3'600'000)},
    {"objective", "asws or welfare",
     "what the price is the best for; welfare needs step_ticks 1 and lone_trader keep",
     OfStackelberg, PEERWATT_WORDS(objective, "asws", "welfare")},
};

#undef PEERWATT_WORDS
#undef PEERWATT_NUMBER

}  // namespace

std::span<const RuleParameter> AllRuleParameters() { return kParameters; }

const RuleParameter* FindRuleParameter(std::string_view name) {
  for (const RuleParameter& parameter : kParameters) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

const RuleParameter* FindImpossible(const RuleParameters& parameters) {
  RuleParameters rebuilt;
  for (const RuleParameter& parameter : kParameters) {
    if (!parameter.belongs_to(parameters.rule)) continue;
    if (!parameter.set(rebuilt, parameter.text(parameters))) return &parameter;
  }
  return nullptr;
}

// Built anew from the texts of the rule's own parameters it must be the same: no value that has no
// text, and nothing in what the rule does not have.
bool IsPossible(const RuleParameters& parameters) {
  if (FindRule(parameters.rule, parameters.rule_version) == nullptr) return false;
  if (FindImpossible(parameters) != nullptr) return false;
  RuleParameters rebuilt;
  rebuilt.rule = parameters.rule;
  rebuilt.rule_version = parameters.rule_version;
  for (const RuleParameter& parameter : kParameters) {
    if (parameter.belongs_to(parameters.rule)) {
      parameter.set(rebuilt, parameter.text(parameters));
    }
  }
  const bool drops_nobody = parameters.objective == Objective::kWelfare;
  if (drops_nobody && (parameters.step_ticks != 1 || parameters.lone_trader != LoneTrader::kKeep)) {
    return false;
  }
  return rebuilt == parameters;
}

}  // namespace engine
