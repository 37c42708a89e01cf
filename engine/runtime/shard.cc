#include "engine/runtime/shard.h"

#include <algorithm>
#include <utility>

#include "engine/core/check.h"
#include "engine/core/limits.h"
#include "engine/runtime/own_command.h"

namespace engine {
namespace {

constexpr std::size_t kPieceEvents = 512;       // Drained and routed at once.
constexpr std::size_t kAnswerPieceEvents = 16;  // Most answers are one event.
// An answer and all its refusals. A longer one (a list of open orders) waits in the exchange.
constexpr std::size_t kAnswerEventsMax = 2 + kFrameOrdersMax / kRefusalsAnEvent;
constexpr std::size_t kHeldEventsMin = 1'024;
constexpr std::size_t kDigestBytes = sizeof(OwnCommand<RunningDigestBody>);
// What somebody should have rung for is looked at again after so long, should he not have.
constexpr std::int64_t kLookAgainNs = 1'000'000;

static_assert(kHeldEventsMin / 4 >= kAnswerEventsMax);

}  // namespace

Shard::Shard(std::unique_ptr<Exchange> exchange, std::unique_ptr<Journal> journal, Clock& clock,
             std::vector<ShardEnd> links, const ShardOptions& options)
    : options_(options),
      exchange_(std::move(exchange)),
      journal_(std::move(journal)),
      clock_(clock),
      links_(std::move(links)),
      piece_(kPieceEvents),
      games_before_(exchange_->game_counts()) {
  CHECK(options_.held_events >= kHeldEventsMin);
  CHECK(journal_->appended_sequence() == exchange_->sequence());
  CHECK(journal_->HasRoom(kCommandBytesMax + kDigestBytes));
  held_.reserve(links_.size());
  for (std::size_t i = 0; i < links_.size(); ++i) held_.emplace_back(options_.held_events);
}

void Shard::Tap(EventTap tap) {
  tap_.emplace(std::move(tap));
  held_tap_.emplace(options_.held_events);
}

bool Shard::Turn() {
  if (!status_.ok()) return false;
  const std::int64_t now_ns = clock_.NowNs();
  bool did = DoDue(now_ns);
  if (!status_.ok()) return false;
  did = TakeCommands() || did;
  did = PublishIndicative(now_ns) || did;
  did = DrainEvents() || did;
  did = WriteJournal() || did;
  if (!did && tapped_) TellCovered();
  did = Release() || did;
  if (did) PublishCounters();
  return did && status_.ok();
}

std::int64_t Shard::IdleNs() {
  if (!status_.ok()) return -1;
  std::int64_t wait = INT64_MAX;
  if (next_due_ns_ != INT64_MAX) {
    wait = due_waits_ ? kLookAgainNs : clock_.RealNsUntil(next_due_ns_);
  }
  if (indicative_ns_ != INT64_MAX) {
    wait =
        std::min(wait, HasRoomForIndicative() ? clock_.RealNsUntil(indicative_ns_) : kLookAgainNs);
  }
  if (journal_->next_turn_ns() != INT64_MAX) {
    wait = std::min(wait, journal_->next_turn_ns() - clock_.MonotonicNs());
  }
  bool ring_is_full = false;
  for (const HeldEvents& held : held_) {
    ring_is_full = ring_is_full || held.WaitsForRing(journal_->durable_sequence());
  }
  if (held_tap_ && held_tap_->WaitsForRing(journal_->durable_sequence())) ring_is_full = true;
  if (ring_is_full) wait = std::min(wait, kLookAgainNs);
  return wait == INT64_MAX ? -1 : std::max<std::int64_t>(wait, 0);
}

bool Shard::AtRest() {
  bool rest = !exchange_->Draining() && journal_->durable_sequence() == exchange_->sequence();
  for (std::size_t i = 0; i < links_.size(); ++i) {
    rest = rest && held_[i].empty() && links_[i].commands.Front() == nullptr;
  }
  return rest && (!held_tap_ || held_tap_->empty());
}

absl::Status Shard::Settle() {
  if (!status_.ok()) return status_;
  if (undigested_bytes_ > 0) JournalDigest();
  TellCovered();
  status_ = journal_->Settle();
  if (status_.ok()) Release();
  if (status_.ok()) PublishCounters();
  return status_;
}

// Commands.

bool Shard::TakeCommands() {
  if (links_.empty()) return false;
  Share left{.commands = options_.commands_a_turn, .items = options_.items_a_turn};
  bool did = false;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const auto links = static_cast<std::uint32_t>(links_.size() - i);
    const Share taken = TakeFrom((first_link_ + i) % links_.size(),
                                 {.commands = std::max(left.commands / links, 1u),
                                  .items = std::max(left.items / links, 1u)});
    did = did || taken.commands > 0;
    left.commands -= std::min(taken.commands, left.commands);
    left.items -= std::min(taken.items, left.items);
  }
  first_link_ = (first_link_ + 1) % links_.size();
  return did;
}

// The last command may have more items than are left.
Shard::Share Shard::TakeFrom(std::size_t link, Share most) {
  CommandReceiver& commands = links_[link].commands;
  Share taken;
  while (taken.commands < most.commands && taken.items < most.items) {
    CommandHeader* command = commands.Front();
    if (command == nullptr || command->time_ns >= next_due_ns_ || !HasRoomFor(*command)) break;
    ++taken.commands;
    taken.items += command->count;
    Take(link, *command);
    commands.Pop();
  }
  if (taken.commands > 0) commands.Release();
  return taken;
}

bool Shard::HasRoomFor(const CommandHeader& command) const {
  if (answers_wait_ || HeldRoom() < kAnswerEventsMax) return false;
  if (exchange_->Waiting() >= options_.held_events) return false;
  if (IsQuery(command.type)) return true;
  return journal_->HasRoom(command.length + kDigestBytes);
}

void Shard::Take(std::size_t link, CommandHeader& command) {
  const CommandView view(&command);
  if (IsQuery(command.type)) {
    answers_count_ = false;
    asking_link_ = link;
    exchange_->Ask(view);
    counters_.queries.Add(1);
    return DrainAnswers();
  }
  CHECK(IsFromClient(command.type) || command.type == CommandType::kDisconnect);
  if (command.type == CommandType::kDisconnect && !IsOfTheLastLogon(view)) return;
  answers_count_ = !IsFromClient(command.type) || exchange_->Screen(view);
  if (answers_count_ && !IsTaken(command)) return RefuseForSpace(command);
  if (answers_count_) {
    const bool applied = ApplyAndJournal(command, command.time_ns);
    CHECK(applied);  // Whatever a client sends is applied, if only to its refusal.
    JournalDigestIfDue();
  } else {
    counters_.screened.Add(1);
  }
  DrainAnswers();
}

// Whether there is space for it in the journal.
bool Shard::IsTaken(const CommandHeader& command) const {
  if (!journal_->disk_full() || !IsFromClient(command.type)) return true;
  const bool orders =
      command.type == CommandType::kSubmitOrders || command.type == CommandType::kReplaceOrders;
  return !orders && !journal_->reserve_low();
}

// The exchange hears nothing of it, so that its number is still the next.
void Shard::RefuseForSpace(const CommandHeader& command) {
  Event event;
  event.sequence = exchange_->sequence();
  event.credential = command.credential;
  event.type = EventType::kAnswer;
  event.answer = {.client_seq = command.client_seq,
                  .time_ns = command.time_ns,
                  .command = command.type,
                  .reason = Reason::kDiskFull,
                  .items = command.count};
  Route(event);
}

bool Shard::IsOfTheLastLogon(CommandView disconnect) const {
  const auto body = disconnect.Items<DisconnectBody>();
  CHECK(body.size() == 1);
  const auto last = last_logon_.find(disconnect.header().credential);
  return last != last_logon_.end() && last->second.number == body.front().logon;
}

// Journaled is what was applied; nothing leaves before both.
bool Shard::ApplyAndJournal(CommandHeader& command, std::int64_t time_ns) {
  command.sequence = exchange_->sequence() + 1;
  command.time_ns = std::max(exchange_->time_ns(), time_ns);
  const CommandView view(&command);
  if (!exchange_->Apply(view)) return false;
  journal_->Append(view);
  undigested_bytes_ += command.length;
  counters_.commands.Add(1);
  counters_.journal_bytes.Add(command.length);
  return true;
}

// Events.

bool Shard::DrainEvents() {
  // Rounds leave a quarter of the room to answers.
  const std::size_t kept = answers_wait_ ? 0 : options_.held_events / 4;
  std::size_t budget = options_.events_a_turn;
  bool did = false;
  while (budget > 0 && exchange_->Draining()) {
    const std::size_t room = HeldRoom();
    if (room <= kept) {
      counters_.held_full.Add(1);
      break;
    }
    const std::size_t most = std::min({budget, room - kept, piece_.size()});
    DrainPiece(most);
    budget -= most;
    did = true;
  }
  return did;
}

void Shard::DrainAnswers() {
  answers_wait_ = true;
  while (answers_wait_) {
    const std::size_t most = std::min(HeldRoom(), kAnswerPieceEvents);
    if (most == 0) return;
    DrainPiece(most);
  }
}

void Shard::DrainPiece(std::size_t most) {
  const std::size_t drained = exchange_->Drain(std::span(piece_).first(most));
  for (std::size_t i = 0; i < drained; ++i) Route(piece_[i]);
  answers_wait_ = exchange_->Answering();
}

// Any event may be for any link, or for all.
std::size_t Shard::HeldRoom() const {
  std::size_t room = options_.held_events;
  for (const HeldEvents& held : held_) room = std::min(room, held.room());
  return held_tap_ ? std::min(room, held_tap_->room()) : room;
}

void Shard::Route(Event& event) {
  Count(event);
  if (held_tap_ && event.event_number != 0) {
    held_tap_->Push(event);
    tapped_ = true;
  }
  const bool to_asker =
      event.type == EventType::kLogonAnswer || event.type == EventType::kLogonMarket;
  if (to_asker) {
    if (event.type == EventType::kLogonAnswer && event.logon_answer.reason == Reason::kNone) {
      event.logon_answer.logon = ++logons_;
      last_logon_[event.credential] = {.link = asking_link_, .number = logons_};
    }
    held_[asking_link_].Push(event);
    return;
  }
  if (event.credential == CredentialId{}) {
    for (HeldEvents& held : held_) held.Push(event);
    return;
  }
  const auto last = last_logon_.find(event.credential);
  if (last == last_logon_.end()) {
    counters_.events_dropped.Add(1);
    return;
  }
  held_[last->second.link].Push(event);
}

void Shard::Count(const Event& event) {
  if (!answers_count_) return;
  if (event.type == EventType::kRefusals) {
    for (std::size_t i = 0; i < event.refusals.count; ++i) {
      counters_.Refused(event.refusals.refusals[i].reason, 1);
    }
  } else if (event.type == EventType::kAnswer && event.answer.reason == Reason::kNone) {
    counters_.orders_accepted.Add(event.answer.items - event.answer.refused);
  } else if (event.type == EventType::kAnswer) {
    counters_.frames_refused.Add(1);
  }
}

// Durability.

// By what was journaled, and not by where the segments end: what a journal holds does not hang on
// the disk. Requires: no outcome is still to be journaled.
void Shard::JournalDigestIfDue() {
  if (undigested_bytes_ >= options_.digest_bytes) JournalDigest();
}

void Shard::JournalDigest() {
  OwnCommand<RunningDigestBody> command(CommandType::kRunningDigest,
                                        RunningDigestBody{exchange_->running_digest()});
  if (!journal_->HasRoom(command.header.length)) return;
  const bool is_own = ApplyAndJournal(command.header, exchange_->time_ns());
  CHECK(is_own);
  undigested_bytes_ = 0;
  TellCovered();
}

// A snapshot may be made of what the outbox knows to be whole. Ensures: false where there is
// nothing new to tell, or not yet.
bool Shard::TellCovered() {
  if (!held_tap_ || covered_ == exchange_->sequence()) return false;
  if (exchange_->Draining() || held_tap_->room() == 0) return false;
  Event event;
  event.sequence = covered_ = exchange_->sequence();
  event.type = EventType::kCovered;
  held_tap_->Push(event);
  tapped_ = false;
  return true;
}

bool Shard::WriteJournal() {
  const std::uint64_t durable = journal_->durable_sequence();
  const std::uint64_t written = journal_->batches_written();
  const bool was_full = journal_->disk_full();
  status_ = journal_->Turn(clock_.MonotonicNs());
  return journal_->durable_sequence() != durable || journal_->batches_written() != written ||
         journal_->disk_full() != was_full;
}

bool Shard::Release() {
  if (!status_.ok()) return false;
  bool any = false;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const std::size_t released = held_[i].Release(journal_->durable_sequence(), links_[i].events);
    if (released == 0) continue;
    counters_.events.Add(released);
    links_[i].RingGateway();
    any = true;
  }
  if (!tap_ || held_tap_->Release(journal_->durable_sequence(), tap_->events) == 0) return any;
  tap_->outbox_doorbell->Ring();
  return true;
}

// What was counted until a command leaves when that is on disk, as its events do.
void Shard::PublishCounters() {
  for (ShardCounters* all : {&counters_, &gathered_, &published_}) {
    all->disk_full.Set(journal_->disk_full() ? 1 : 0);
  }
  const std::uint64_t durable = journal_->durable_sequence();
  if (durable < gathered_sequence_) return;
  if (durable < exchange_->sequence()) PublishGathered();
  ReadGauges();
  counters_.CopyTo(gathered_);
  gathered_sequence_ = exchange_->sequence();
  if (durable >= gathered_sequence_) PublishGathered();
}

void Shard::PublishGathered() {
  gathered_.durable_sequence.Set(gathered_.sequence.value());
  gathered_.CopyTo(published_);
}

void Shard::ReadGauges() {
  counters_.sequence.Set(exchange_->sequence());
  counters_.open_orders.Set(exchange_->open_orders());
  counters_.memory_bytes.Set(exchange_->memory_bytes());
  const GameCounts games = exchange_->game_counts();
  counters_.games.Set(games.played - games_before_.played);
  counters_.game_steps.Set(games.steps - games_before_.steps);
  counters_.game_silences.Set(games.silences - games_before_.silences);
  counters_.games_fell_back.Set(games.fell_back - games_before_.fell_back);
}

}  // namespace engine
