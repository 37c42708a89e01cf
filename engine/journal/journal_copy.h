// A copy of a shard's journal, byte for byte, to where a recovery of it would come at this instant.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/disk.h"
#include "engine/journal/reader.h"

namespace engine {

struct CopiedJournal {
  std::uint64_t first_sequence = 1;  // Greater: what was before it was removed.
  std::uint64_t next_sequence = 1;   // Behind the last record.
  std::uint64_t bytes = 0;           // Of segments.
};

// Reads the journal through, as recovery does, and copies its segments to the folder `to`, the last
// one to the end of its last batch: what a recovery would leave out is not in the copy. With
// options.being_written a daemon may go on writing; the copy ends where the journal did when it was
// read. Where the journal's beginning was removed, the oldest whole snapshot is copied too, without
// which the rest comes to nothing.
// Requires: `to` exists and holds no journal; options.identity; options.from_sequence is 1.
// Ensures: the copy is on disk; Aborted where the daemon removed what was to be copied, which it
// does
//          not while CopyLock() is held. After an error there may be a part of it, over which it
//          can be made again.
// Memory: the longest batch. Cost: two passes over the journal.
absl::StatusOr<CopiedJournal> CopyJournal(Disk& disk, const ReadOptions& options,
                                          const std::string& to);

}  // namespace engine
