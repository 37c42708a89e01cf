#include "gateway/status_log.h"

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::int64_t kMinuteNs = 60'000'000'000;

using Level = StatusLine::Level;

}  // namespace

StatusLog::Totals StatusLog::Read() const {
  Totals now;
  now.commands = shard_.commands.value();
  now.accepted = shard_.orders_accepted.value();
  for (const engine::Counter& refused : shard_.orders_refused) now.refused += refused.value();
  now.frames_refused = shard_.frames_refused.value();
  now.rounds = shard_.rounds_cleared.value();
  now.rounds_void = shard_.rounds_void.value();
  now.rounds_late = shard_.rounds_late.value();
  now.games = shard_.games.value();
  now.game_steps = shard_.game_steps.value();
  now.game_silences = shard_.game_silences.value();
  now.games_fell_back = shard_.games_fell_back.value();
  for (const GatewayCounters* gateway : gateways_) {
    now.connections += gateway->accepted.value();
    now.turned_away += gateway->refused.value();
    now.accept_errors += gateway->accept_errors.value();
    now.handshakes_failed += gateway->handshakes_failed.value();
    now.bad_frames += gateway->frames_bad.value();
    now.slow_readers += gateway->slow_readers.value();
  }
  return now;
}

std::uint64_t StatusLog::Sessions() const {
  std::uint64_t sessions = 0;
  for (const GatewayCounters* gateway : gateways_) sessions += gateway->sessions.value();
  return sessions;
}

void StatusLog::LookAtClock(std::vector<StatusLine>& lines) {
  if (clock_.held() == clock_held_) return;
  clock_held_ = !clock_held_;
  if (clock_held_) {
    lines.push_back({Level::kError,
                     "the wall clock jumped by more than a minute: exchange time, and so every "
                     "gate, goes on as if it had not, until it jumps back or this is restarted"});
  } else {
    lines.push_back({Level::kInfo, "the wall clock is back: exchange time follows it again"});
  }
}

void StatusLog::LookAtDisk(std::vector<StatusLine>& lines) {
  const bool full = shard_.disk_full.value() != 0;
  if (full == disk_full_) return;
  disk_full_ = full;
  if (full) {
    lines.push_back(
        {Level::kError,
         "no space for the journal's next segment: new orders are refused until there is"});
  } else {
    lines.push_back({Level::kInfo, "there is space for the journal again"});
  }
}

void StatusLog::LookAtLotteries(std::vector<StatusLine>& lines) {
  const std::uint64_t lost = shard_.lottery_secrets_lost.value();
  if (lost == secrets_lost_) return;
  lines.push_back({Level::kError,
                   absl::StrCat(lost - secrets_lost_,
                                " rounds are void: the secret of their lottery was made of another "
                                "lottery.key than this one")});
  secrets_lost_ = lost;
}

std::string StatusLog::Minute(const Totals& now) const {
  std::string line = absl::StrCat("seq=", shard_.durable_sequence.value(), " sessions=", Sessions(),
                                  " open_orders=", shard_.open_orders.value());
  const auto add = [&line](const char* name, std::uint64_t total, std::uint64_t before) {
    if (total != before) absl::StrAppend(&line, " ", name, "=+", total - before);
  };
  add("accepted", now.accepted, said_.accepted);
  add("refused", now.refused, said_.refused);
  add("frames_refused", now.frames_refused, said_.frames_refused);
  add("rounds", now.rounds, said_.rounds);
  add("rounds_void", now.rounds_void, said_.rounds_void);
  add("rounds_late", now.rounds_late, said_.rounds_late);
  add("games", now.games, said_.games);
  add("game_steps", now.game_steps, said_.game_steps);
  add("game_silences", now.game_silences, said_.game_silences);
  add("games_fell_back", now.games_fell_back, said_.games_fell_back);
  add("connections", now.connections, said_.connections);
  add("turned_away", now.turned_away, said_.turned_away);
  add("bad_frames", now.bad_frames, said_.bad_frames);
  add("slow_readers", now.slow_readers, said_.slow_readers);
  return line;
}

std::vector<StatusLine> StatusLog::Look(std::int64_t now_ns) {
  std::vector<StatusLine> lines;
  LookAtClock(lines);
  LookAtDisk(lines);
  LookAtLotteries(lines);
  if (next_minute_ns_ == 0) next_minute_ns_ = now_ns + kMinuteNs;
  if (now_ns < next_minute_ns_) return lines;
  next_minute_ns_ = now_ns + kMinuteNs;
  const Totals now = Read();
  if (now.accept_errors != said_.accept_errors) {
    lines.push_back(
        {Level::kWarning, absl::StrCat(now.accept_errors - said_.accept_errors,
                                       " connections could not be accepted: out of descriptors or "
                                       "memory, or their clients had gone")});
  }
  if (now.handshakes_failed != said_.handshakes_failed) {
    std::string line = absl::StrCat(now.handshakes_failed - said_.handshakes_failed,
                                    " handshakes failed; the last:");
    for (const GatewayCounters* gateway : gateways_) {
      const std::string why = gateway->handshake_why.Get();
      if (!why.empty()) absl::StrAppend(&line, " ", why, ";");
    }
    line.pop_back();
    lines.push_back({Level::kWarning, std::move(line)});
  }
  const bool idle = now.commands == said_.commands && now.connections == said_.connections &&
                    now.frames_refused == said_.frames_refused &&
                    now.turned_away == said_.turned_away;
  if (!idle) lines.push_back({Level::kInfo, Minute(now)});
  said_ = now;
  return lines;
}

}  // namespace gateway
