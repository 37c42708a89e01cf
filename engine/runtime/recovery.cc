#include "engine/runtime/recovery.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/core/check.h"
#include "engine/journal/journal_beginning.h"
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

// `follows`: whether the records that could be read follow the exchange's state. Those that are in
// it already are read and passed over.
absl::Status ReplayRest(Disk& disk, const ReadOptions& options, const Target& target,
                        Recovery& recovery, bool& follows) {
  Exchange& exchange = target.exchange;
  const std::uint64_t begins_behind = exchange.sequence();
  follows = true;
  absl::StatusOr<JournalTail> tail = Recover(disk, options, [&](CommandView command) {
    if (command.header().sequence <= begins_behind) return absl::OkStatus();
    if (command.header().type == CommandType::kOutcome) ++recovery.rounds;
    absl::Status status = Replay(command, exchange, target.store);
    follows = status.ok();
    return status;
  });
  if (!tail.ok()) return tail.status();
  if (tail->next_sequence <= begins_behind) {
    return absl::DataLossError(absl::StrCat(options.folder, ": the journal ends before sequence ",
                                            tail->next_sequence, ", and a snapshot has ",
                                            begins_behind, ": acknowledged records are lost"));
  }
  DrainTo(target.store, exchange);
  recovery.sequence = exchange.sequence();
  recovery.digest = exchange.StateDigest();
  recovery.tail = *std::move(tail);
  return absl::OkStatus();
}

// The snapshots that a recovery may begin with and has not tried yet.
class UntriedSnapshots {
 public:
  static absl::StatusOr<UntriedSnapshots> Find(Disk& disk, const ReadOptions& options) {
    const auto beginning = ReadBeginning(disk, options.folder, options.identity);
    if (!beginning.ok()) return beginning.status();
    absl::StatusOr<std::vector<std::uint64_t>> sequences = ListSnapshots(disk, options.folder);
    if (!sequences.ok()) return sequences.status();
    std::erase_if(*sequences,
                  [&](std::uint64_t sequence) { return sequence + 1 < beginning->sequence; });
    return UntriedSnapshots(*beginning, *std::move(sequences));
  }

  // Whether records were removed, so that no recovery can do without a snapshot.
  bool AreNeeded() const { return beginning_.sequence > 1; }

  // The newest one of `most` or before; where there is none and one is needed, the oldest one
  // behind. 0: there is none.
  std::uint64_t Next(std::uint64_t most) {
    auto next = std::ranges::find_if(newest_first_, [=](std::uint64_t s) { return s <= most; });
    if (next == newest_first_.end()) {
      if (!AreNeeded() || newest_first_.empty()) return 0;
      --next;
    }
    const std::uint64_t sequence = *next;
    newest_first_.erase(next);
    return sequence;
  }

  // It could not be begun with.
  void PassOver(const absl::Status& why) {
    if (IsDiskFault(why)) unreadable_ = why;
  }
  // Why one cannot be read now, of which nobody knows whether it is whole; OK: all could be.
  const absl::Status& unreadable() const { return unreadable_; }

  absl::Status NoneIsWhole(const std::string& folder,
                           const std::vector<std::string>& damaged) const {
    if (!unreadable_.ok()) return unreadable_;
    return absl::DataLossError(absl::StrCat(
        folder, ": the journal begins with sequence ", beginning_.sequence, " (",
        SegmentName(beginning_.segment), "), since what was before was removed, and there is no ",
        "whole snapshot of sequence ", beginning_.sequence - 1, " or later to begin with",
        damaged.empty() ? "" : ": ", absl::StrJoin(damaged, "; "),
        ". Restore a snapshot-*.snap file of this folder, or a backup"));
  }

 private:
  UntriedSnapshots(const JournalBeginning& beginning, std::vector<std::uint64_t> newest_first)
      : beginning_(beginning), newest_first_(std::move(newest_first)) {}

  JournalBeginning beginning_;
  std::vector<std::uint64_t> newest_first_;
  absl::Status unreadable_;
};

// From the next snapshot of `most` or before that is whole, which recovery.snapshot_sequence then
// is; a new exchange where none is needed. `recovery` gets what is wrong with the others.
absl::StatusOr<std::unique_ptr<Exchange>> BeginFrom(Disk& disk, const ReadOptions& options,
                                                    UntriedSnapshots& snapshots, std::uint64_t most,
                                                    Recovery& recovery) {
  for (;;) {
    const std::uint64_t sequence = snapshots.Next(most);
    recovery.snapshot_sequence = sequence;
    if (sequence == 0 && !snapshots.AreNeeded()) return std::make_unique<Exchange>();
    if (sequence == 0) return snapshots.NoneIsWhole(options.folder, recovery.damaged);
    // What lies between the two would be given up, and for ever.
    if (sequence > most && !snapshots.unreadable().ok()) return snapshots.unreadable();
    auto exchange = LoadSnapshot(disk, options.folder, sequence, *options.identity);
    if (exchange.ok() || absl::IsFailedPrecondition(exchange.status())) return exchange;
    snapshots.PassOver(exchange.status());
    recovery.damaged.emplace_back(exchange.status().message());
  }
}

// To which command a store has every numbered event. Of one with damage, none: so much as the
// journal can is made again.
std::uint64_t CoveredBy(const EventStore* store) {
  if (store == nullptr) return UINT64_MAX;
  return store->damaged().empty() ? store->covered() : 0;
}

absl::Status CheckStore(const std::string& folder, const Recovery& recovery,
                        const EventStore& store) {
  const std::uint64_t told = std::max(store.covered(), store.newest_sequence());
  if (told > recovery.sequence) {
    return absl::DataLossError(absl::StrCat(folder, ": the outbox knows of sequence ", told,
                                            ", and the journal ends at ", recovery.sequence,
                                            ". If an older journal was restored here, remove the ",
                                            "outbox-*.log files"));
  }
  return absl::OkStatus();
}

// Replays once more what the recovery has replayed, for the store: what it is told is right then.
absl::Status TellStore(Disk& disk, const ReadOptions& rest, std::unique_ptr<Exchange>& exchange,
                       const Recovery& recovery, EventStore& store) {
  exchange = nullptr;  // Two are more than there may be memory for.
  auto begun = std::make_unique<Exchange>();
  if (const std::uint64_t begins_behind = recovery.snapshot_sequence; begins_behind > 0) {
    auto loaded = LoadSnapshot(disk, rest.folder, begins_behind, *rest.identity);
    if (!loaded.ok()) return loaded.status();
    begun = *std::move(loaded);
  }
  Recovery again;
  bool follows = true;
  absl::Status status = ReplayRest(disk, rest, {*begun, &store}, again, follows);
  if (!status.ok()) return status;
  if (again.sequence != recovery.sequence || again.digest != recovery.digest) {
    return absl::DataLossError(absl::StrCat(rest.folder, ": read twice, the journal comes to ",
                                            "something else the second time"));
  }
  exchange = std::move(begun);
  return absl::OkStatus();
}

// Ensures: the store has all events of the recovered exchange, but those that are gone.
absl::Status CompleteStore(Disk& disk, const ReadOptions& rest, std::unique_ptr<Exchange>& exchange,
                           const Recovery& recovery, EventStore& store) {
  if (absl::Status status = CheckStore(rest.folder, recovery, store); !status.ok()) return status;
  // Those that are whole are not left out where the journal makes all of it again.
  if (!store.damaged().empty() && recovery.snapshot_sequence == 0) {
    if (absl::Status status = store.Clear(); !status.ok()) return status;
  }
  if (recovery.events_gone_to > 0) store.SetAsideWhatIsDamaged();
  if (absl::Status status = store.Begin(); !status.ok()) return status;
  if (CoveredBy(&store) < recovery.sequence) {
    absl::Status status = TellStore(disk, rest, exchange, recovery, store);
    if (!status.ok()) return status;
  }
  for (const auto& [credential, next] : exchange->next_events()) store.Expect(credential, next);
  store.Cover(recovery.sequence);
  store.Write(exchange->time_ns());
  return store.GoOn();
}

}  // namespace

absl::StatusOr<Recovery> RecoverExchange(Disk& disk, const ReadOptions& options,
                                         Exchange& exchange) {
  CHECK(options.from_sequence == 1 && exchange.sequence() == 0);
  absl::StatusOr<UntriedSnapshots> snapshots = UntriedSnapshots::Find(disk, options);
  if (!snapshots.ok()) return snapshots.status();
  Recovery recovery;
  ReadOptions kept = options;
  if (snapshots->AreNeeded()) {
    CHECK(options.identity.has_value());
    kept.from_sequence = kFromTheBeginning;
    auto loaded = BeginFrom(disk, options, *snapshots, /*most=*/0, recovery);
    if (!loaded.ok()) return loaded.status();
    exchange = std::move(**loaded);
  }
  bool follows = true;
  const absl::Status status = ReplayRest(disk, kept, {.exchange = exchange}, recovery, follows);
  if (!status.ok()) return status;
  return recovery;
}

absl::StatusOr<Recovery> RecoverFromSnapshot(Disk& disk, const ReadOptions& options,
                                             std::unique_ptr<Exchange>& exchange,
                                             EventStore* store) {
  CHECK(options.from_sequence == 1 && options.identity.has_value());
  absl::StatusOr<UntriedSnapshots> snapshots = UntriedSnapshots::Find(disk, options);
  if (!snapshots.ok()) return snapshots.status();
  Recovery recovery;
  const std::uint64_t covered = CoveredBy(store);
  ReadOptions rest = options;
  for (;;) {
    exchange = nullptr;
    auto loaded = BeginFrom(disk, options, *snapshots, covered, recovery);
    if (!loaded.ok()) return loaded.status();
    exchange = *std::move(loaded);
    const std::uint64_t begins_behind = recovery.snapshot_sequence;
    recovery.rounds = 0;
    recovery.events_gone_to = begins_behind > covered ? begins_behind : 0;
    rest.from_sequence = begins_behind + 1;
    bool follows = true;
    const absl::Status status = ReplayRest(disk, rest, {.exchange = *exchange}, recovery, follows);
    if (status.ok()) break;
    // The snapshot may be wrong, though it is whole. But a journal that ends before it, or cannot
    // be read, has lost what was in it.
    if (begins_behind == 0 || follows) return status;
    recovery.damaged.push_back(absl::StrCat(SnapshotName(begins_behind), ": the journal behind it ",
                                            "does not follow: ", status.message()));
  }
  // The journal ends where the snapshot was made: its time was read with that.
  recovery.tail.last_time_ns = std::max(recovery.tail.last_time_ns, exchange->time_ns());
  if (store == nullptr) return recovery;
  absl::Status status = CompleteStore(disk, rest, exchange, recovery, *store);
  if (!status.ok()) return status;
  return recovery;
}

}  // namespace engine
