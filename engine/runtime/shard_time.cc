#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/core/check.h"
#include "engine/core/entry_version.h"
#include "engine/core/product.h"
#include "engine/runtime/own_command.h"
#include "engine/runtime/shard.h"

namespace engine {
namespace {

// A clear and its outcome are journaled in one go, or the announcement of a price and its time; and
// a digest behind them.
constexpr std::size_t kClearBytes = sizeof(OwnCommand<ProductBody>) +
                                    sizeof(OwnCommand<OutcomeBody>) +
                                    sizeof(OwnCommand<RunningDigestBody>);
static_assert(sizeof(ResumeBody) <= sizeof(OutcomeBody));
constexpr std::uint32_t kDueATurn = 64;

}  // namespace

bool Shard::DoDue(std::int64_t now_ns) {
  JournalOutcome();  // The journal may have ended between a round's closing and its outcome.
  ResumeAtStart(now_ns);
  due_waits_ = false;
  // A sweep makes its trades no faster than they are told, and clients keep half of the room.
  auto sweeps = exchange_->Waiting() < options_.held_events / 2 ? Exchange::Sweeps::kGoOn
                                                                : Exchange::Sweeps::kWait;
  for (std::uint32_t done = 0; done < kDueATurn; ++done) {
    const std::optional<DueCommand> due = exchange_->NextDue(sweeps);
    const bool at_once = due && due->due_ns == INT64_MIN;
    // What lies behind it does not change before it is done.
    if (!at_once) next_due_ns_ = due ? due->due_ns : INT64_MAX;
    if (!due || due->due_ns > now_ns) return done > 0;
    const bool closes =
        due->type == CommandType::kCloseRound || due->type == CommandType::kStepGame;
    due_waits_ = !journal_->HasRoom(kClearBytes) ||
                 (closes && !at_once && !EveryLinkIsReadUpTo(due->due_ns));
    if (due_waits_) return done > 0;
    if (!DoOneDue(*due, now_ns) || closes) return true;  // A clear is work enough for a turn.
    if (due->type == CommandType::kContinueMatching) sweeps = Exchange::Sweeps::kWait;
  }
  return true;
}

bool Shard::EveryLinkIsReadUpTo(std::int64_t gate_ns) {
  return std::all_of(links_.begin(), links_.end(),
                     [gate_ns](ShardEnd& link) { return link.ReadUpTo(gate_ns); });
}

// Ensures: false where the exchange does not do it.
bool Shard::DoOneDue(const DueCommand& due, std::int64_t now_ns) {
  OwnCommand<ProductBody> command(due.type, due.body);
  command.body.lottery = options_.lottery.Answer(*exchange_, due);
  const bool is_lost =
      due.lottery.part == LotteryNeed::Part::kSecret && command.body.lottery == LotteryBytes{};
  if (is_lost) counters_.lottery_secrets_lost.Add(1);
  if (!ApplyAndJournal(command.header, StampOf(due, now_ns))) {
    status_ = absl::InternalError(
        absl::StrCat("market ", static_cast<std::uint32_t>(due.body.product.market), " product ",
                     due.body.product.start_minute, " round ", due.body.round,
                     ": the exchange cannot do its ", static_cast<int>(due.type), " that is due"));
    return false;
  }
  if (due.type == CommandType::kCloseRound) {
    counters_.rounds_late.Add(now_ns - due.due_ns > options_.late_ns ? 1 : 0);
  }
  JournalOutcome();
  JournalDigestIfDue();
  // What is late is stamped as if it were not: buyers have their whole wait all the same.
  const std::int64_t heard_ns = std::max(now_ns, grace_until_ns_);
  if (exchange_->CallsLate(due.body.product, heard_ns)) ResumeGames(due.body.product, heard_ns);
  indicative_ns_ = INT64_MIN;  // A book may have opened.
  return true;
}

// Nobody is connected when a shard starts: games that it finds, or begins soon, wait.
void Shard::ResumeAtStart(std::int64_t now_ns) {
  if (grace_until_ns_ != INT64_MIN || !journal_->HasRoom(kClearBytes)) return;
  grace_until_ns_ = now_ns + options_.reconnect_grace_ns;
  if (exchange_->entry_version() < kEntryVersion) {
    OwnCommand<EntryVersionBody> adopt(CommandType::kAdoptEntry,
                                       EntryVersionBody{.version = kEntryVersion});
    const bool applied = ApplyAndJournal(adopt.header, exchange_->time_ns());
    CHECK(applied);
  }
  if (exchange_->Playing()) ResumeGames(ProductId(), grace_until_ns_);
}

void Shard::ResumeGames(const ProductId& product, std::int64_t until_ns) {
  OwnCommand<ResumeBody> command(CommandType::kResumeGames,
                                 ResumeBody{.product = product, .until_ns = until_ns});
  const bool applied = ApplyAndJournal(command.header, exchange_->time_ns());
  CHECK(applied);
}

std::int64_t Shard::StampOf(const DueCommand& due, std::int64_t now_ns) const {
  if (now_ns < due.too_late_ns) return due.due_ns;
  if (due.type == CommandType::kOpenProduct) return now_ns;
  if (due.due_ns == INT64_MIN) {
    return now_ns - due.too_late_ns > options_.late_ns ? due.too_late_ns : due.due_ns;
  }
  return now_ns - due.due_ns > options_.late_ns ? due.too_late_ns : due.due_ns;
}

void Shard::JournalOutcome() {
  const std::optional<OutcomeBody> outcome = exchange_->TakeOutcome();
  if (!outcome) return;
  (outcome->result == RoundResult::kVoid ? counters_.rounds_void : counters_.rounds_cleared).Add(1);
  OwnCommand<OutcomeBody> command(CommandType::kOutcome, *outcome);
  const bool as_computed = ApplyAndJournal(command.header, exchange_->time_ns());
  CHECK(as_computed);
}

bool Shard::PublishIndicative(std::int64_t now_ns) {
  if (now_ns < indicative_ns_ || !HasRoomForIndicative()) return false;
  indicative_ns_ = exchange_->PublishIndicative(now_ns);
  return exchange_->Draining();
}

bool Shard::HasRoomForIndicative() const { return HeldRoom() >= options_.held_events / 4; }

}  // namespace engine
