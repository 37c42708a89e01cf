#include <iostream>
#include <memory>

#include "engine/core/limits.h"
#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/settle.h"

namespace tools {
namespace {

struct SettleOptions {
  std::string rule;
  std::vector<std::string> parameters;
  std::int64_t import_ticks = 0;
  std::int64_t export_ticks = 0;
  std::string format = "json";
  std::string readings;
};

absl::Status Settle(const SettleOptions& options) {
  absl::StatusOr<SettleSetup> setup = ParseSettle(options.rule, options.parameters);
  if (!setup.ok()) return setup.status();
  setup->tariffs = {.import_price = engine::PriceTicks(options.import_ticks),
                    .export_price = engine::PriceTicks(options.export_ticks)};
  const absl::StatusOr<ReadingsFile> file = ReadReadingsFile(options.readings);
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::vector<SettledPeriod>> periods = SettleReadings(*file, *setup);
  if (!periods.ok()) return periods.status();
  if (options.format == "csv") {
    PrintSettlementCsv(*file, *periods, std::cout);
  } else {
    PrintSettlementJson(*file, *setup, *periods, std::cout);
  }
  return absl::OkStatus();
}

constexpr char kFooter[] =
    "mid_market_rate and supply_demand_ratio settle each slot by itself, bill_sharing the whole\n"
    "file as one billing period. Trades are net: what a home uses of its own PV costs nothing.\n"
    "A home without a row in a slot takes no part in it; a period's `accounts` says how many did.\n"
    "Amounts are whole ledger units, above zero where the account pays. They add up to\n"
    "grid_units, what the community owes the grid, plus operator_units, what the operator keeps\n"
    "(only form=printed leaves it any). Odd units go to the largest remainders, ties to the\n"
    "account that comes first in the file. Prices are exact fractions of a tick.\n"
    "\n"
    "  account,start_utc,load_wh,pv_wh\n"
    "  home-1,2024-06-01T12:00:00Z,400,1900\n"
    "  home-2,2024-06-01T12:00:00Z,1200,0\n"
    "\n"
    "  peerwatt settle --rule mid_market_rate --import-ticks 300 --export-ticks 80 readings.csv";

}  // namespace

void AddSettleCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "settle", "Share out what a community owes the grid, from a CSV of meter readings");
  const auto options = std::make_shared<SettleOptions>();
  const CLI::Range ticks(-engine::kPriceTicksMax, engine::kPriceTicksMax);
  command->add_option("--rule", options->rule, SettlementRuleNames())->required();
  command->add_option("--param", options->parameters, SettlementParametersHelp())
      ->expected(1)
      ->take_all();
  command
      ->add_option("--import-ticks", options->import_ticks,
                   "What the grid takes, in ledger units per Wh")
      ->required()
      ->check(ticks);
  command
      ->add_option("--export-ticks", options->export_ticks,
                   "What the grid pays, in ledger units per Wh")
      ->required()
      ->check(ticks);
  command->add_option("--format", options->format, "json, or csv (the postings and their totals)")
      ->check(CLI::IsMember({"json", "csv"}))
      ->capture_default_str();
  command
      ->add_option("READINGS", options->readings,
                   "CSV: account,start_utc,load_wh,pv_wh; a row an account and slot")
      ->required();
  command->footer(kFooter);
  command->callback([options, &action] { action = [options] { return Settle(*options); }; });
}

}  // namespace tools
