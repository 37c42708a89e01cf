// Where a journal begins: behind the segments that were removed from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"

namespace engine {

inline constexpr char kBeginningFile[] =
    "kept-from";  // Beside the segments; no file: from the first.

// Segments with lower numbers are none of the journal's, whether they are still there or not.
struct JournalBeginning {
  std::uint64_t segment = 1;
  std::uint64_t sequence = 1;  // The segment's first.

  friend bool operator==(const JournalBeginning&, const JournalBeginning&) = default;
};

// Ensures: DataLoss where the file is damaged; FailedPrecondition where it is another's or a newer
// program's. `identity` unset: whose it is, is not judged.
absl::StatusOr<JournalBeginning> ReadBeginning(Disk& disk, const std::string& folder,
                                               const std::optional<JournalIdentity>& identity);

// Requires: the journal has that segment, and with snapshots what was before it.
// Ensures: it is on disk: from now on the segments before may go.
absl::Status WriteBeginning(Disk& disk, const std::string& folder, const JournalIdentity& identity,
                            const JournalBeginning& beginning);

// The first ones first. Requires: WriteBeginning() has just said that it is on disk.
// Ensures: the journal is as whole as before, also after an error.
absl::Status RemoveSegmentsBefore(Disk& disk, const std::string& folder,
                                  const JournalBeginning& beginning);

// Those that a removal left which did not come to its end. Where there are any the file is written
// once more before: what was read of it may be in the system's memory alone, for ever where a sync
// has failed.
absl::Status RemoveLeftovers(Disk& disk, const std::string& folder, const JournalIdentity& identity,
                             const JournalBeginning& beginning);

}  // namespace engine
