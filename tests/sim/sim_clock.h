// The clocks of a simulated machine: the wall's, which anybody may set, and the monotonic one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "engine/runtime/clock.h"

namespace engine {

inline constexpr std::int64_t kMillisecondNs = 1'000'000;
inline constexpr std::int64_t kMinuteNs = 60'000 * kMillisecondNs;

// The exchange's time is made of them as in production; a process makes it anew at its start.
class SimClock final : public Clock {
 public:
  explicit SimClock(std::int64_t wall_ns) : wall_ns_(wall_ns) { StartAnew(); }

  void StartAnew() {
    exchange_ =
        std::make_unique<ExchangeClock>(ClockScale{}, kClockJumpMaxNs, wall_ns_ - monotonic_ns_);
  }
  void Pass(std::int64_t ns) {
    wall_ns_ += ns;
    monotonic_ns_ += ns;
  }
  void StepWall(std::int64_t ns) { wall_ns_ += ns; }

  std::int64_t NowNs() override { return exchange_->Accept(wall_ns_, monotonic_ns_); }
  std::int64_t RealNsUntil(std::int64_t time_ns) override {
    return std::max<std::int64_t>(0, time_ns - NowNs());
  }
  std::int64_t MonotonicNs() override { return monotonic_ns_; }
  std::int64_t wall_ns() const { return wall_ns_; }

 private:
  std::int64_t wall_ns_;
  std::int64_t monotonic_ns_ = 1'000'000'000'000;
  std::unique_ptr<ExchangeClock> exchange_;
};

}  // namespace engine
