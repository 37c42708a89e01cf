// A segment that a life before has made ahead, or has begun and written nothing to. Where the disk
// has no space for a new one, a start goes on in it.
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

// Puts its name on disk, whatever became of a sync of the folder before.
absl::Status NameAgain(Disk& disk, const std::string& folder, const std::string& path);

}  // namespace engine
