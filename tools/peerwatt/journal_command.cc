#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "tools/peerwatt/commands.h"
#include "tools/peerwatt/journal_readers.h"
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

struct ReaderWords {
  std::string folder;
  std::string name;
  std::uint64_t sequence = 0;
};

// What may follow `journal reader DIR`.
CLI::App* AddReaderWord(CLI::App& reader, Action& action, const char* name, const char* help,
                        const std::function<absl::Status()>& run) {
  CLI::App* command = reader.add_subcommand(name, help);
  command->callback([run, &action] { action = run; });
  return command;
}

void AddReader(CLI::App& journal, Action& action) {
  CLI::App* reader = journal.add_subcommand(
      "reader", "Who reads the journal, so that no segment goes before they have passed it");
  reader->require_subcommand(0, 1);
  const auto words = std::make_shared<ReaderWords>();
  reader->add_option("DIR", words->folder, "The daemon's data directory")->required();
  reader->callback([words, reader, &action] {
    if (!reader->get_subcommands().empty()) return;
    action = [words] { return ListJournalReaders(words->folder, std::cout); };
  });
  CLI::App* add =
      AddReaderWord(*reader, action, "add", "Register one that has passed nothing of what is kept",
                    [words] { return AddJournalReader(words->folder, words->name, std::cout); });
  CLI::App* passed = AddReaderWord(
      *reader, action, "passed", "It needs no record to that sequence any more", [words] {
        return PassJournalReader(words->folder, words->name, words->sequence, std::cout);
      });
  CLI::App* remove =
      AddReaderWord(*reader, action, "remove", "Nothing is kept for it any more",
                    [words] { return RemoveJournalReader(words->folder, words->name, std::cout); });
  for (CLI::App* command : {add, passed, remove}) {
    command->add_option("NAME", words->name, "The reader: a-z, 0-9 and -")->required();
  }
  passed->add_option("SEQUENCE", words->sequence, "Not below what it has passed already")
      ->required();
}

}  // namespace

void AddJournalCommand(CLI::App& app, Action& action) {
  CLI::App* journal = app.add_subcommand("journal", "Read a data directory's journal");
  journal->require_subcommand(1);
  AddOne(*journal, action, "dump", "Every record, a line each and one for each order", DumpJournal);
  AddOne(*journal, action, "acts",
         "Who defined what, when and why, as CSV; of a running daemon too", ListActs);
  AddOne(*journal, action, "verify", "Replay it and compare every outcome", VerifyJournal);
  AddOne(*journal, action, "digest", "The sequence and digest that a recovery comes to",
         PrintJournalDigest);
  AddReader(*journal, action);
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
