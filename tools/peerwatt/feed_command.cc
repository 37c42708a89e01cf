#include <iostream>
#include <memory>
#include <string>

#include "engine/journal/disk.h"
#include "tools/feed/city.h"
#include "tools/feed/feed_info.h"
#include "tools/feed/journal_export.h"
#include "tools/feed/nem_import.h"
#include "tools/feed/profile_import.h"
#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/feed_setup.h"
#include "tools/peerwatt/replay_plan.h"

namespace tools {
namespace {

// Makes a feed at `path` by `make`; it appears only when it is whole.
template <typename Make>
absl::Status MakeFeed(const std::string& path, FeedSource source, std::uint64_t seed, Make make) {
  absl::StatusOr<FeedWriter> feed = FeedWriter::Create(path, source, seed);
  if (!feed.ok()) return feed.status();
  if (absl::Status status = make(*feed); !status.ok()) return status;
  return feed->Finish();
}

void AddPolicyOptions(CLI::App& command, BiddingPolicy& policy, std::int32_t& retail,
                      std::int32_t& feed_in) {
  command.add_option("--seed", policy.seed, "Equal seeds make equal feeds")->capture_default_str();
  command.add_option("--retail-ticks", retail, "The grid's retail tariff, 0.001 currency/kWh")
      ->capture_default_str();
  command.add_option("--feed-in-ticks", feed_in, "The grid's feed-in tariff")
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

void AddGenerate(CLI::App& feed, Action& action) {
  CLI::App* command = feed.add_subcommand("generate", "Draw a plausible city from a seed");
  const auto arguments = std::make_shared<GenerateArguments>();
  CityOptions* options = &arguments->options;
  command->add_option("OUT", arguments->out, "The feed to make")->required();
  command->add_option("--homes", options->homes, "Homes")->capture_default_str();
  command->add_option("--days", options->days, "Days")->capture_default_str();
  command->add_option("--first-day", options->first_day, "YYYY-MM-DD")->capture_default_str();
  command->add_option("--zone", options->zone, "IANA time zone")->capture_default_str();
  command->add_option("--slot-minutes", options->slot_minutes, "5, 15, 30 or 60")
      ->capture_default_str();
  command->add_option("--pv-share", options->pv_share_percent, "Homes with PV, percent")
      ->capture_default_str();
  AddPolicyOptions(*command, options->policy, options->retail_ticks, options->feed_in_ticks);
  command->callback(
      [arguments, &action] { action = [arguments] { return Generate(*arguments); }; });
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

void AddImportProfiles(CLI::App& feed, Action& action) {
  CLI::App* command =
      feed.add_subcommand("import-profiles", "Measured load and PV of homes, as orders");
  const auto arguments = std::make_shared<ProfileArguments>();
  ProfileImportOptions& options = arguments->options;
  command->add_option("LOAD", options.load_csv, "CSV of load: times, then a column a home")
      ->required();
  command->add_option("PV", options.pv_csv, "CSV of PV, same columns")->required();
  command->add_option("OUT", arguments->out, "The feed to make")->required();
  command->add_option("--load-column", options.load_column, "One column instead of all");
  command->add_option("--pv-column", options.pv_column, "The same of the PV file");
  command->add_option("--unit", arguments->unit, "kwh: energy of the interval; kw: mean power")
      ->check(CLI::IsMember({"kwh", "kw"}))
      ->capture_default_str();
  command->add_option("--stamp", arguments->stamp, "A time is its interval's start or end")
      ->check(CLI::IsMember({"start", "end"}))
      ->capture_default_str();
  command->add_option("--zone", options.zone, "IANA time zone")->capture_default_str();
  command->add_option("--first-day", options.first_day, "When row 0 begins, for row numbers")
      ->capture_default_str();
  command->add_option("--interval-minutes", options.interval_minutes, "For row numbers")
      ->capture_default_str();
  command->add_option("--skip-days", options.skip_days, "Left out at the beginning")
      ->capture_default_str();
  command->add_option("--days", options.days, "0: all")->capture_default_str();
  command->add_option("--slot-minutes", options.slot_minutes, "5, 15, 30 or 60")
      ->capture_default_str();
  AddPolicyOptions(*command, options.policy, options.retail_ticks, options.feed_in_ticks);
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

void AddImportNem(CLI::App& feed, Action& action) {
  CLI::App* command = feed.add_subcommand(
      "import-nem", "Recorded energy bids of Australia's National Electricity Market");
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
  command->callback(
      [arguments, &action] { action = [arguments] { return ImportRecorded(*arguments); }; });
}

struct ExportArguments {
  std::string data;
  std::string key;
  std::string out;
  std::uint32_t shard = 0;
};

absl::Status Export(const ExportArguments& arguments) {
  const JournalExportOptions options{arguments.data + "/shard-" + std::to_string(arguments.shard),
                                     arguments.key};
  return MakeFeed(arguments.out, FeedSource::kJournal, 0, [&](FeedWriter& writer) {
    return ExportJournal(engine::PosixDisk(), options, writer, std::cout);
  });
}

void AddExport(CLI::App& feed, Action& action) {
  CLI::App* command =
      feed.add_subcommand("export", "A journal's orders, under pseudonyms, without credentials");
  const auto arguments = std::make_shared<ExportArguments>();
  command->add_option("DIR", arguments->data, "The daemon's data directory")->required();
  command->add_option("OUT", arguments->out, "The feed to make")->required();
  command->add_option("--key", arguments->key, "A file of 16 to 4,096 random bytes, kept secret")
      ->required();
  command->add_option("--shard", arguments->shard, "Which shard's journal")->capture_default_str();
  command->callback([arguments, &action] { action = [arguments] { return Export(*arguments); }; });
}

void AddInfo(CLI::App& feed, Action& action) {
  CLI::App* command = feed.add_subcommand("info", "What is in a feed");
  const auto path = std::make_shared<std::string>();
  command->add_option("FEED", *path, "A feed")->required();
  command->callback([path, &action] { action = [path] { return PrintInfo(*path, std::cout); }; });
}

void AddSetup(CLI::App& feed, Action& action) {
  CLI::App* command = feed.add_subcommand(
      "setup", "The files from which `peerwattd init` makes a daemon for a feed, and its tokens");
  const auto options = std::make_shared<FeedSetupOptions>();
  command->add_option("FEED", options->feed, "A feed")->required();
  command->add_option("DIR", options->folder,
                      "Gets the files; made where it is missing [FEED.setup, where `peerwatt "
                      "replay` looks for it]");
  command
      ->add_option("--credentials", options->credentials,
                   "Deal the accounts out to so many aggregators; 0: each of the feed's "
                   "credentials keeps its own")
      ->capture_default_str();
  command
      ->add_option("--seed", options->seed,
                   "Tokens are drawn from it: for tests alone; 0: "
                   "from the operating system")
      ->capture_default_str();
  command->callback([options, &action] {
    action = [options] {
      if (options->folder.empty()) options->folder = DefaultSetupFolder(options->feed);
      return WriteFeedSetup(*options);
    };
  });
}

}  // namespace

void AddFeedCommand(CLI::App& app, Action& action) {
  CLI::App* feed = app.add_subcommand("feed", "Make, import, export and look at order feeds");
  feed->require_subcommand(1);
  AddGenerate(*feed, action);
  AddImportProfiles(*feed, action);
  AddImportNem(*feed, action);
  AddExport(*feed, action);
  AddInfo(*feed, action);
  AddSetup(*feed, action);
}

}  // namespace tools
