// A shard: the exchange of some markets, its journal and its ends of the links to the gateways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "engine/core/exchange.h"
#include "engine/core/lottery_key.h"
#include "engine/journal/journal.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/counters.h"
#include "engine/runtime/held_events.h"
#include "engine/runtime/link.h"
#include "engine/runtime/outbox.h"

namespace engine {

struct ShardOptions {
  std::size_t held_events = std::size_t{1} << 15;  // A link; a power of two, at least 1,024.
  // Whichever is first. What was taken is on its way to disk while the next is applied, and other
  // markets' gates are looked at between turns.
  std::uint32_t commands_a_turn = 256;
  std::uint32_t items_a_turn = 1'024;  // Of the commands together: orders, cancels, answers.
  std::uint32_t events_a_turn = 4'096;
  // In exchange time. A round that is closed this soon after its gate is not too late, even where
  // the market's gate lies right at its minimum notice.
  std::int64_t late_ns = 1'000'000'000;
  // In exchange time. After a start, controllers whose answers are waited for have so long to come
  // back.
  std::int64_t reconnect_grace_ns = 10'000'000'000;
  std::uint64_t digest_bytes = std::uint64_t{4} << 20;  // Of commands, between two digests.
  // The same at every start: else the rounds with a lottery that are open then are void.
  LotteryKey lottery{};
};

// A turn of work does a bounded amount of each, in this order:
//   time      what is due is stamped, journaled and applied. A gate closes only when every link has
//             been read up to it (link.h); until then only what was stamped before it is taken, so
//             that an order is in time if the gateway had read its frame before the gate. What is
//             done late is stamped with the time at which it was due, so that it closes no other
//             gate too early; a round that is too late to be cleared with the first moment at which
//             it is, and a product that is too late to be opened with the time that it is.
//   commands  from the links in turn, while journal and held events have room for the worst of one.
//             Where there is no space for the journal's next segment, new orders are refused, and
//             in the second half of the last one whatever a client sends: gates close on.
//   events    from the exchange to the links' held events. An event is for the link of its
//             credential's last logon; where there is none it is dropped: the outbox has it. A
//             logon has a number, so that gateways agree which of two is the newer one, and a
//             kDisconnect of a logon that is not the credential's last is dropped too.
//   journal   one step; then what has become durable leaves for the rings.
// Whenever so much has been journaled, and at the end, the running digest is journaled too, so that
// whoever replays it knows that he comes to what the shard came to.
// A gateway that does not take its events stops the intake of all when its held events are full;
// nothing is lost, and the others' events go on.
//
// Thread: one at a time; nothing waits in it. Cost: no allocation but where the exchange's state
// or the number of credentials seen grows beyond what it was.
class Shard {
 public:
  // Requires: the exchange is as the journal left it: same sequence. The clock outlives the shard.
  Shard(std::unique_ptr<Exchange> exchange, std::unique_ptr<Journal> journal, Clock& clock,
        std::vector<ShardEnd> links, const ShardOptions& options);

  // Numbered events go to an outbox too. Requires: no turn yet.
  void Tap(EventTap tap);

  // Ensures: true if it did anything; false also for ever after an error: see status().
  bool Turn();

  // What stopped it: the journal cannot be written. Nothing undurable was told to anyone.
  const absl::Status& status() const { return status_; }

  // How long its thread may sleep when Turn() did nothing and nobody rings, in real nanoseconds;
  // -1: for ever.
  std::int64_t IdleNs();

  // Whether all that was sent to it is done, on disk and in the rings.
  bool AtRest();

  // Before turning again after a sleep.
  void WokenUp() { journal_->ClearCompletionFd(); }
  int completion_fd() const { return journal_->completion_fd(); }

  // Blocks until all that was taken is on disk, then releases its events as far as the rings have
  // room: the last thing before a shard ends.
  absl::Status Settle();

  // Of what is on disk, but for disk_full, which is so now: nobody is told of what a crash may
  // undo.
  const ShardCounters& counters() const { return published_; }
  const Exchange& exchange() const { return *exchange_; }

 private:
  bool DoDue(std::int64_t now_ns);
  bool DoOneDue(const DueCommand& due, std::int64_t now_ns);
  std::int64_t StampOf(const DueCommand& due, std::int64_t now_ns) const;
  bool IsOfTheLastLogon(CommandView disconnect) const;
  bool EveryLinkIsReadUpTo(std::int64_t gate_ns);
  void JournalOutcome();
  void ResumeAtStart(std::int64_t now_ns);
  void ResumeGames(const ProductId& product, std::int64_t until_ns);
  bool TakeCommands();
  struct Share {
    std::uint32_t commands = 0;
    std::uint32_t items = 0;
  };
  Share TakeFrom(std::size_t link, Share most);
  bool HasRoomFor(const CommandHeader& command) const;
  void Take(std::size_t link, CommandHeader& command);
  bool IsTaken(const CommandHeader& command) const;
  void RefuseForSpace(const CommandHeader& command);
  [[nodiscard]] bool ApplyAndJournal(CommandHeader& command, std::int64_t time_ns);
  bool PublishIndicative(std::int64_t now_ns);
  bool HasRoomForIndicative() const;
  bool DrainEvents();
  void DrainAnswers();
  void DrainPiece(std::size_t most);
  std::size_t HeldRoom() const;
  void Route(Event& event);
  void Count(const Event& event);
  bool WriteJournal();
  void JournalDigest();
  void JournalDigestIfDue();
  bool TellCovered();
  bool Release();
  void ReadGauges();
  void PublishCounters();
  void PublishGathered();

  const ShardOptions options_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Journal> journal_;
  Clock& clock_;
  std::vector<ShardEnd> links_;
  std::vector<HeldEvents> held_;  // One a link.
  std::optional<EventTap> tap_;
  std::optional<HeldEvents> held_tap_;  // With it.
  std::uint64_t covered_ = 0;           // What the tap was told, and whether
  bool tapped_ = false;                 // it was told of events since.
  std::vector<Event> piece_;            // What Drain() fills before it is routed.
  const GameCounts games_before_;       // Of the replay.
  struct LastLogon {
    std::size_t link = 0;
    std::uint64_t number = 0;
  };
  absl::flat_hash_map<CredentialId, LastLogon> last_logon_;
  // Controllers may not be back before; set by the first turn.
  std::int64_t grace_until_ns_ = INT64_MIN;
  std::uint64_t logons_ = 0;
  std::size_t asking_link_ = 0;  // Where the last question came from.
  std::size_t first_link_ = 0;   // Whose turn it is to be first.
  // When time next asks for something; what is stamped then or later is not taken before it is
  // done.
  std::int64_t next_due_ns_ = INT64_MIN;
  bool due_waits_ = false;      // It is due, and waits for a link or for room.
  bool answers_wait_ = false;   // The exchange may still have answers to the last command.
  bool answers_count_ = false;  // They are new ones, not repeated.
  std::int64_t indicative_ns_ = INT64_MIN;  // When to publish next.
  std::uint64_t undigested_bytes_ = 0;      // Journaled since the last digest.
  absl::Status status_;
  ShardCounters counters_;               // As it happens;
  ShardCounters gathered_;               // as they were
  std::uint64_t gathered_sequence_ = 0;  // after this command, which may not be on disk;
  ShardCounters published_;              // and as anybody may see them.
};

}  // namespace engine
