#include <iostream>
#include <memory>
#include <string>

#include "engine/journal/data_directory.h"
#include "engine/journal/disk.h"
#include "tools/feed/feed_info.h"
#include "tools/feed/journal_export.h"
#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/feed_maker.h"
#include "tools/peerwatt/feed_setup.h"
#include "tools/peerwatt/replay_plan.h"

namespace tools {
namespace {

struct ExportArguments {
  std::string data;
  std::string key;
  std::string out;
  std::uint32_t shard = 0;
};

absl::Status Export(const ExportArguments& arguments) {
  const JournalExportOptions options{engine::FolderOfShard(arguments.data, arguments.shard),
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
      ->check(CLI::Range(0U, 10'000'000U))
      ->capture_default_str();
  command
      ->add_option("--seed", options->seed,
                   "Tokens are drawn from it: for tests alone; 0: "
                   "from the operating system")
      ->check(CLI::NonNegativeNumber)
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
  AddFeedGenerate(*feed, action);
  AddFeedImport(*feed, action);
  AddExport(*feed, action);
  AddInfo(*feed, action);
  AddSetup(*feed, action);
}

}  // namespace tools
