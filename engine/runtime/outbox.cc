#include "engine/runtime/outbox.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace engine {
namespace {

constexpr std::size_t kTakenATurn = 8'192;
constexpr std::size_t kReadEventsMost = 512;

}  // namespace

MissedLink MakeMissedLink(Doorbell& gateway_doorbell, Doorbell& outbox_doorbell,
                          std::size_t queries, std::size_t events) {
  Ring<MissedQuery> there = MakeRing<MissedQuery>(queries);
  Ring<MissedEvent> back = MakeRing<MissedEvent>(events);
  return {{std::move(there.sender), std::move(back.receiver), &outbox_doorbell},
          {std::move(there.receiver), std::move(back.sender), &gateway_doorbell}};
}

TapLink MakeTapLink(Doorbell& shard_doorbell, Doorbell& outbox_doorbell, std::size_t events) {
  Ring<Event> ring = MakeRing<Event>(events);
  return {{std::move(ring.sender), &outbox_doorbell}, {std::move(ring.receiver), &shard_doorbell}};
}

Outbox::Outbox(std::unique_ptr<EventStore> store, Clock& clock, Doorbell& doorbell,
               TappedEvents tapped, std::vector<MissedOutboxEnd> links)
    : store_(std::move(store)),
      clock_(clock),
      doorbell_(doorbell),
      tapped_(std::move(tapped)),
      piece_(kReadEventsMost) {
  links_.reserve(links.size());
  for (MissedOutboxEnd& end : links) links_.push_back({.end = std::move(end), .waiting = {}});
  Publish();
}

bool Outbox::Turn() {
  bool did = TakeEvents();
  did = WriteWhatWaits() || did;
  did = SyncWhatIsWanted() || did;
  for (Link& link : links_) did = AnswerOn(link) || did;
  Publish();
  return did;
}

void Outbox::WantSynced(std::uint64_t sequence) {
  wanted_.store(sequence, std::memory_order_release);
  doorbell_.Ring();
}

bool Outbox::waits() const {
  return WaitsForSpace() || std::any_of(links_.begin(), links_.end(),
                                        [](const Link& link) { return !link.waiting.empty(); });
}

void Outbox::Settle() {
  store_->Sync(clock_.NowNs());
  Publish();
}

void Outbox::Publish() {
  synced_.store(store_->synced(), std::memory_order_release);
  gone_bad_.store(!store_->status().ok(), std::memory_order_release);
}

void Outbox::Take(const Event& event, std::int64_t now_ns) {
  if (event.type == EventType::kCovered) {
    store_->Cover(event.sequence);
  } else {
    store_->Add(event, now_ns);
  }
}

bool Outbox::TakeEvents() {
  std::size_t taken = 0;
  const std::int64_t now_ns = clock_.NowNs();
  for (auto ready = tapped_.events.Ready(); !ready.empty() && taken < kTakenATurn;
       ready = tapped_.events.Ready()) {
    for (const Event& event : ready) Take(event, now_ns);
    taken += ready.size();
    tapped_.events.Consume(ready.size());
  }
  if (taken == 0) return false;
  store_->Write(now_ns);
  tapped_.shard_doorbell->Ring();  // The shard may wait for room.
  return true;
}

// Though no event comes.
bool Outbox::WriteWhatWaits() {
  if (!WaitsForSpace()) return false;
  store_->Write(clock_.NowNs());
  return !WaitsForSpace();
}

bool Outbox::SyncWhatIsWanted() {
  const std::uint64_t wanted = wanted_.load(std::memory_order_acquire);
  if (store_->synced() >= wanted || store_->covered() < wanted) return false;
  if (!store_->status().ok() || WaitsForSpace()) return false;
  store_->Sync(clock_.NowNs());
  return true;
}

void Outbox::TakeQuery(const MissedQuery& query, std::vector<MissedQuery>& waiting) {
  if (query.most > 0) return waiting.push_back(query);
  std::erase_if(waiting, [&](const MissedQuery& other) { return other.session == query.session; });
}

bool Outbox::CanRead(const MissedQuery& query) const {
  const EventStore::Kept kept = store_->KeptOf(query.credential);
  return query.from >= kept.first && query.from < kept.next;
}

void Outbox::SortByBlock(Link& link) const {
  if (link.waiting.size() < 2) return;
  std::vector<std::pair<std::uint64_t, MissedQuery>> places;
  places.reserve(link.waiting.size());
  for (const MissedQuery& query : link.waiting) {
    const std::uint64_t block =
        CanRead(query) ? store_->BlockOf(query.credential, query.from) : UINT64_MAX;
    places.emplace_back(block, query);
  }
  std::ranges::stable_sort(places, {}, [](const auto& place) { return place.first; });
  std::ranges::transform(places, link.waiting.begin(),
                         [](const auto& place) { return place.second; });
}

bool Outbox::AnswerOn(Link& link) {
  for (auto ready = link.end.queries.Ready(); !ready.empty(); ready = link.end.queries.Ready()) {
    for (const MissedQuery& query : ready) TakeQuery(query, link.waiting);
    link.end.queries.Consume(ready.size());
  }
  if (link.waiting.empty() || link.end.events.Room(2) < 2) return false;
  SortByBlock(link);
  const std::size_t before = link.waiting.size();
  std::erase_if(link.waiting, [&](const MissedQuery& query) { return Answer(query, link); });
  if (link.waiting.size() == before) return false;
  link.end.events.Publish();
  link.end.gateway_doorbell->Ring();
  return true;
}

// Ensures: false where it has to wait.
bool Outbox::Answer(const MissedQuery& query, Link& link) {
  RingSender<MissedEvent>& to = link.end.events;
  if (to.Room(2) < 2) return false;
  MissedEvent answer;
  answer.session = query.session;
  answer.kind = MissedEvent::Kind::kNotNow;
  if (store_->status().ok()) {
    const EventStore::Kept kept = store_->KeptOf(query.credential);
    if (query.from >= kept.next) return false;  // Not here yet.
    answer.first = kept.first;
    if (query.from < kept.first) answer.kind = MissedEvent::Kind::kGone;
  }
  const bool is_kept = store_->status().ok() && answer.kind != MissedEvent::Kind::kGone;
  if (is_kept && PutEvents(query, answer, to)) {
    answer.kind = MissedEvent::Kind::kEnd;
    answer.event = Event();
  }
  to.Put(answer);
  return true;
}

// Ensures: false where they cannot be read.
bool Outbox::PutEvents(const MissedQuery& query, MissedEvent answer, RingSender<MissedEvent>& to) {
  const std::size_t most =
      std::min<std::size_t>({query.most, piece_.size(), to.Room(query.most + 1) - 1});
  const absl::StatusOr<std::size_t> count =
      store_->Read(query.credential, query.from, std::span(piece_).first(most));
  if (!count.ok()) {
    read_status_ = count.status();
    return false;
  }
  answer.kind = MissedEvent::Kind::kEvent;
  for (std::size_t i = 0; i < *count; ++i) {
    answer.event = piece_[i];
    to.Put(answer);
  }
  return true;
}

}  // namespace engine
