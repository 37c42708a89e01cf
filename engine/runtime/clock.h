// The time of the exchange: a seam, and the wall clock made monotonic behind it.
#pragma once

#include <atomic>
#include <cstdint>

namespace engine {

// Thread: any.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  // UTC nanoseconds. Never less than any thread was told before, in the single order of seq_cst
  // operations: what link.h proves rests on it.
  virtual std::int64_t NowNs() = 0;

  // How many real nanoseconds to wait until NowNs() can be `time_ns`; 0 where it is already.
  virtual std::int64_t RealNsUntil(std::int64_t time_ns) = 0;

  // Real nanoseconds from an unnamed beginning, which no step of the wall clock moves.
  virtual std::int64_t MonotonicNs() = 0;
};

// The exchange's time as a line over the wall's: origin + (wall - wall_at_init) * factor.
struct ClockScale {
  std::int64_t origin_ns = 0;        // Exchange time at `wall_at_init_ns`.
  std::int64_t wall_at_init_ns = 0;  // UTC; both are fixed when the data directory is made.
  std::int64_t factor = 1;           // 1 to kClockFactorMax; over 1 it is the demo clock.
};
inline constexpr std::int64_t kClockFactorMax = 100'000;
inline constexpr std::int64_t kClockJumpMaxNs = 60'000'000'000;

// The wall clock, held where it jumps against CLOCK_MONOTONIC.
//
// A small step forward is followed; in a small step back time stands still. A step of more than the
// limit, either way, is held: time goes on at the monotonic pace and held() is true, until the wall
// is back within the limit or the daemon is started anew.
class ExchangeClock final : public Clock {
 public:
  // Requires: 1 <= scale.factor <= kClockFactorMax.
  explicit ExchangeClock(const ClockScale& scale = {}, std::int64_t jump_max_ns = kClockJumpMaxNs);
  // The same, where the wall is so far ahead of the monotonic clock at the beginning.
  ExchangeClock(const ClockScale& scale, std::int64_t jump_max_ns, std::int64_t wall_ahead_ns);

  // Cost: three clock readings and one atomic maximum; no syscall where the vDSO has the clocks.
  std::int64_t NowNs() override;
  std::int64_t RealNsUntil(std::int64_t time_ns) override;
  std::int64_t MonotonicNs() override;

  // What NowNs() makes of one reading of the two clocks, in real nanoseconds.
  std::int64_t Accept(std::int64_t wall_ns, std::int64_t monotonic_ns);

  bool held() const { return held_.load(std::memory_order_relaxed); }
  std::uint64_t holds() const { return holds_.load(std::memory_order_relaxed); }  // Jumps so far.

 private:
  const ClockScale scale_;
  const std::int64_t jump_max_ns_;
  std::atomic<std::int64_t> offset_;  // Wall less monotonic, as last accepted.
  std::atomic<std::int64_t> last_;    // The latest time told.
  std::atomic<bool> held_{false};
  std::atomic<std::uint64_t> holds_{0};
};

}  // namespace engine
