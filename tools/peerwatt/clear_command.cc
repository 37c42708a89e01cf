#include <iostream>
#include <memory>

#include "tools/peerwatt/clear.h"
#include "tools/peerwatt/commands.h"

namespace tools {
namespace {

struct ClearOptions {
  std::string rule;
  std::vector<std::string> parameters;
  std::string orders;
  std::string format = "json";
};

absl::Status Clear(const ClearOptions& options) {
  const absl::StatusOr<engine::RuleParameters> rule = ParseRule(options.rule, options.parameters);
  if (!rule.ok()) return rule.status();
  const absl::StatusOr<OrdersFile> file = ReadOrdersFile(options.orders);
  if (!file.ok()) return file.status();
  const absl::StatusOr<ClearedRound> round = ClearOrders(*file, *rule);
  if (!round.ok()) return round.status();
  if (options.format == "csv") {
    PrintCsv(*file, *round, std::cout);
  } else {
    PrintJson(*file, *round, std::cout);
  }
  return absl::OkStatus();
}

}  // namespace

void AddClearCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("clear", "Clear one round of a CSV of orders, offline");
  const auto options = std::make_shared<ClearOptions>();
  command->add_option("--rule", options->rule, "uniform_price")->required();
  command
      ->add_option("--param", options->parameters,
                   "k=n/d (1/2), margin=pro_rata|time (pro_rata), "
                   "self_trade=refuse|cancel_older (refuse)")
      ->expected(1)
      ->take_all();
  command->add_option("--format", options->format, "json or csv (the fills alone)")
      ->check(CLI::IsMember({"json", "csv"}))
      ->capture_default_str();
  command
      ->add_option("ORDERS", options->orders,
                   "CSV: order_id,account,side,price_ticks,energy_wh and, where wanted, "
                   "party,response,response_param; side buy|sell; first come, first in time")
      ->required();
  command->callback([options, &action] { action = [options] { return Clear(*options); }; });
}

}  // namespace tools
