#include <iostream>
#include <memory>
#include <string>

#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/journal_tools.h"

namespace tools {
namespace {

using JournalFunction = absl::Status (*)(const std::string&, std::ostream&);

void AddOne(CLI::App& journal, Action& action, const char* name, const char* help,
            JournalFunction function) {
  CLI::App* command = journal.add_subcommand(name, help);
  const auto folder = std::make_shared<std::string>();
  command->add_option("DIR", *folder, "The daemon's data directory")->required();
  command->callback([folder, function, &action] {
    action = [folder, function] { return function(*folder, std::cout); };
  });
}

}  // namespace

void AddJournalCommand(CLI::App& app, Action& action) {
  CLI::App* journal = app.add_subcommand("journal", "Read a data directory's journal");
  journal->require_subcommand(1);
  AddOne(*journal, action, "dump", "Every record, a line each and one for each order", DumpJournal);
  AddOne(*journal, action, "verify", "Replay it and compare every outcome", VerifyJournal);
  AddOne(*journal, action, "digest", "The sequence and digest that a recovery comes to",
         PrintJournalDigest);
  CLI::App* acks =
      journal->add_subcommand("check-acks", "Find every answer that a replay was given");
  const auto folder = std::make_shared<std::string>();
  const auto file = std::make_shared<std::string>();
  acks->add_option("DIR", *folder, "The daemon's data directory")->required();
  acks->add_option("ACKS", *file, "What `peerwatt replay --acks` wrote")->required();
  acks->callback([folder, file, &action] {
    action = [folder, file] { return CheckAcks(*folder, *file, std::cout); };
  });
}

}  // namespace tools
