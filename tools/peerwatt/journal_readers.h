// `peerwatt journal reader`: who reads a journal beside the daemon, and how far each has come.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace tools {

// All of the data directory's first shard, whether its daemon runs or not. One that changes
// something waits for the others that do; what it changed is on disk when it returns.

// Where the journal begins and ends, and a line a reader: its name, and what it has passed.
absl::Status ListJournalReaders(const std::string& data_directory, std::ostream& out);

// Registers one that has passed nothing of what is kept. Ensures: an error where there is one of
// that name.
absl::Status AddJournalReader(const std::string& data_directory, const std::string& name,
                              std::ostream& out);

// It needs no record to `sequence` any more. Ensures: an error where it is not registered, has
// passed more already, or the journal ends before.
absl::Status PassJournalReader(const std::string& data_directory, const std::string& name,
                               std::uint64_t sequence, std::ostream& out);

// Nothing is kept for it any more. A file that is none any more is removed too.
absl::Status RemoveJournalReader(const std::string& data_directory, const std::string& name,
                                 std::ostream& out);

}  // namespace tools
