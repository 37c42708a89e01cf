// peerwatt: replays recorded bid streams, clears a CSV of orders, settles readings, reads journals,
// backs up data directories.
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tools/peerwatt/commands.h"

namespace {

// As in sysexits.h.
int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return 65;
    case absl::StatusCode::kNotFound:
      return 66;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return 69;
    default:
      return 70;
  }
}

int Main(int argc, char** argv) {
  CLI::App app("The tool of the Peerwatt exchange.", "peerwatt");
  app.require_subcommand(1);
  app.footer(
      "It exits with 0; 64 where the command line is wrong; 65 where what it was given is, or does "
      "not allow it, an order that is refused among it; 66 where a file is not there; 69 where no "
      "daemon answers in time; 74 where its output cannot be written; 70 else.");
  tools::Action action;
  tools::AddClearCommand(app, action);
  tools::AddSettleCommand(app, action);
  tools::AddCompareCommand(app, action);
  tools::AddFeedCommand(app, action);
  tools::AddReplayCommand(app, action);
  tools::AddJournalCommand(app, action);
  tools::AddBackupCommands(app, action);
  tools::AddControllerCommand(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 64;
  }
  const absl::Status status = action();
  std::cout.flush();
  if (!std::cout) {  // A full disk, say: half of a result is none.
    std::cerr << "peerwatt: the output cannot be written\n";
    return 74;
  }
  if (!status.ok()) std::cerr << "peerwatt: " << std::string(status.message()) << "\n";
  return ExitCode(status);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(argc, argv);
  } catch (...) {
    std::fputs("peerwatt: out of memory, or a fault of this program\n", stderr);
    return 70;
  }
}
