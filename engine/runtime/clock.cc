#include "engine/runtime/clock.h"

#include <algorithm>
#include <ctime>

#include "engine/core/check.h"
#include "engine/core/limits.h"

namespace engine {
namespace {

// Below it the difference of two readings is their own noise, not worth a shared store.
constexpr std::int64_t kFollowNs = 1'000'000;

std::int64_t Read(clockid_t id) {
  timespec time{};
  CHECK(::clock_gettime(id, &time) == 0);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Saturates, so that a demo left running stands still at the end of time.
std::int64_t ToExchange(const ClockScale& scale, std::int64_t wall_ns) {
  std::int64_t passed = 0;
  std::int64_t time = 0;
  if (__builtin_mul_overflow(wall_ns - scale.wall_at_init_ns, scale.factor, &passed) ||
      __builtin_add_overflow(scale.origin_ns, passed, &time)) {
    return wall_ns < scale.wall_at_init_ns ? 0 : kTimeNsMax;
  }
  return std::clamp(time, std::int64_t{0}, kTimeNsMax);
}

}  // namespace

ExchangeClock::ExchangeClock(const ClockScale& scale, std::int64_t jump_max_ns)
    : ExchangeClock(scale, jump_max_ns, Read(CLOCK_REALTIME) - Read(CLOCK_MONOTONIC)) {}

ExchangeClock::ExchangeClock(const ClockScale& scale, std::int64_t jump_max_ns,
                             std::int64_t wall_ahead_ns)
    : scale_(scale), jump_max_ns_(jump_max_ns), offset_(wall_ahead_ns), last_(INT64_MIN) {
  CHECK(scale.factor >= 1 && scale.factor <= kClockFactorMax);
}

std::int64_t ExchangeClock::NowNs() {
  std::int64_t monotonic = Read(CLOCK_MONOTONIC);
  std::int64_t wall = Read(CLOCK_REALTIME);
  // A thread that was stopped between the two has not seen a jump.
  const std::int64_t pause = Read(CLOCK_MONOTONIC) - monotonic;
  if (pause > jump_max_ns_ / 2) {
    monotonic += pause;
    wall = Read(CLOCK_REALTIME);
  }
  return Accept(wall, monotonic);
}

std::int64_t ExchangeClock::Accept(std::int64_t wall_ns, std::int64_t monotonic_ns) {
  const std::int64_t accepted = offset_.load(std::memory_order_relaxed);
  const std::int64_t offset = wall_ns - monotonic_ns;
  const bool jumped = offset - accepted > jump_max_ns_ || accepted - offset > jump_max_ns_;
  if (jumped) {
    if (!held_.exchange(true, std::memory_order_relaxed)) {
      holds_.fetch_add(1, std::memory_order_relaxed);
    }
    wall_ns = monotonic_ns + accepted;
  } else {
    if (offset - accepted > kFollowNs || accepted - offset > kFollowNs) {
      offset_.store(offset, std::memory_order_relaxed);
    }
    if (held_.load(std::memory_order_relaxed)) held_.store(false, std::memory_order_relaxed);
  }
  const std::int64_t time = ToExchange(scale_, wall_ns);
  std::int64_t last = last_.load();
  while (last < time && !last_.compare_exchange_weak(last, time)) {
  }
  return std::max(last, time);
}

std::int64_t ExchangeClock::MonotonicNs() { return Read(CLOCK_MONOTONIC); }

std::int64_t ExchangeClock::RealNsUntil(std::int64_t time_ns) {
  const std::int64_t now = NowNs();
  if (time_ns <= now) return 0;
  std::int64_t wait = 0;
  if (__builtin_sub_overflow(time_ns, now, &wait)) return INT64_MAX;
  return wait / scale_.factor + (wait % scale_.factor != 0 ? 1 : 0);
}

}  // namespace engine
