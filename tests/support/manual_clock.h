// A clock that stands where a test puts it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "engine/core/check.h"
#include "engine/runtime/clock.h"

namespace engine {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t now_ns) : now_ns_(now_ns) {}

  std::int64_t NowNs() override { return now_ns_.load(); }
  std::int64_t RealNsUntil(std::int64_t time_ns) override {
    return std::max<std::int64_t>(0, time_ns - now_ns_.load());
  }

  std::int64_t MonotonicNs() override { return now_ns_.load(); }

  // Requires: not before what it said last.
  void Set(std::int64_t now_ns) {
    CHECK(now_ns >= now_ns_.load());
    now_ns_.store(now_ns);
  }
  void Advance(std::int64_t ns) { Set(now_ns_.load() + ns); }

 private:
  std::atomic<std::int64_t> now_ns_;
};

}  // namespace engine
