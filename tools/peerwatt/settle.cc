#include "tools/peerwatt/settle.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "engine/settlement/bill_sharing.h"
#include "engine/settlement/supply_demand_ratio.h"
#include "gateway/absl_view.h"
#include "nlohmann/json.hpp"

namespace tools {
namespace {

using engine::LedgerUnits;
using engine::Posting;
using engine::Settlement;
using engine::SlotReadings;
using Slots = std::span<const SlotReadings>;

// A parameter with two values; the first is the default.
struct Parameter {
  std::string_view name;
  std::array<std::string_view, 2> words;
  void (*set)(SettleSetup& setup, bool second) = nullptr;
};

struct SettlementRule {
  std::string_view name;
  Settlement (*settle)(Slots slots, const SettleSetup& setup) = nullptr;
  Parameter parameter;  // No name: it has none.
};

constexpr SettlementRule kRules[] = {
    {.name = "mid_market_rate",
     .settle =
         [](Slots slots, const SettleSetup& setup) {
           return MidMarketRate(slots.front(), setup.tariffs, setup.form);
         },
     .parameter = {.name = "form",
                   .words = {"net", "printed"},
                   .set =
                       [](SettleSetup& setup, bool second) {
                         setup.form =
                             second ? engine::MidMarketForm::kPrinted : engine::MidMarketForm::kNet;
                       }}},
    {.name = "supply_demand_ratio",
     .settle =
         [](Slots slots, const SettleSetup& setup) {
           return SupplyDemandRatio(slots.front(), setup.tariffs);
         },
     .parameter = {}},
    {.name = "bill_sharing",
     .settle = [](Slots slots,
                  const SettleSetup& setup) { return BillSharing(slots, setup.tariffs); },
     .parameter = {.name = "period",
                   .words = {"file", "slot"},
                   .set = [](SettleSetup& setup, bool second) { setup.slot_by_slot = second; }}},
};

const SettlementRule* FindSettlementRule(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(kRules, [&](const SettlementRule& rule) { return rule.name == name; });
  return found == std::end(kRules) ? nullptr : found;
}

std::string AllowedOf(const Parameter& parameter) {
  if (parameter.name.empty()) return "no parameters";
  return absl::StrCat(gateway::Absl(parameter.name), "=", gateway::Absl(parameter.words[0]), " or ",
                      gateway::Absl(parameter.words[1]));
}

absl::Status SetParameter(const SettlementRule& rule, std::string_view text, SettleSetup& setup) {
  const std::size_t equals = text.find('=');
  const std::string_view value = equals == text.npos ? "" : text.substr(equals + 1);
  const Parameter& parameter = rule.parameter;
  const auto* const word = std::ranges::find(parameter.words, value);
  if (parameter.name.empty() || text.substr(0, equals) != parameter.name ||
      word == parameter.words.end()) {
    return absl::InvalidArgumentError(absl::StrCat("parameter ", gateway::Absl(text), ": ",
                                                   gateway::Absl(rule.name), " has ",
                                                   AllowedOf(parameter)));
  }
  parameter.set(setup, word != parameter.words.begin());
  return absl::OkStatus();
}

// In ticks, such as 1500 or 35000/3.
nlohmann::json PriceText(const engine::ExactPrice& price) {
  if (price.divisor == 0) return nullptr;
  const auto digits = [](engine::Wide number) {
    std::string text;
    for (; number != 0; number /= 10) text.push_back(static_cast<char>('0' + number % 10));
    std::reverse(text.begin(), text.end());
    return text.empty() ? std::string("0") : text;
  };
  std::string text = price.negative ? "-" : "";
  text += digits(price.ticks);
  if (price.divisor != 1) {
    text += '/';
    text += digits(price.divisor);
  }
  return text;
}

void AddPosting(const Posting& posting, Posting& sum) {
  sum.amount += posting.amount;
  sum.bought += posting.bought;
  sum.sold += posting.sold;
  sum.from_grid += posting.from_grid;
  sum.to_grid += posting.to_grid;
}

struct Totals {
  std::vector<Posting> accounts;  // As in ReadingsFile.
  Posting all;
  LedgerUnits grid_cost;
  LedgerUnits operator_gain;
};
Totals TotalsOf(const ReadingsFile& file, const std::vector<SettledPeriod>& periods) {
  Totals totals;
  totals.accounts.resize(file.accounts.size());
  for (std::size_t i = 0; i < totals.accounts.size(); ++i) {
    totals.accounts[i].account = engine::AccountId{i + 1};
  }
  for (const SettledPeriod& period : periods) {
    totals.grid_cost += period.settlement.grid_cost;
    totals.operator_gain += period.settlement.operator_gain;
    for (const Posting& posting : period.settlement.postings) {
      AddPosting(posting, totals.accounts[static_cast<std::size_t>(posting.account) - 1]);
      AddPosting(posting, totals.all);
    }
  }
  return totals;
}

const std::string& NameOf(const ReadingsFile& file, const Posting& posting) {
  return file.accounts[static_cast<std::size_t>(posting.account) - 1];
}

using Json = nlohmann::ordered_json;

Json EnergyJson(const Posting& posting) {
  return {{"amount_units", posting.amount.value()},
          {"bought_wh", posting.bought.value()},
          {"sold_wh", posting.sold.value()},
          {"from_grid_wh", posting.from_grid.value()},
          {"to_grid_wh", posting.to_grid.value()}};
}
Json PostingsJson(const ReadingsFile& file, const std::vector<Posting>& postings) {
  Json rows = Json::array();
  for (const Posting& posting : postings) {
    Json row = {{"account", NameOf(file, posting)}};
    row.update(EnergyJson(posting));
    rows.push_back(std::move(row));
  }
  return rows;
}
Json PeriodJson(const ReadingsFile& file, const SettledPeriod& period) {
  const Settlement& settlement = period.settlement;
  return {{"start_utc", UtcText(period.first_start_s)},
          {"last_start_utc", UtcText(period.last_start_s)},
          {"slots", period.slots},
          {"accounts", settlement.postings.size()},
          {"buy_price_ticks", PriceText(settlement.buy)},
          {"sell_price_ticks", PriceText(settlement.sell)},
          {"grid_units", settlement.grid_cost.value()},
          {"operator_units", settlement.operator_gain.value()},
          {"postings", PostingsJson(file, settlement.postings)}};
}

void PrintRow(std::string_view start, std::string_view account, const Posting& posting,
              std::ostream& out) {
  out << start << "," << account << "," << posting.amount.value() << "," << posting.bought.value()
      << "," << posting.sold.value() << "," << posting.from_grid.value() << ","
      << posting.to_grid.value() << "\n";
}

}  // namespace

std::string SettlementRuleNames() {
  std::string names;
  for (const SettlementRule& rule : kRules) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", gateway::Absl(rule.name));
  }
  return names;
}

std::string SettlementParametersHelp() {
  std::string help;
  for (const SettlementRule& rule : kRules) {
    if (rule.parameter.name.empty()) continue;
    absl::StrAppend(&help, help.empty() ? "" : "; ", gateway::Absl(rule.name), ": ",
                    AllowedOf(rule.parameter));
  }
  return help;
}

absl::StatusOr<SettleSetup> ParseSettle(std::string_view rule,
                                        std::span<const std::string> parameters) {
  const SettlementRule* entry = FindSettlementRule(rule);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("rule ", gateway::Absl(rule), ": known are ", SettlementRuleNames()));
  }
  SettleSetup setup;
  setup.rule = entry->name;
  if (entry->parameter.name == "period") entry->parameter.set(setup, false);
  for (const std::string& parameter : parameters) {
    if (absl::Status status = SetParameter(*entry, parameter, setup); !status.ok()) return status;
  }
  return setup;
}

absl::StatusOr<std::vector<SettledPeriod>> SettleReadings(const ReadingsFile& file,
                                                          const SettleSetup& setup) {
  std::vector<SlotReadings> slots;
  std::vector<SettledPeriod> periods;
  for (const auto& [start, readings] : file.slots) {
    slots.emplace_back(readings);
    if (periods.empty() || setup.slot_by_slot) periods.push_back({.first_start_s = start});
    periods.back().last_start_s = start;
    ++periods.back().slots;
  }
  const SettlementRule* rule = FindSettlementRule(setup.rule);
  // The tariffs are looked at in a file without rows too, and what holds for all slots together
  // holds for the sums of their periods.
  const SlotReadings nobody;
  engine::SettlementFault fault = rule->settle({&nobody, 1}, setup).fault;
  if (fault == engine::SettlementFault::kNone) fault = BillSharing(slots, setup.tariffs).fault;
  Slots left = slots;
  for (SettledPeriod& period : periods) {
    if (fault != engine::SettlementFault::kNone) break;
    period.settlement = rule->settle(left.first(period.slots), setup);
    left = left.subspan(period.slots);
    fault = period.settlement.fault;
  }
  if (fault == engine::SettlementFault::kNone) return periods;
  return absl::InvalidArgumentError(
      absl::StrCat(gateway::Absl(setup.rule), ": ", gateway::Absl(FaultText(fault))));
}

void PrintSettlementJson(const ReadingsFile& file, const SettleSetup& setup,
                         const std::vector<SettledPeriod>& periods, std::ostream& out) {
  const Totals totals = TotalsOf(file, periods);
  Json json = {{"rule", setup.rule},
               {"import_ticks", setup.tariffs.import_price.value()},
               {"export_ticks", setup.tariffs.export_price.value()},
               {"periods", Json::array()},
               {"totals", EnergyJson(totals.all)}};
  for (const SettledPeriod& period : periods) json["periods"].push_back(PeriodJson(file, period));
  json["totals"]["grid_units"] = totals.grid_cost.value();
  json["totals"]["operator_units"] = totals.operator_gain.value();
  json["totals"]["postings"] = PostingsJson(file, totals.accounts);
  out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
}

void PrintSettlementCsv(const ReadingsFile& file, const std::vector<SettledPeriod>& periods,
                        std::ostream& out) {
  out << "start_utc,account,amount_units,bought_wh,sold_wh,from_grid_wh,to_grid_wh\n";
  for (const SettledPeriod& period : periods) {
    const std::string start = UtcText(period.first_start_s);
    for (const Posting& posting : period.settlement.postings) {
      PrintRow(start, NameOf(file, posting), posting, out);
    }
  }
  const Totals totals = TotalsOf(file, periods);
  for (const Posting& posting : totals.accounts) {
    PrintRow("total", NameOf(file, posting), posting, out);
  }
  PrintRow("total", "", totals.all, out);
}

}  // namespace tools
