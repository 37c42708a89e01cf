// Keeps the numbered events of a shard, and tells them again to whoever was away or reads too
// slowly.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/core/event.h"
#include "engine/outbox/event_store.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/doorbell.h"
#include "engine/runtime/ring.h"

namespace engine {

// A gateway asks for a credential's events from number `from` on, which were told or are about to
// be: until the first of them is there the answer waits.
struct MissedQuery {
  std::uint64_t session = 0;  // Comes back with the answer.
  CredentialId credential{};
  std::uint32_t most = 0;  // Events in the answer; 0: the session has ended, and waits for none.
  std::uint64_t from = 0;
};

// An answer is some kEvent, in order, and kEnd behind the last; or kGone or kNotNow alone.
struct MissedEvent {
  enum class Kind : std::uint8_t {
    kEvent,
    kEnd,
    kGone,    // They are no longer kept.
    kNotNow,  // They cannot be read, or cannot be kept before the next start.
  };
  std::uint64_t session = 0;
  Kind kind{};
  std::uint64_t first = 0;  // With kGone: of the credential, that can be asked for; 0: none.
  Event event;
};

// Both ends of the questions of one gateway thread.
struct MissedGatewayEnd {
  RingSender<MissedQuery> queries;
  RingReceiver<MissedEvent> events;
  Doorbell* outbox_doorbell;
};
struct MissedOutboxEnd {
  RingReceiver<MissedQuery> queries;
  RingSender<MissedEvent> events;
  Doorbell* gateway_doorbell;
};
struct MissedLink {
  MissedGatewayEnd gateway;
  MissedOutboxEnd outbox;
};
// Requires: both doorbells outlive both ends.
MissedLink MakeMissedLink(Doorbell& gateway_doorbell, Doorbell& outbox_doorbell,
                          std::size_t queries = std::size_t{1} << 10,
                          std::size_t events = std::size_t{1} << 12);

// The shard's side: each numbered event once it is durable, and kCovered.
struct EventTap {
  RingSender<Event> events;
  Doorbell* outbox_doorbell;
};
struct TappedEvents {
  RingReceiver<Event> events;
  Doorbell* shard_doorbell;
};
struct TapLink {
  EventTap shard;
  TappedEvents outbox;
};
TapLink MakeTapLink(Doorbell& shard_doorbell, Doorbell& outbox_doorbell,
                    std::size_t events = std::size_t{1} << 14);

// A turn of work takes a bounded number of events, writes them, then answers what can be answered,
// in the order of the blocks, each of which is then read once. It blocks on the disk: it has a
// thread of its own. Where it falls behind, the shard takes no more commands.
//
// Thread: one owner; WantSynced(), synced() and gone_bad() are for any.
class Outbox {
 public:
  // Requires: the clock and the doorbells outlive it; `doorbell` is rung for it.
  Outbox(std::unique_ptr<EventStore> store, Clock& clock, Doorbell& doorbell, TappedEvents tapped,
         std::vector<MissedOutboxEnd> links);

  // Ensures: true if it did anything.
  bool Turn();

  // Asks that all events of the commands up to `sequence` be on disk; synced() then gets there,
  // unless the store can keep nothing more.
  void WantSynced(std::uint64_t sequence);
  std::uint64_t synced() const { return synced_.load(std::memory_order_acquire); }
  // Nothing is kept any more before the next start: store().status() says why. A full disk is none
  // of it: what it has no space for is kept in memory, and synced() waits.
  bool gone_bad() const { return gone_bad_.load(std::memory_order_acquire); }

  // Whether an answer waits for room, or something that is kept for space on the disk: nobody rings
  // for either.
  bool waits() const;
  // The last thing: what was taken is on disk.
  void Settle();
  Doorbell& doorbell() { return doorbell_; }

  // Why something that is kept could not be read, the last time; OK: nothing.
  const absl::Status& read_status() const { return read_status_; }
  const EventStore& store() const { return *store_; }

 private:
  // A query that waits: its events are not there yet, or its ring has no room.
  struct Link {
    MissedOutboxEnd end;
    std::vector<MissedQuery> waiting;
  };

  bool TakeEvents();
  void Take(const Event& event, std::int64_t now_ns);
  bool WaitsForSpace() const { return store_->status().ok() && !store_->space().ok(); }
  bool WriteWhatWaits();
  bool SyncWhatIsWanted();
  bool AnswerOn(Link& link);
  static void TakeQuery(const MissedQuery& query, std::vector<MissedQuery>& waiting);
  void SortByBlock(Link& link) const;
  bool CanRead(const MissedQuery& query) const;
  bool Answer(const MissedQuery& query, Link& link);
  bool PutEvents(const MissedQuery& query, MissedEvent answer, RingSender<MissedEvent>& to);
  void Publish();

  std::unique_ptr<EventStore> store_;
  Clock& clock_;
  Doorbell& doorbell_;
  TappedEvents tapped_;
  std::vector<Link> links_;
  std::vector<Event> piece_;
  absl::Status read_status_;
  std::atomic<std::uint64_t> wanted_{0};
  std::atomic<std::uint64_t> synced_{0};
  std::atomic<bool> gone_bad_{false};
};

}  // namespace engine
