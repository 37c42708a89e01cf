// `peerwatt backup|restore`: a data directory copied, and the copy replayed.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "engine/journal/disk.h"
#include "engine/runtime/backup.h"
#include "tools/peerwatt/commands.h"

namespace tools {
namespace {

struct BackupArguments {
  std::string from;
  std::string to;
};

absl::Status Copy(const BackupArguments& arguments) {
  const absl::StatusOr<std::vector<engine::CopiedShard>> shards =
      engine::CopyDataDirectory(engine::PosixDisk(), arguments.from, arguments.to);
  if (!shards.ok()) return shards.status();
  for (std::size_t shard = 0; shard < shards->size(); ++shard) {
    const engine::CopiedShard& copied = (*shards)[shard];
    for (const std::string& damaged : copied.damaged) {
      std::cerr << damaged << ": damaged, so that its events are not in the copy\n";
    }
    if (copied.events_gone_to > 0) {
      std::cerr << "shard " << shard
                << ": the copy lacks events up to seq=" << copied.events_gone_to
                << ", and its journal cannot make them again\n";
    }
    std::cout << "shard=" << shard << " seq=" << copied.sequence
              << " digest=" << engine::ToHex(copied.digest) << " bytes=" << copied.bytes << "\n";
  }
  return absl::OkStatus();
}

struct Words {
  const char* name;
  const char* help;
  const char* from;
  const char* to;
};

void AddCopy(CLI::App& app, Action& action, const Words& words) {
  CLI::App* command = app.add_subcommand(words.name, words.help);
  const auto arguments = std::make_shared<BackupArguments>();
  command->add_option("FROM", arguments->from, words.from)->required();
  command->add_option("TO", arguments->to, words.to)->required();
  command->callback([arguments, &action] { action = [arguments] { return Copy(*arguments); }; });
}

}  // namespace

void AddBackupCommands(CLI::App& app, Action& action) {
  AddCopy(app, action,
          {.name = "backup",
           .help = "Copy a data directory, in use or not, and replay the copy",
           .from = "The daemon's data directory",
           .to = "A new folder, as secret as the directory: the key of lotteries is in it"});
  AddCopy(app, action,
          {.name = "restore",
           .help = "Make a data directory of a backup, and replay it",
           .from = "What `peerwatt backup` made",
           .to = "A new folder for peerwattd. Never let both, it and what was backed up, run"});
}

}  // namespace tools
