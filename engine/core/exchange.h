// The exchange of one shard: markets, products, books and the clients' sequences. Pure: the same
// commands make the same events and the same digest on every machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/core/command.h"
#include "engine/core/digest.h"
#include "engine/core/event.h"
#include "engine/core/state_bytes.h"

namespace engine {

// What a due command's body has to hold as `lottery`, which only its owner knows: LotteryKey.
struct LotteryNeed {
  enum class Part : std::uint8_t { kNone, kHash, kSecret };

  Part part = Part::kNone;
  std::uint64_t round_began = 0;  // With kSecret: sequence of the command that announced its hash,
  LotteryBytes hash{};            // and the hash.
};

// A command that time, not a client, asks for.
struct DueCommand {
  std::int64_t due_ns = 0;       // INT64_MIN: at once.
  std::int64_t too_late_ns = 0;  // Stamped so or later, the round is void or the product skipped.
  CommandType type{};            // One of those that are made when their time has come.
  ProductBody body;
  LotteryNeed lottery;
};

// How large the state is, and may become.
struct ExchangeSize {
  std::uint64_t accounts = 0;
  std::uint64_t credentials = 0;
  std::uint64_t devices = 0;        // Of the credentials.
  std::uint64_t products_most = 0;  // That may be open at once,
  std::uint64_t queue_bytes = 0;    // and the price queues of those that trade continuously.
};

// Rounds that were played, since the process began, a replay's included.
struct GameCounts {
  std::uint64_t played = 0;
  std::uint64_t steps = 0;
  std::uint64_t silences = 0;   // Buyers who did not answer in time, summed over steps.
  std::uint64_t fell_back = 0;  // Games whose answers contradicted a search by halves.
};

// How its owner drives it:
//   client command: if Screen() then { give it the next sequence; journal it; Apply() }; Drain()
//   question:       Ask(); Drain()
//   time:           while NextDue() is due: add its lottery, journal and Apply() it; Drain()
//   after each:     if TakeOutcome() then journal it as kOutcome and Apply() it before anything
//   else
//   at a start, and where a price is announced late: if Playing() then journal and Apply() a
//   kResumeGames
//
// A round's events are handed out by Drain() in pieces; until the last is out its book is clearing
// and NextDue() does not finish the round. Other books go on meanwhile. The answer to a question
// about what is open is handed out in pieces too, and waits for the others.
//
// Thread: one owner. Cost: Apply is O(items) and allocates only where state grows beyond what it
// was; a clear is O(orders of the book + levels between its lowest and highest limit); kCancelAll
// and kDisconnect are O(open orders of the credential, and the open products of the market of each
// of its accounts that has one).
class Exchange {
 public:
  Exchange();
  ~Exchange();
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;

  // Whether a client's command is the next of its credential. If not (a resend, a gap, an unknown
  // credential) its answer waits in Drain() and the command must be neither journaled nor applied.
  // Requires: IsFromClient(command type); the last Apply's and Ask's events are drained to answers.
  bool Screen(CommandView command);

  // Applies a command.
  // Requires: header.sequence == sequence() + 1, header.time_ns >= time_ns(), not a query; for a
  //           client's command, Screen() said yes; for a definition, all drained.
  // Ensures:  false, and nothing changed, where the command contradicts the state: a kOutcome or
  //           kRunningDigest that is not what this exchange computed, a definition that names what
  //           is not there, a round that is not due. A replay stops there; a daemon asks before it
  //           journals.
  [[nodiscard]] bool Apply(CommandView command);

  // Answers a question (kListOpenOrders, kListProducts, kLogon) from the state as it is. Changes
  // nothing. A credential that asks what is open before its last answer is out hears kBusy.
  void Ask(CommandView query);

  // Moves waiting events out, oldest first; each carries the sequence that must be durable first.
  // Ensures: returns how many: none at all while it counts a large book. Ask Draining() for the
  // end. Cost: O(out.size()), however large the round.
  std::size_t Drain(std::span<Event> out);
  bool Draining() const;
  // How many numbered events wait in it, each round counted once: where it becomes too many, its
  // owner takes no more commands for a while.
  std::size_t Waiting() const;
  // Whether answers of bounded size wait in it: what must be told before the next is taken.
  bool Answering() const;

  // The next command that time asks for; none where no market is defined. A sweep of a continuous
  // market is due at once; with kWait it is passed over, so that others are not behind it.
  enum class Sweeps : std::uint8_t { kGoOn, kWait };
  std::optional<DueCommand> NextDue(Sweeps sweeps = Sweeps::kGoOn) const;

  // What the last kCloseRound came to, once.
  std::optional<OutcomeBody> TakeOutcome();

  // Whether a round is being played: answers of its buyers are waited for.
  bool Playing() const;
  // Whether the product is played and its price is announced so late that buyers lack their wait.
  bool CallsLate(ProductId id, std::int64_t now_ns) const;
  GameCounts game_counts() const;

  // The indicative events whose interval has passed at `now_ns`; they wait in Drain(). Changes
  // nothing that Digest() sees. Ensures: returns when to call next; INT64_MAX: never.
  std::int64_t PublishIndicative(std::int64_t now_ns);

  std::uint64_t sequence() const;             // Of the last command applied.
  std::int64_t time_ns() const;               // Of the last command applied.
  const DigestBytes& running_digest() const;  // What a kRunningDigest has to hold.
  std::uint32_t entry_version() const;        // What says which orders are taken: kEntryVersion.
  std::uint64_t open_orders() const;
  std::size_t memory_bytes() const;  // Books and tables; not the registry.

  // The definition in force, so that files are compared with it; null where there is none.
  const MarketDefinition* FindMarket(MarketId id) const;
  const MeteringPointBody* FindMeteringPoint(MeteringPointId id) const;
  const AccountBody* FindAccount(AccountId id) const;
  const CredentialBody* FindCredential(CredentialId id) const;
  // By place, zero where there is none.
  std::array<CertificateHash, kCertificatesACredential> FindCertificates(CredentialId id) const;
  const GenesisBody& genesis() const;
  // For each credential the number that its next numbered event will have when it is drained.
  std::vector<std::pair<CredentialId, std::uint64_t>> next_events() const;
  ExchangeSize size() const;

  // The whole state in canonical bytes: what later commands come to hangs on nothing else.
  // Cost: O(state).
  void Save(StateWriter& out) const;
  DigestBytes StateDigest() const;  // Of these bytes.
  // Takes over a state that was saved; what had not been told when it was saved is not told again.
  // Requires: it is new. Ensures: false, and it is good for nothing, where the bytes are no state:
  //           in.error() says why.
  [[nodiscard]] bool Load(StateReader& in);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
