// The subcommands of `peerwatt`: each adds its options to the command line and says what to do.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"

namespace tools {

// What the command line asked for; run once it is parsed.
using Action = std::function<absl::Status()>;

void AddClearCommand(CLI::App& app, Action& action);
void AddSettleCommand(CLI::App& app, Action& action);
void AddCompareCommand(CLI::App& app, Action& action);
void AddFeedCommand(CLI::App& app, Action& action);
void AddFeedGenerate(CLI::App& feed, Action& action);  // Under `feed`.
void AddFeedImport(CLI::App& feed, Action& action);    // Under `feed`.
void AddReplayCommand(CLI::App& app, Action& action);
void AddJournalCommand(CLI::App& app, Action& action);
void AddBackupCommands(CLI::App& app, Action& action);
void AddControllerCommand(CLI::App& app, Action& action);

}  // namespace tools
