#include "gateway/market_file.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/limits.h"
#include "gateway/absl_view.h"
#include "gateway/toml_file.h"

namespace gateway {
namespace {

using engine::MarketDefinition;

struct NumberKey {
  std::string_view key;
  std::int64_t (*get)(const MarketDefinition&);
  void (*set)(MarketDefinition&, std::int64_t);
  IntegerRange range;
  std::string_view meaning;
};

// A row of the table below, for a field of any width.
#define PEERWATT_MARKET_FIELD(field)                                              \
  [](const MarketDefinition& m) { return static_cast<std::int64_t>(m.field); },   \
      [](MarketDefinition& m, std::int64_t value) {                               \
        m.field = static_cast<std::remove_reference_t<decltype(m.field)>>(value); \
      }

constexpr std::int64_t kU32 = UINT32_MAX;
constexpr std::int64_t kWeekS = 604'800;
constexpr std::int64_t kPrice = engine::kPriceTicksMax;

constexpr NumberKey kNumbers[] = {
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
     "what the grid takes for a watt-hour; for statements"},
    {"feed_in_ticks",
     PEERWATT_MARKET_FIELD(feed_in_ticks),
     {-kPrice, kPrice},
     "what it pays for one; at most retail_ticks"},
    {"rule_version", PEERWATT_MARKET_FIELD(rule.rule_version), {1, 1}, "of the round rule"},
};

#undef PEERWATT_MARKET_FIELD

// A text that fits into a zero-padded array with at least one zero behind it.
template <std::size_t N>
absl::Status TakeText(const TomlEntry& entry, const std::string& file, std::array<char, N>& field) {
  const auto* text = std::get_if<std::string>(&entry.value);
  if (text == nullptr || text->size() >= N || text->find('\0') != std::string::npos) {
    return ErrorAt(file, entry.line,
                   absl::StrCat(entry.key, ": allowed is a text of at most ", N - 1, " bytes"));
  }
  field = {};
  std::copy(text->begin(), text->end(), field.begin());
  return absl::OkStatus();
}

absl::Status TakeCurrency(const TomlEntry& entry, const std::string& file, MarketDefinition& m) {
  const auto* text = std::get_if<std::string>(&entry.value);
  const bool letters = text != nullptr && text->size() == 3 &&
                       std::all_of(text->begin(), text->end(),
                                   [](char letter) { return letter >= 'A' && letter <= 'Z'; });
  if (!letters) {
    return ErrorAt(file, entry.line, "currency: allowed are three capital letters of ISO 4217");
  }
  std::copy(text->begin(), text->end(), m.currency.begin());
  return absl::OkStatus();
}

absl::Status TakeTimeZone(const TomlEntry& entry, const std::string& file, MarketDefinition& m) {
  absl::Status status = TakeText(entry, file, m.time_zone);
  absl::TimeZone zone;
  if (status.ok() && !absl::LoadTimeZone(std::get<std::string>(entry.value), &zone)) {
    return ErrorAt(file, entry.line,
                   "time_zone: allowed is an IANA name such as \"Europe/Berlin\"");
  }
  return status;
}

absl::Status TakeRule(const TomlEntry& entry, const std::string& file, MarketDefinition& m) {
  const auto* name = std::get_if<std::string>(&entry.value);
  const engine::RuleEntry* rule = name == nullptr ? nullptr : engine::FindRule(*name);
  if (rule == nullptr) {
    return ErrorAt(file, entry.line, absl::StrCat("rule: allowed are ", engine::RuleNames()));
  }
  m.rule.rule = rule->rule;
  return absl::OkStatus();
}

absl::Status TakeParameter(const TomlEntry& entry, const engine::RuleParameter& parameter,
                           const std::string& file, MarketDefinition& m) {
  std::string value;
  if (const auto* text = std::get_if<std::string>(&entry.value); text != nullptr) value = *text;
  if (const auto* number = std::get_if<std::int64_t>(&entry.value); number != nullptr) {
    value = absl::StrCat(*number);
  }
  if (parameter.set(m.rule, value)) return absl::OkStatus();
  return ErrorAt(file, entry.line,
                 absl::StrCat(entry.key, ": allowed is ", Absl(parameter.allowed)));
}

absl::Status TakeEntry(const TomlEntry& entry, const std::string& file, MarketDefinition& m) {
  if (entry.key == "name") return TakeText(entry, file, m.name);
  if (entry.key == "currency") return TakeCurrency(entry, file, m);
  if (entry.key == "time_zone") return TakeTimeZone(entry, file, m);
  if (entry.key == "rule") return TakeRule(entry, file, m);
  const engine::RuleParameter* const parameter = engine::FindRuleParameter(entry.key);
  if (parameter != nullptr) return TakeParameter(entry, *parameter, file, m);
  if (entry.key == "carry_over") {
    const auto* flag = std::get_if<bool>(&entry.value);
    if (flag == nullptr) return ErrorAt(file, entry.line, "carry_over: allowed is true or false");
    m.carry_over = *flag ? 1 : 0;
    return absl::OkStatus();
  }
  const auto* const key =
      std::find_if(std::begin(kNumbers), std::end(kNumbers),
                   [&](const NumberKey& candidate) { return candidate.key == entry.key; });
  if (key == std::end(kNumbers)) {
    std::string known;
    for (const NumberKey& number : kNumbers) absl::StrAppend(&known, " ", Absl(number.key));
    for (const engine::RuleParameter& each : engine::AllRuleParameters()) {
      absl::StrAppend(&known, " ", Absl(each.name));
    }
    return ErrorAt(
        file, entry.line,
        absl::StrCat("unknown key ", entry.key,
                     "; a [[market]] has: name currency time_zone rule carry_over", known));
  }
  const auto number = IntegerIn(entry, key->range, file);
  if (number.ok()) key->set(m, *number);
  return number.status();
}

absl::StatusOr<MarketDefinition> TakeMarket(const TomlTable& table, const std::string& file) {
  MarketDefinition market;
  for (const TomlEntry& entry : table.entries) {
    if (absl::Status status = TakeEntry(entry, file, market); !status.ok()) return status;
  }
  for (const TomlEntry& entry : table.entries) {
    const engine::RuleParameter* const parameter = engine::FindRuleParameter(entry.key);
    if (parameter == nullptr || parameter->belongs_to(market.rule.rule)) continue;
    return ErrorAt(file, entry.line,
                   absl::StrCat(entry.key, ": not a parameter of the rule ",
                                Absl(engine::RuleOf(market).name)));
  }
  if (market.id == engine::MarketId{}) return ErrorAt(file, table.line, "a market without an id");
  if (engine::IsPossible(market)) return market;
  return ErrorAt(
      file, table.line,
      absl::StrCat(
          "market ", static_cast<std::uint32_t>(market.id),
          " cannot be: allowed are slots of 5, 15, 30 or 60 minutes; open_before_s beyond the "
          "first "
          "gate; min_notice_s at most gate_before_s; freeze_s shorter than what lies between two "
          "gates and than the time before the first; round_interval_s with more than one round; "
          "feed_in_ticks at most retail_ticks; prices within a billion ticks"));
}

// A TOML basic string.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) {
      absl::StrAppend(&quoted, "\\u", absl::Hex(code, absl::kZeroPad4));
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

absl::StatusOr<std::vector<MarketDefinition>> ParseMarkets(std::string_view text,
                                                           const std::string& file) {
  const auto tables = ParseToml(text, file);
  if (!tables.ok()) return tables.status();
  std::vector<MarketDefinition> markets;
  for (const TomlTable& table : *tables) {
    if (table.name != "market" || !table.in_array) {
      const std::uint32_t line = table.name.empty() ? table.entries.front().line : table.line;
      return ErrorAt(file, line, "allowed are [[market]] tables only");
    }
    const auto market = TakeMarket(table, file);
    if (!market.ok()) return market.status();
    const bool twice = std::any_of(markets.begin(), markets.end(),
                                   [&](const auto& other) { return other.id == market->id; });
    if (twice) {
      return ErrorAt(file, table.line,
                     absl::StrCat("market ", static_cast<std::uint32_t>(market->id), " twice"));
    }
    markets.push_back(*market);
  }
  if (markets.empty()) return ErrorAt(file, 1, "no [[market]]");
  return markets;
}

std::string DefaultMarketText() {
  MarketDefinition market;
  market.id = engine::MarketId{1};
  std::string text =
      "# Markets for `peerwattd init` and `peerwattd configure`. One [[market]] each; every key "
      "but\n"
      "# id may be left out. What is changed holds for products that open later.\n"
      "[[market]]\n"
      "name = \"\"               # for people, at most 31 bytes\n"
      "currency = \"EUR\"        # ISO 4217\n"
      "time_zone = \"UTC\"       # IANA name; for tools and statements only\n"
      "carry_over = false      # unfilled orders stay for the product's next round\n";
  for (const NumberKey& key : kNumbers) {
    absl::StrAppend(&text, "# ", Absl(key.meaning), "; ", key.range.low, " to ", key.range.high,
                    "\n", Absl(key.key), " = ", key.get(market), "\n");
  }
  absl::StrAppend(&text, "# the round rule: ", engine::RuleNames(), "\nrule = \"",
                  Absl(engine::RuleOf(market).name), "\"\n");
  for (const engine::RuleParameter& parameter : engine::AllRuleParameters()) {
    const bool ours = parameter.belongs_to(market.rule.rule);
    absl::StrAppend(&text, "# ", Absl(parameter.meaning), "; ", Absl(parameter.allowed), "\n",
                    ours ? "" : "# of other rules: ", Absl(parameter.name), " = \"",
                    parameter.text(market.rule), "\"\n");
  }
  return text;
}

std::string MarketText(const MarketDefinition& market) {
  std::string text = "[[market]]\n";
  const auto quoted = [&text](std::string_view key, std::string_view value) {
    absl::StrAppend(&text, Absl(key), " = ", Quoted(value), "\n");
  };
  quoted("name", {market.name.data(), strnlen(market.name.data(), market.name.size())});
  quoted("currency", {market.currency.data(), market.currency.size()});
  quoted("time_zone",
         {market.time_zone.data(), strnlen(market.time_zone.data(), market.time_zone.size())});
  absl::StrAppend(&text, "carry_over = ", market.carry_over != 0 ? "true" : "false", "\n");
  for (const NumberKey& key : kNumbers) {
    absl::StrAppend(&text, Absl(key.key), " = ", key.get(market), "\n");
  }
  quoted("rule", engine::RuleOf(market).name);
  for (const engine::RuleParameter& parameter : engine::AllRuleParameters()) {
    if (parameter.belongs_to(market.rule.rule)) quoted(parameter.name, parameter.text(market.rule));
  }
  return text + "\n";
}

}  // namespace gateway
