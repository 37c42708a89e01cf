// What an operator does while the daemon does not run: makes a data directory, changes definitions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/core/exchange.h"
#include "engine/journal/batch_writer.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/journal.h"
#include "engine/outbox/event_store.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/follower.h"
#include "engine/runtime/recovery.h"
#include "gateway/config.h"
#include "gateway/definitions.h"

namespace gateway {

// Empty: no such file.
struct DefinitionFiles {
  std::string markets{};
  std::string accounts{};
  std::string credentials{};
  std::string certificates{};
};
absl::StatusOr<Definitions> ReadDefinitions(const DefinitionFiles& files);

struct InitOptions {
  std::string data;
  DefinitionFiles files;
  std::int64_t clock_factor = 1;                // Over 1: a demo clock, so many times as fast.
  std::optional<std::int64_t> clock_origin_ns;  // Exchange time of this moment; else the wall's.
  std::uint32_t shards = 1;                     // Fixed for ever; this version serves one.
  std::uint64_t order_capacity = std::uint64_t{1} << 22;  // Open orders of all books together.
  std::string reason = "the directory was made";          // Of the first acts: IsReadableReason.
};

struct ConfigureOptions {
  std::string data;
  DefinitionFiles files{};
  std::string reason;                  // Of the acts.
  engine::CredentialId operator_id{};  // Who acts; zero: the user who runs this.
  std::string token_file{};            // With the operator's token.
};

// With the operator kFirstOperator, whose token is printed once and who has every role.
// Everything is checked before the directory is made; what fails later leaves none that opens.
// Ensures: the token of the first operator, which only its hash remains of.
absl::StatusOr<std::string> Initialise(const InitOptions& options);

// Journals what the files say and the exchange does not have yet.
// Ensures: how many definitions were new or changed. FailedPrecondition where the operator is none,
//          has another token or does not administer.
absl::StatusOr<std::size_t> Configure(const ConfigureOptions& options);

// A shard's exchange and its journal, brought back from the directory and ready to go on.
struct OpenShard {
  std::unique_ptr<engine::Exchange> exchange;
  engine::Recovery recovery;
};
// With a store of the directory's that then has all numbered events, or without.
// Ensures: DataLoss too where there is no record at all, as where a file system is not mounted.
absl::StatusOr<OpenShard> RecoverShard(const engine::DataDirectory& directory,
                                       engine::EventStore* store = nullptr);
absl::StatusOr<std::unique_ptr<engine::EventStore>> OpenEventStore(
    const engine::DataDirectory& directory, const Config& config);
// What makes the shard's snapshots. Requires: config.journal_snapshot_segments > 0; the outbox and
// the clock outlive it.
engine::Follower MakeFollower(const engine::DataDirectory& directory, const Config& config,
                              const engine::Recovery& recovery, engine::Outbox& outbox,
                              engine::Clock& clock);
// `takes_spare`: as JournalOptions has it. Whoever can wait for space leaves it to the daemon.
absl::StatusOr<std::unique_ptr<engine::Journal>> OpenJournal(const engine::DataDirectory& directory,
                                                             const Config& config,
                                                             const engine::JournalTail& tail,
                                                             std::string* writer_description,
                                                             bool takes_spare = false);

engine::ClockScale ScaleOf(const engine::ClusterDescription& description);

}  // namespace gateway
