#include "engine/runtime/recovery.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/runtime/snapshots.h"

namespace engine {
namespace {

void DrainTo(EventStore* store, Exchange& exchange) {
  std::array<Event, 256> events;
  while (exchange.Draining()) {
    const std::size_t count = exchange.Drain(events);
    for (std::size_t i = 0; store != nullptr && i < count; ++i) {
      if (events[i].event_number != 0) store->Add(events[i], exchange.time_ns());
    }
  }
}

std::string Describe(const OutcomeBody& outcome) {
  return absl::StrCat("result ", static_cast<int>(outcome.result), ", ", outcome.energy_wh,
                      " Wh at ", outcome.buy_price_ticks, " and ", outcome.sell_price_ticks,
                      " ticks, balance ", outcome.operator_balance_units, ", in ", outcome.fills,
                      " fills, rule ", static_cast<int>(outcome.rule.rule), " version ",
                      outcome.rule.rule_version, ", digest ", ToHex(outcome.digest));
}

absl::Status OutcomeDiffers(CommandView command, const std::optional<OutcomeBody>& computed) {
  const auto journaled = command.Items<OutcomeBody>();
  if (journaled.size() != 1) {
    return absl::DataLossError(absl::StrCat("sequence ", command.header().sequence,
                                            ": an outcome record of another layout"));
  }
  const OutcomeBody& outcome = journaled.front();
  return absl::DataLossError(
      absl::StrCat("sequence ", command.header().sequence, ": market ",
                   static_cast<std::uint32_t>(outcome.product.market), " product ",
                   outcome.product.start_minute, " (minutes since 1970, UTC) round ", outcome.round,
                   " comes out otherwise than the journal has it. Journal: ", Describe(outcome),
                   ". This program: ", computed ? Describe(*computed) : "no round was closed here",
                   ". Start the version that wrote the journal"));
}

}  // namespace

absl::Status Replay(CommandView command, Exchange& exchange, EventStore* store) {
  const CommandHeader& header = command.header();
  const bool follows = header.sequence == exchange.sequence() + 1 &&
                       header.time_ns >= exchange.time_ns() && !IsQuery(header.type);
  if (!follows) {
    return absl::DataLossError(absl::StrCat("sequence ", header.sequence, " at ", header.time_ns,
                                            " ns cannot follow sequence ", exchange.sequence(),
                                            " at ", exchange.time_ns(), " ns"));
  }
  if (header.type == CommandType::kOutcome) {
    const std::optional<OutcomeBody> computed = exchange.TakeOutcome();
    if (exchange.Apply(command)) return absl::OkStatus();
    return OutcomeDiffers(command, computed);
  }
  DrainTo(store, exchange);
  const auto digest = command.Items<RunningDigestBody>();
  const bool is_digest = header.type == CommandType::kRunningDigest && digest.size() == 1;
  if (is_digest && digest.front().digest != exchange.running_digest()) {
    return absl::DataLossError(absl::StrCat(
        "sequence ", header.sequence, ": all until here comes out otherwise than the journal has ",
        "it, whose running digest is ", ToHex(digest.front().digest), ", here ",
        ToHex(exchange.running_digest()), ". Start the version that wrote the journal"));
  }
  const bool takes = !IsFromClient(header.type) || exchange.Screen(command);
  if (takes && exchange.Apply(command)) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("sequence ", header.sequence, ": a command of type ",
                                          static_cast<int>(header.type),
                                          " that contradicts the state it meets"));
}

namespace {

// What a journal is replayed into.
struct Target {
  Exchange& exchange;
  EventStore* store = nullptr;
};

// `follows`: whether the records that could be read follow the exchange's state.
absl::Status ReplayRest(Disk& disk, const ReadOptions& options, const Target& target,
                        Recovery& recovery, bool& follows) {
  Exchange& exchange = target.exchange;
  follows = true;
  absl::StatusOr<JournalTail> tail = Recover(disk, options, [&](CommandView command) {
    if (command.header().type == CommandType::kOutcome) ++recovery.rounds;
    absl::Status status = Replay(command, exchange, target.store);
    follows = status.ok();
    return status;
  });
  if (!tail.ok()) return tail.status();
  DrainTo(target.store, exchange);
  recovery.sequence = exchange.sequence();
  recovery.digest = exchange.StateDigest();
  recovery.tail = *std::move(tail);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Recovery> RecoverExchange(Disk& disk, const ReadOptions& options,
                                         Exchange& exchange) {
  CHECK(options.from_sequence == 1 && exchange.sequence() == 0);
  Recovery recovery;
  bool follows = true;
  const absl::Status status = ReplayRest(disk, options, {.exchange = exchange}, recovery, follows);
  if (!status.ok()) return status;
  return recovery;
}

absl::StatusOr<Recovery> RecoverFromSnapshot(Disk& disk, const ReadOptions& options,
                                             std::unique_ptr<Exchange>& exchange,
                                             EventStore* store) {
  CHECK(options.from_sequence == 1 && options.identity.has_value());
  Recovery recovery;
  for (std::uint64_t before = store == nullptr ? UINT64_MAX : store->covered() + 1;;) {
    absl::StatusOr<LoadedSnapshot> loaded =
        LoadNewestSnapshot(disk, options.folder, *options.identity, before);
    if (!loaded.ok()) return loaded.status();
    exchange = std::move(loaded->exchange);
    recovery.snapshot_sequence = loaded->sequence;
    recovery.rounds = 0;
    std::ranges::move(loaded->damaged, std::back_inserter(recovery.damaged));
    ReadOptions rest = options;
    rest.from_sequence = loaded->sequence + 1;
    bool follows = true;
    const absl::Status status = ReplayRest(disk, rest, {*exchange, store}, recovery, follows);
    if (status.ok()) break;
    // The snapshot may be wrong, though it is whole. But a journal that ends before it, or cannot
    // be read, has lost what was in it.
    if (loaded->sequence == 0 || follows) return status;
    recovery.damaged.push_back(absl::StrCat(SnapshotName(loaded->sequence), ": the journal behind ",
                                            "it does not follow: ", status.message()));
    before = loaded->sequence;
    if (store == nullptr) continue;
    // It may have been told of what never was.
    if (absl::Status cleared = store->Clear(); !cleared.ok()) return cleared;
    before = 1;
  }
  // The journal ends where the snapshot was made: its time was read with that.
  recovery.tail.last_time_ns = std::max(recovery.tail.last_time_ns, exchange->time_ns());
  if (store == nullptr) return recovery;
  const std::uint64_t told = std::max(store->covered(), store->newest_sequence());
  if (told > recovery.sequence) {
    return absl::DataLossError(absl::StrCat(options.folder, ": the outbox knows of sequence ", told,
                                            ", and the journal ", "ends at ", recovery.sequence,
                                            ". If an older journal was restored here, remove the ",
                                            "outbox-*.log files"));
  }
  for (const auto& [credential, next] : exchange->next_events()) store->Expect(credential, next);
  store->Cover(recovery.sequence);
  store->Write(exchange->time_ns());
  return recovery;
}

}  // namespace engine
