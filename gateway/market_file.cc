#include "gateway/market_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "gateway/absl_view.h"
#include "gateway/market_numbers.h"
#include "gateway/toml_file.h"

namespace gateway {
namespace {

using engine::MarketDefinition;

constexpr std::string_view kDefaultTimeZone = "UTC";

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

absl::Status TakeSlotMinutes(const TomlEntry& entry, const std::string& file, MarketDefinition& m) {
  constexpr std::int64_t kSlots[] = {5, 15, 30, 60};
  const auto* minutes = std::get_if<std::int64_t>(&entry.value);
  if (minutes == nullptr ||
      std::find(std::begin(kSlots), std::end(kSlots), *minutes) == std::end(kSlots)) {
    return ErrorAt(
        file, entry.line,
        absl::StrCat("slot_minutes", minutes != nullptr ? absl::StrCat(" = ", *minutes) : "",
                     ": allowed is 5, 15, 30 or 60"));
  }
  m.slot_minutes = static_cast<std::uint32_t>(*minutes);
  return absl::OkStatus();
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
  if (entry.key == "slot_minutes") return TakeSlotMinutes(entry, file, m);
  const engine::RuleParameter* const parameter = engine::FindRuleParameter(entry.key);
  if (parameter != nullptr) return TakeParameter(entry, *parameter, file, m);
  if (entry.key == "carry_over") {
    const auto* flag = std::get_if<bool>(&entry.value);
    if (flag == nullptr) return ErrorAt(file, entry.line, "carry_over: allowed is true or false");
    m.carry_over = *flag ? 1 : 0;
    return absl::OkStatus();
  }
  const MarketNumber* const key = FindMarketNumber(entry.key);
  if (key == nullptr) {
    std::string known;
    for (const MarketNumber& number : MarketNumbers()) {
      absl::StrAppend(&known, " ", Absl(number.key));
    }
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
  kDefaultTimeZone.copy(market.time_zone.data(), kDefaultTimeZone.size());
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
  if (const auto* missing = engine::FindImpossible(market.rule); missing != nullptr) {
    return ErrorAt(file, table.line,
                   absl::StrCat("rule ", Absl(engine::RuleOf(market).name), ": ",
                                Absl(missing->name), ": allowed is ", Absl(missing->allowed)));
  }
  if (market.id == engine::MarketId{}) return ErrorAt(file, table.line, "a market without an id");
  if (absl::Status status = CheckMarketNumbers(market, table, file); !status.ok()) return status;
  if (engine::IsPossible(market)) return market;
  // A rule of the engine's that no key above tells.
  return ErrorAt(file, table.line,
                 absl::StrCat("market ", static_cast<std::uint32_t>(market.id), " cannot be"));
}

// The names of the rules that have the parameter, each with a space before.
std::string RulesWith(const engine::RuleParameter& parameter) {
  std::string names;
  for (const engine::RuleEntry& entry : engine::Rules()) {
    if (parameter.belongs_to(entry.rule)) absl::StrAppend(&names, " ", Absl(entry.name));
  }
  return names;
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
  for (const MarketNumber& key : MarketNumbers()) {
    absl::StrAppend(&text, "# ", Absl(key.meaning), "; ", key.range.low, " to ", key.range.high,
                    "\n", Absl(key.key), " = ", key.get(market), "\n");
  }
  absl::StrAppend(&text, "# the round rule: ", engine::RuleNames(), "\nrule = \"",
                  Absl(engine::RuleOf(market).name), "\"\n");
  for (const engine::RuleParameter& parameter : engine::AllRuleParameters()) {
    const bool ours = parameter.belongs_to(market.rule.rule);
    absl::StrAppend(&text, "# ", Absl(parameter.meaning), "; ", Absl(parameter.allowed), "\n");
    if (!ours) absl::StrAppend(&text, "# Only with rule =", RulesWith(parameter), ":\n# ");
    absl::StrAppend(&text, Absl(parameter.name), " = \"", parameter.text(market.rule), "\"\n");
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
  for (const MarketNumber& key : MarketNumbers()) {
    absl::StrAppend(&text, Absl(key.key), " = ", key.get(market), "\n");
  }
  quoted("rule", engine::RuleOf(market).name);
  for (const engine::RuleParameter& parameter : engine::AllRuleParameters()) {
    if (parameter.belongs_to(market.rule.rule)) quoted(parameter.name, parameter.text(market.rule));
  }
  return text + "\n";
}

}  // namespace gateway
