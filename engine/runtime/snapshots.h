// An exchange's way into a snapshot and back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/exchange.h"
#include "engine/journal/disk.h"
#include "engine/journal/format.h"
#include "engine/journal/snapshot_file.h"

namespace engine {

// Whether it says that the disk or the system is at fault, and nothing of a snapshot.
bool IsDiskFault(const absl::Status& status);

// Ensures: the exchange that it was made of: the digest of what was loaded is the one in its
// header. One that cannot be read or is damaged is an error; FailedPrecondition where it is
// another's or a newer program's, the disk's own where it is the disk that fails. Cost: its bytes
// are read twice, and the exchange is digested.
absl::StatusOr<std::unique_ptr<Exchange>> LoadSnapshot(Disk& disk, const std::string& folder,
                                                       std::uint64_t sequence,
                                                       const JournalIdentity& identity);

// Ensures: OK where it can be read and its bytes are those that were written.
absl::Status CheckSnapshot(Disk& disk, const std::string& folder, std::uint64_t sequence,
                           const JournalIdentity& identity);

// The newest snapshot that is whole, and the exchange in it.
struct LoadedSnapshot {
  std::unique_ptr<Exchange> exchange;  // A new one where there is no snapshot.
  std::uint64_t sequence = 0;          // 0: there is none.
  std::uint64_t older_sequence = 0;    // Of the one before it, of which nothing else is known.
  std::vector<std::string> damaged;    // What is wrong with those that were newer.
};

// Of those before `before_sequence`. One that is damaged or cannot be read is passed over: the one
// before it is as good, with more journal. Ensures: an error only where the folder cannot be read,
// a snapshot is another's or a newer program's, or none is whole and one cannot be read now.
absl::StatusOr<LoadedSnapshot> LoadNewestSnapshot(Disk& disk, const std::string& folder,
                                                  const JournalIdentity& identity,
                                                  std::uint64_t before_sequence = UINT64_MAX);

// How long its state is. Cost: O(state).
std::uint64_t StateBytes(const Exchange& exchange);

// Ensures: the file has its name and was read back whole; after an error there is none.
absl::StatusOr<SnapshotHeader> WriteSnapshot(Disk& disk, const std::string& folder,
                                             const JournalIdentity& identity,
                                             const Exchange& exchange);

}  // namespace engine
