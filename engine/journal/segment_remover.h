// Removes a journal's first segments once nobody needs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"
#include "engine/journal/journal_beginning.h"
#include "engine/journal/retention.h"

namespace engine {

// Some at a time, while the daemon writes and others read: who reads a segment that goes has an
// error. Thread: one owner, the only one who removes.
class SegmentRemover {
 public:
  SegmentRemover(Disk& disk, std::string folder, const JournalIdentity& identity);

  // What may go now: nothing while the journal is copied. `passed` without its readers: they are
  // read where it hangs on them, and where one cannot be, nothing may go.
  // Cost: a list of the folder; a batch of each segment that was not seen before, of 64 in a call.
  absl::StatusOr<Removable> Look(Passed passed);

  // Requires: Look() has just said that so many, at least one, may go.
  // Ensures: how many went: fewer where a reader has registered since, and none while readers are
  //          changed or the journal is copied. Wherever it stops, the journal is whole from
  //          beginning() on. After an error those that are still there are none of the journal's,
  //          and go with the next look.
  absl::StatusOr<std::size_t> Remove(std::size_t segments);

  // As far as it is known.
  JournalBeginning beginning() const { return beginning_.value_or(JournalBeginning()); }

 private:
  absl::Status FindSegments();
  Removable FindWithReaders();
  absl::StatusOr<std::size_t> MoveBeginning(std::size_t segments);

  Disk& disk_;
  const std::string folder_;
  const JournalIdentity identity_;
  std::optional<JournalBeginning> beginning_;
  std::vector<BegunSegment> segments_;  // The first ones.
  Passed passed_;                       // As the last Look() was told.
  bool has_leftovers_ = false;          // There may be segments before beginning_.
};

}  // namespace engine
