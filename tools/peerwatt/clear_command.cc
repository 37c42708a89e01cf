#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "gateway/absl_view.h"
#include "tools/peerwatt/clear.h"
#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/rule_option.h"

namespace tools {
namespace {

struct ClearOptions {
  std::string rule;
  std::vector<std::string> parameters;
  std::string orders;
  std::string secret;
  std::string format = "json";
  ClearSetup setup;
};

// What --param takes, rule by rule.
std::string ParametersHelp() {
  std::string help;
  for (const engine::RuleEntry& rule : engine::Rules()) {
    absl::StrAppend(&help, help.empty() ? "" : "; ", gateway::Absl(rule.name), ":");
    for (const engine::RuleParameter& parameter : engine::AllRuleParameters()) {
      if (!parameter.belongs_to(rule.rule)) continue;
      absl::StrAppend(&help, " ", gateway::Absl(parameter.name), "=",
                      gateway::Absl(parameter.allowed));
    }
  }
  return help;
}

absl::Status Clear(ClearOptions& options) {
  const absl::StatusOr<engine::RuleParameters> rule = ParseRule(options.rule, options.parameters);
  if (!rule.ok()) return rule.status();
  const ClearSetup& setup = options.setup;
  if (setup.feed_in_ticks > setup.retail_ticks) {
    return absl::InvalidArgumentError(absl::StrCat("--feed-in-ticks ", setup.feed_in_ticks,
                                                   ": allowed is at most --retail-ticks, here ",
                                                   setup.retail_ticks));
  }
  const absl::StatusOr<OrdersFile> file = ReadOrdersFile(options.orders);
  if (!file.ok()) return file.status();
  options.setup.rule = *rule;
  if (!options.secret.empty()) {
    const absl::StatusOr<engine::LotteryBytes> secret = ParseSecret(*rule, options.secret);
    if (!secret.ok()) return secret.status();
    options.setup.secret = *secret;
  }
  const absl::StatusOr<ClearedRound> round = ClearOrders(*file, options.setup);
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
  command->add_option("--rule", options->rule, engine::RuleNames())->required();
  command->add_option("--param", options->parameters, ParametersHelp())
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--feed-in-ticks", options->setup.feed_in_ticks, "What the grid pays");
  command->add_option("--retail-ticks", options->setup.retail_ticks, "What the grid takes");
  command->add_option("--secret", options->secret,
                      "Of the lottery of sbba and muda: 64 hex digits, as a daemon tells it when "
                      "it has cleared; default 00...01");
  command->add_option("--format", options->format, "json or csv (the fills alone)")
      ->check(CLI::IsMember({"json", "csv"}))
      ->capture_default_str();
  command
      ->add_option("ORDERS", options->orders,
                   "CSV: order_id,account,side,price_ticks,energy_wh and, where wanted, "
                   "party,response,response_param; side buy|sell; first come, first in time; "
                   "each order_id once; of a party at most 4,096 are taken")
      ->required();
  command->callback([options, &action] { action = [options] { return Clear(*options); }; });
}

}  // namespace tools
