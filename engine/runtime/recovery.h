// Brings an exchange back to where its journal ends, and checks that it gets there as it did
// before.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/core/digest.h"
#include "engine/core/exchange.h"
#include "engine/journal/disk.h"
#include "engine/journal/reader.h"
#include "engine/outbox/event_store.h"

namespace engine {

// For the log line `recovered seq=... digest=...`.
struct Recovery {
  std::uint64_t sequence = 0;
  std::uint64_t rounds = 0;  // Whose outcome was computed again and compared.
  DigestBytes digest{};
  JournalTail tail;                     // For Journal::Open.
  std::uint64_t snapshot_sequence = 0;  // Where it began; 0: with the journal's first record.
  std::uint64_t events_gone_to = 0;  // Numbered events of the commands to this one cannot be made
                                     // again for a store that lacks them, so that it sets aside
                                     // what is damaged; 0: it lacks none.
  std::vector<std::string> damaged;  // Snapshots that were passed over, and why.
};

// Applies one record of a journal, and drains the events that came before it: numbered ones to
// `store`, where there is one, the others to nowhere.
// Ensures: an error that names market, product and round where a round comes out otherwise, and the
//          sequence where the record cannot follow what was before it.
absl::Status Replay(CommandView command, Exchange& exchange, EventStore* store = nullptr);

// Applies the whole journal; where its beginning was removed it reads all that is kept, and applies
// what lies behind the oldest snapshot that is whole. A round whose outcome the journal does not
// hold any more is left as it is for the shard to finish. Requires: a new exchange;
// options.identity where the beginning was removed; from_sequence is 1.
absl::StatusOr<Recovery> RecoverExchange(Disk& disk, const ReadOptions& options,
                                         Exchange& exchange);

// The same from the newest snapshot that is whole, with the journal behind it: as good, and sooner.
// With a store it begins so early that the store then has every numbered event: where the beginning
// of the journal was removed, as early as can be. The store is told, and changed on disk, only once
// the recovery has succeeded; where it lacks any of the journal's end that replays it once more.
// Requires: options.identity; from_sequence is 1. Ensures: `exchange` is set; DataLoss also where
// the store has more than the journal, and where the beginning was removed and no snapshot is
// whole; the disk's own error where one of these cannot be read now.
absl::StatusOr<Recovery> RecoverFromSnapshot(Disk& disk, const ReadOptions& options,
                                             std::unique_ptr<Exchange>& exchange,
                                             EventStore* store = nullptr);

}  // namespace engine
