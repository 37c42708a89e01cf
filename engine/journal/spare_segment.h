// Where the disk has no space for a new segment a start goes on in the spare, which a life before
// has made ahead, or has begun and written nothing to; or else behind the last batch that there is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"

namespace engine {

// Reads all of it. Requires: no write to it is under way any more.
// Ensures: its bytes; unset where it is missing, or holds anything but zeros and, in its first
//          block, the header that `segment` has when it begins with `first_sequence`.
absl::StatusOr<std::optional<std::uint64_t>> FindSpare(Disk& disk, const std::string& path,
                                                       const JournalIdentity& identity,
                                                       std::uint64_t segment,
                                                       std::uint64_t first_sequence);

// Whether the file is `bytes` long, and zeros from `end` on. Ensures: what is before is on disk.
// Requires: no write to it is under way any more; whole blocks.
absl::StatusOr<bool> EndsAt(Disk& disk, const std::string& path, std::uint64_t bytes,
                            std::uint64_t end);

// Puts its name on disk, whatever became of a sync of the folder before.
absl::Status NameAgain(Disk& disk, const std::string& folder, const std::string& path);

}  // namespace engine
