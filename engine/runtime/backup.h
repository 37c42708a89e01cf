// A copy of a data directory, made while its daemon goes on, that comes to the same state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/core/digest.h"
#include "engine/journal/disk.h"

namespace engine {

struct CopiedShard {
  std::uint64_t sequence = 0;  // Of the last command in the copy.
  DigestBytes digest{};        // Of the state after it, from a replay of the copy.
  std::uint64_t bytes = 0;     // Of the copied journal.
  // Files of the original's outbox that are damaged, so that their events are not in the copy.
  std::vector<std::string> damaged;
  std::uint64_t events_gone_to = 0;  // As Recovery has it, of a start from the copy.
};

// Copies identity, clock, the key of lotteries and every shard's journal to `to`, which must not be
// a data directory yet, and replays the copy, with all its outcomes and running digests. Snapshots
// stay: a daemon that starts from the copy makes its own. But where the beginning of a journal was
// removed, the oldest whole snapshot is copied, and the copy is replayed from there; and so is the
// outbox, as far as the copied journal goes, since the events from before cannot be made again.
// Registered readers have passed in the copy what they have, to its end at most. A backup is made
// by it, and brought back.
//
// Of a directory in use each shard is copied to where it is on disk when its turn comes; its daemon
// removes nothing of the shard's journal until it is copied, or this process has ended, and another
// backup is refused meanwhile. One that is not in use is locked, and its end is judged as a start
// would.
//
// Ensures: `to` becomes a data directory last of all, when everything is on disk and was replayed;
//          after an error it is none. Errors name the file and what to do.
// Memory: one exchange, and an outbox's index. Cost: two passes over the journals and a replay.
// Thread: any, but one a directory.
absl::StatusOr<std::vector<CopiedShard>> CopyDataDirectory(Disk& disk, const std::string& from,
                                                           const std::string& to);

}  // namespace engine
