// A copy of an outbox that ends where a copy of its journal does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"

namespace engine {

struct CopiedEvents {
  std::uint64_t covered = 0;  // As EventStore::covered() of the copy; 0 where something before it
                              // is damaged, so that a start makes again what it can.
  std::uint64_t newest = 0;   // The last command that the original knows of.
  // Files that are not whole: these, and those before them, are left out, as a start would do; but
  // the newest one alone where it has no header.
  std::vector<std::string> damaged;
};

// Copies to the folder `to` what the outbox in `from` has of the commands up to `end`, file by file
// under the same numbers; where it has no later ones, byte for byte. A daemon may go on: what is
// written behind `end` meanwhile is not in the copy, and a file that it removes may be.
// Requires: `to` holds no outbox. Ensures: the copy is on disk; FailedPrecondition where a file is
// another's or a newer program's; Aborted where files go sooner than they can be read. Memory:
// three files.
absl::StatusOr<CopiedEvents> CopyEvents(Disk& disk, const std::string& from,
                                        const JournalIdentity& identity, std::uint64_t end,
                                        const std::string& to);

}  // namespace engine
