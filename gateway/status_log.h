// What a running daemon says of itself: at once what an operator must see, and a line a minute.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/runtime/clock.h"
#include "engine/runtime/counters.h"
#include "gateway/gateway_counters.h"

namespace gateway {

struct StatusLine {
  enum class Level : std::uint8_t { kInfo, kWarning, kError };
  Level level = Level::kInfo;
  std::string text;
};

// Thread: one; what it looks at is written by others meanwhile.
class StatusLog {
 public:
  // Requires: all outlive it.
  StatusLog(const engine::ExchangeClock& clock, const engine::ShardCounters& shard,
            std::vector<const GatewayCounters*> gateways)
      : clock_(clock), shard_(shard), gateways_(std::move(gateways)) {}

  // What there is to say since the last look; call it every second or so. `now_ns` is a monotonic
  // clock's. A minute in which nothing was done has no line.
  std::vector<StatusLine> Look(std::int64_t now_ns);

 private:
  struct Totals {
    std::uint64_t commands = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t frames_refused = 0;
    std::uint64_t rounds = 0;
    std::uint64_t rounds_void = 0;
    std::uint64_t rounds_late = 0;
    std::uint64_t games = 0;
    std::uint64_t game_steps = 0;
    std::uint64_t game_silences = 0;
    std::uint64_t games_fell_back = 0;
    std::uint64_t connections = 0;
    std::uint64_t turned_away = 0;
    std::uint64_t accept_errors = 0;
    std::uint64_t handshakes_failed = 0;
    std::uint64_t bad_frames = 0;
    std::uint64_t slow_readers = 0;
  };

  Totals Read() const;
  std::uint64_t Sessions() const;
  void LookAtClock(std::vector<StatusLine>& lines);
  void LookAtDisk(std::vector<StatusLine>& lines);
  void LookAtLotteries(std::vector<StatusLine>& lines);
  std::string Minute(const Totals& now) const;

  const engine::ExchangeClock& clock_;
  const engine::ShardCounters& shard_;
  const std::vector<const GatewayCounters*> gateways_;
  bool clock_held_ = false;
  bool disk_full_ = false;
  std::uint64_t secrets_lost_ = 0;
  Totals said_;  // As the last minute's line had it.
  std::int64_t next_minute_ns_ = 0;
};

}  // namespace gateway
