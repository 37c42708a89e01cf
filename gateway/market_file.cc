#include "gateway/market_file.h"

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "engine/core/limits.h"
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
    {"k_numerator",
     PEERWATT_MARKET_FIELD(rule.k_numerator),
     {0, kU32},
     "price = low + floor(k * (high - low)), k = k_numerator / k_denominator, 0 to 1"},
    {"k_denominator", PEERWATT_MARKET_FIELD(rule.k_denominator), {1, kU32}, "see k_numerator"},
};

#undef PEERWATT_MARKET_FIELD

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

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

template <typename Enum>
absl::Status TakeWord(const TomlEntry& entry, const std::vector<std::string_view>& words,
                      const std::string& file, Enum& field) {
  const auto word = WordOf(entry, words, file);
  if (word.ok()) field = static_cast<Enum>(*word);
  return word.status();
}

absl::Status TakeEntry(const TomlEntry& entry, const std::string& file, MarketDefinition& m) {
  if (entry.key == "name") return TakeText(entry, file, m.name);
  if (entry.key == "currency") return TakeCurrency(entry, file, m);
  if (entry.key == "time_zone") return TakeTimeZone(entry, file, m);
  if (entry.key == "rule") return WordOf(entry, {"uniform_price"}, file).status();
  if (entry.key == "margin") {
    return TakeWord(entry, {"pro_rata", "time"}, file, m.rule.margin);
  }
  if (entry.key == "self_trade") {
    return TakeWord(entry, {"refuse", "cancel_older"}, file, m.rule.self_trade);
  }
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
    return ErrorAt(file, entry.line,
                   absl::StrCat("unknown key ", entry.key,
                                "; a [[market]] has: name currency "
                                "time_zone rule margin self_trade carry_over",
                                known));
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
          "feed_in_ticks at most retail_ticks; k at most 1; prices within a billion ticks"));
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
  const MarketDefinition market;
  std::string text =
      "# Markets for `peerwattd init` and `peerwattd configure`. One [[market]] each; every key "
      "but\n"
      "# id may be left out. What is changed holds for products that open later.\n"
      "[[market]]\n"
      "name = \"\"               # for people, at most 31 bytes\n"
      "currency = \"EUR\"        # ISO 4217\n"
      "time_zone = \"UTC\"       # IANA name; for tools and statements only\n"
      "rule = \"uniform_price\"\n"
      "margin = \"pro_rata\"     # who gets the marginal energy: \"pro_rata\" or \"time\"\n"
      "self_trade = \"refuse\"   # or \"cancel_older\"\n"
      "carry_over = false      # unfilled orders stay for the product's next round\n";
  for (const NumberKey& key : kNumbers) {
    const std::int64_t value = key.key == "id" ? 1 : key.get(market);
    absl::StrAppend(&text, "# ", Absl(key.meaning), "; ", key.range.low, " to ", key.range.high,
                    "\n", Absl(key.key), " = ", value, "\n");
  }
  return text;
}

}  // namespace gateway
