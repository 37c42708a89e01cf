#include <iostream>
#include <memory>
#include <set>
#include <string>

#include "engine/core/limits.h"
#include "tools/feed/city.h"
#include "tools/feed/nem_import.h"
#include "tools/feed/profile_import.h"
#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/feed_maker.h"

namespace tools {
namespace {

constexpr std::uint32_t kWeekSeconds = 7 * 86'400;
constexpr std::uint32_t kDaysMax = 3'660;

CLI::IsMember SlotLengths() { return CLI::IsMember(std::set<std::uint32_t>{5, 15, 30, 60}); }

CLI::Range Prices() {
  return {-static_cast<std::int32_t>(engine::kPriceTicksMax),
          static_cast<std::int32_t>(engine::kPriceTicksMax)};
}

void AddTariffs(CLI::App& command, std::int32_t& retail, std::int32_t& feed_in) {
  command.add_option("--retail-ticks", retail, "The grid's retail tariff, 0.001 currency/kWh")
      ->check(Prices())
      ->capture_default_str();
  command
      .add_option("--feed-in-ticks", feed_in,
                  "The grid's feed-in tariff; not above the retail tariff")
      ->check(Prices())
      ->capture_default_str();
}

void AddPolicy(CLI::App& command, BiddingPolicy& policy) {
  command.add_option("--seed", policy.seed, "Equal seeds make equal feeds")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--home-shade-permille", policy.home_shade_permille,
                  "The most that a home always bids below retail, or asks above feed-in, in "
                  "thousandths of the tariffs' difference")
      ->check(CLI::Range(0U, 1'000U))
      ->capture_default_str();
  command
      .add_option("--slot-shade-permille", policy.slot_shade_permille,
                  "The same, drawn anew for each slot; both shades together at most 1,000")
      ->check(CLI::Range(0U, 1'000U))
      ->capture_default_str();
  command
      .add_option("--corrections-permille", policy.corrections_permille,
                  "Of 1,000 orders, so many are first a forecast and replaced later")
      ->check(CLI::Range(0U, 1'000U))
      ->capture_default_str();
  command
      .add_option("--last-lead-s", policy.last_lead_s,
                  "The latest order comes so many seconds before the gate")
      ->check(CLI::Range(0U, 3'599U))
      ->capture_default_str();
  command
      .add_option("--burst-permille", policy.burst_permille,
                  "Of 1,000 devices and slots, so many wait until the last seconds before that")
      ->check(CLI::Range(0U, 1'000U))
      ->capture_default_str();
  command.add_option("--burst-s", policy.burst_s, "How many seconds these are")
      ->check(CLI::Range(0U, 3'599U))
      ->capture_default_str();
  command
      .add_option("--homes-per-credential", policy.homes_per_credential,
                  "1: each home is its own device; more: aggregators")
      ->check(CLI::Range(1U, 10'000'000U))
      ->capture_default_str();
  command
      .add_option("--connection-limit-w", policy.connection_limit_w,
                  "Import and export limit of a home; 0: none")
      ->check(CLI::Range(0U, UINT32_MAX))
      ->capture_default_str();
}

struct GenerateArguments {
  CityOptions options;
  std::string out;
};

absl::Status Generate(const GenerateArguments& arguments) {
  return MakeFeed(arguments.out, FeedSource::kCity, arguments.options.policy.seed,
                  [&](FeedWriter& writer) { return GenerateCity(arguments.options, writer); });
}

struct ProfileArguments {
  ProfileImportOptions options;
  std::string unit = "kwh";
  std::string stamp = "start";
  std::string out;
};

absl::Status ImportMeasured(ProfileArguments& arguments) {
  ProfileImportOptions& options = arguments.options;
  options.unit = arguments.unit == "kw" ? ProfileUnit::kKw : ProfileUnit::kKwh;
  options.stamp = arguments.stamp == "end" ? ProfileStamp::kEnd : ProfileStamp::kStart;
  return MakeFeed(arguments.out, FeedSource::kProfiles, options.policy.seed,
                  [&](FeedWriter& writer) { return ImportProfiles(options, writer, std::cout); });
}

void AddProfileTimes(CLI::App& command, ProfileArguments& arguments) {
  ProfileImportOptions& options = arguments.options;
  command.add_option("--stamp", arguments.stamp, "A time is its interval's start or end")
      ->check(CLI::IsMember({"start", "end"}))
      ->capture_default_str();
  command.add_option("--zone", options.zone, "IANA time zone of the first interval")
      ->capture_default_str();
  command
      .add_option("--first-day", options.first_day,
                  "YYYY-MM-DD, when row 0 begins; where times are row numbers")
      ->capture_default_str();
  command
      .add_option("--interval-minutes", options.interval_minutes,
                  "From row to row; where times are row numbers")
      ->check(CLI::Range(1U, 1'440U))
      ->capture_default_str();
  command.add_option("--skip-days", options.skip_days, "Left out at the beginning")
      ->check(CLI::Range(0U, 10 * kDaysMax))
      ->capture_default_str();
  command.add_option("--days", options.days, "So many; 0: all that follow")
      ->check(CLI::Range(0U, kDaysMax))
      ->capture_default_str();
  command.add_option("--slot-minutes", options.slot_minutes, "Length of a slot")
      ->check(SlotLengths())
      ->capture_default_str();
}

void AddImportProfiles(CLI::App& import, Action& action) {
  CLI::App* command = import.add_subcommand("profiles", "Measured load and PV of homes, as orders");
  const auto arguments = std::make_shared<ProfileArguments>();
  ProfileImportOptions& options = arguments->options;
  command->add_option("LOAD", options.load_csv, "CSV of load: times, then a column a home")
      ->required();
  command->add_option("PV", options.pv_csv, "CSV of PV, same columns; may be the same file")
      ->required();
  command->add_option("OUT", arguments->out, "The feed to make")->required();
  command->add_option("--load-column", options.load_column, "One column instead of all");
  command->add_option("--pv-column", options.pv_column, "The same of the PV file");
  command->add_option("--unit", arguments->unit, "kwh: energy of the interval; kw: mean power")
      ->check(CLI::IsMember({"kwh", "kw"}))
      ->capture_default_str();
  AddProfileTimes(*command, *arguments);
  AddTariffs(*command, options.retail_ticks, options.feed_in_ticks);
  AddPolicy(*command, options.policy);
  command->callback(
      [arguments, &action] { action = [arguments] { return ImportMeasured(*arguments); }; });
}

struct NemArguments {
  NemImportOptions options;
  std::string stamp = "end";
  std::string out;
};

absl::Status ImportRecorded(NemArguments& arguments) {
  arguments.options.stamp = arguments.stamp == "end" ? IntervalStamp::kEnd : IntervalStamp::kStart;
  return MakeFeed(arguments.out, FeedSource::kNem, 0, [&](FeedWriter& writer) {
    return ImportNem(arguments.options, writer, std::cout);
  });
}

void AddNemMarket(CLI::App& command, NemImportOptions& options) {
  command.add_option("--interval-minutes", options.interval_minutes, "A dispatch interval: a slot")
      ->check(SlotLengths())
      ->capture_default_str();
  command
      .add_option("--floor-ticks", options.floor_ticks,
                  "The lowest price of the band, in AUD/MWh; bids outside it are left out")
      ->check(Prices())
      ->capture_default_str();
  command
      .add_option("--cap-ticks", options.cap_ticks,
                  "The highest, which demand bids; at most 65,535 above the floor")
      ->check(Prices())
      ->capture_default_str();
  command
      .add_option("--open-before-s", options.open_before_s,
                  "A product opens so many seconds before delivery")
      ->check(CLI::Range(1U, kWeekSeconds))
      ->capture_default_str();
  command
      .add_option("--gate-before-s", options.gate_before_s,
                  "Its gate closes so many seconds before delivery; after it opens")
      ->check(CLI::Range(0U, kWeekSeconds))
      ->capture_default_str();
  command
      .add_option("--demand-lead-s", options.demand_lead_s,
                  "Demand enters so many seconds before the gate")
      ->check(CLI::Range(0U, kWeekSeconds))
      ->capture_default_str();
}

void AddImportNem(CLI::App& import, Action& action) {
  CLI::App* command = import.add_subcommand(
      "nem", "Recorded energy bids of Australia's National Electricity Market");
  const auto arguments = std::make_shared<NemArguments>();
  NemImportOptions& options = arguments->options;
  command->add_option("BIDS", options.bids_csv, "CSV of energy bands")->required();
  command->add_option("DISPATCH", options.dispatch_csv, "CSV of units' AVAILABILITY")->required();
  command->add_option("DEMAND", options.demand_csv, "CSV of regions' demand")->required();
  command->add_option("OUT", arguments->out, "The feed to make")->required();
  command->add_option("--stamp", arguments->stamp, "interval_end is the interval's start or end")
      ->check(CLI::IsMember({"start", "end"}))
      ->capture_default_str();
  command->add_option("--zone", options.zone, "IANA time zone of the times")->capture_default_str();
  AddNemMarket(*command, options);
  command->callback(
      [arguments, &action] { action = [arguments] { return ImportRecorded(*arguments); }; });
}

}  // namespace

void AddFeedGenerate(CLI::App& feed, Action& action) {
  CLI::App* command = feed.add_subcommand("generate", "Draw a plausible city from a seed");
  const auto arguments = std::make_shared<GenerateArguments>();
  CityOptions* options = &arguments->options;
  command->add_option("OUT", arguments->out, "The feed to make")->required();
  command->add_option("--homes", options->homes, "Homes")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--days", options->days, "Local days")
      ->check(CLI::Range(1U, kDaysMax))
      ->capture_default_str();
  command->add_option("--first-day", options->first_day, "YYYY-MM-DD")->capture_default_str();
  command->add_option("--zone", options->zone, "IANA time zone")->capture_default_str();
  command->add_option("--slot-minutes", options->slot_minutes, "Length of a slot")
      ->check(SlotLengths())
      ->capture_default_str();
  command->add_option("--pv-share", options->pv_share_percent, "Homes with PV, percent")
      ->check(CLI::Range(0U, 100U))
      ->capture_default_str();
  AddTariffs(*command, options->retail_ticks, options->feed_in_ticks);
  AddPolicy(*command, options->policy);
  command->callback(
      [arguments, &action] { action = [arguments] { return Generate(*arguments); }; });
}

void AddFeedImport(CLI::App& feed, Action& action) {
  CLI::App* import = feed.add_subcommand("import", "Make a feed of recorded data");
  import->require_subcommand(1);
  AddImportProfiles(*import, action);
  AddImportNem(*import, action);
}

}  // namespace tools
