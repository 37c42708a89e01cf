#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/compare.h"
#include "tools/peerwatt/compare_svg.h"

namespace tools {
namespace {

struct CompareArguments {
  std::string feed;
  std::string rules = "uniform,stackelberg,pay_as_bid,huang,vcg";
  std::string svg;
  std::string slot;
  std::uint32_t market = 1;
  std::string agents;
  std::optional<std::uint64_t> seed;
};

absl::Status TakeAgents(const CompareArguments& arguments, CompareOptions& options) {
  if (arguments.agents == "truthful") options.agents = Agents::kTruthful;
  if (arguments.agents == "zip") options.agents = Agents::kZip;
  if (!arguments.seed) return absl::OkStatus();
  if (options.agents != Agents::kZip) {
    return absl::InvalidArgumentError("--seed: only --agents zip draws");
  }
  options.seed = *arguments.seed;
  return absl::OkStatus();
}

absl::Status Compare(const CompareArguments& arguments) {
  CompareOptions options;
  if (absl::Status status = TakeAgents(arguments, options); !status.ok()) return status;
  options.rules = absl::StrSplit(arguments.rules, ',', absl::SkipEmpty());
  if (options.rules.empty()) return absl::InvalidArgumentError("--rules: expected a rule");
  if (arguments.svg.empty() != arguments.slot.empty()) {
    return absl::InvalidArgumentError("--svg and --slot go together");
  }
  if (!arguments.slot.empty()) {
    absl::Time start;
    std::string error;
    if (!absl::ParseTime("%Y-%m-%dT%H:%M:%SZ", arguments.slot, &start, &error)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--slot ", arguments.slot, ": expected such as 2026-06-15T12:00:00Z"));
    }
    options.chosen = engine::ProductId{engine::MarketId{arguments.market},
                                       static_cast<std::uint32_t>(absl::ToUnixSeconds(start) / 60)};
  }
  const absl::StatusOr<Comparison> comparison = CompareRules(arguments.feed, options);
  if (!comparison.ok()) return comparison.status();
  PrintComparison(*comparison, std::cout);
  if (arguments.svg.empty()) return absl::OkStatus();
  std::ofstream file(arguments.svg, std::ios::trunc);
  std::string title = absl::StrCat("Delivery from ", arguments.slot);
  if (options.agents != Agents::kNone) {
    absl::StrAppend(&title, ": a simulation, --agents ", arguments.agents);
  }
  if (options.agents == Agents::kZip) absl::StrAppend(&title, " --seed ", options.seed);
  DrawRound(*comparison, title, file);
  file.close();
  if (file) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(arguments.svg, ": cannot be written"));
}

}  // namespace

void AddCompareCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "compare",
      "The same recorded orders through several round rules, bids held fixed or made by agents");
  const auto arguments = std::make_shared<CompareArguments>();
  command->add_option("FEED", arguments->feed, "A feed: see `peerwatt feed`")->required();
  command
      ->add_option("--rules", arguments->rules,
                   "Separated by commas; each a rule, with its parameters behind colons, such as "
                   "uniform:k=1/3 (see `peerwatt clear --help`)")
      ->capture_default_str();
  command
      ->add_option("--agents", arguments->agents,
                   "Take the feed's limits as true values, and bid them (truthful), or what "
                   "zero-intelligence-plus agents learn to bid (zip)")
      ->check(CLI::IsMember({"truthful", "zip"}));
  command->add_option("--seed", arguments->seed, "Of what zip draws; 1 without it")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--svg", arguments->svg,
                      "Draw demand and supply of one round, and where each rule ends, into a file");
  command->add_option("--slot", arguments->slot,
                      "Start of that round's delivery, such as 2026-06-15T12:00:00Z");
  command->add_option("--market", arguments->market, "Its market")->capture_default_str();
  command->callback([arguments, &action] { action = [arguments] { return Compare(*arguments); }; });
}

}  // namespace tools
