#include "engine/runtime/clock.h"

#include <ctime>

#include <gtest/gtest.h>

#include "engine/core/limits.h"

namespace engine {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t Read(clockid_t id) {
  timespec time{};
  ::clock_gettime(id, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

// Both clocks a day from now, so that no reading of the real ones lies between.
struct Clocks {
  std::int64_t wall = Read(CLOCK_REALTIME) + 86'400 * kSecond;
  std::int64_t monotonic = Read(CLOCK_MONOTONIC) + 86'400 * kSecond;

  void Pass(std::int64_t ns) {
    wall += ns;
    monotonic += ns;
  }
};

TEST(ExchangeClock, IsTheWallClock) {
  ExchangeClock clock;
  const std::int64_t before = Read(CLOCK_REALTIME);
  const std::int64_t now = clock.NowNs();
  EXPECT_LE(before, now);
  EXPECT_LE(now, Read(CLOCK_REALTIME));
  EXPECT_FALSE(clock.held());
}

TEST(ExchangeClock, StandsStillInASmallStepBack) {
  ExchangeClock clock;
  Clocks clocks;
  const std::int64_t first = clock.Accept(clocks.wall, clocks.monotonic);
  clocks.wall -= 10 * kSecond;
  EXPECT_EQ(clock.Accept(clocks.wall, clocks.monotonic), first);
  clocks.Pass(9 * kSecond);
  EXPECT_EQ(clock.Accept(clocks.wall, clocks.monotonic), first);
  clocks.Pass(2 * kSecond);
  EXPECT_EQ(clock.Accept(clocks.wall, clocks.monotonic), first + kSecond);
  EXPECT_EQ(clock.holds(), 0u);
}

TEST(ExchangeClock, FollowsASmallStepForward) {
  ExchangeClock clock;
  Clocks clocks;
  const std::int64_t first = clock.Accept(clocks.wall, clocks.monotonic);
  clocks.wall += 59 * kSecond;
  EXPECT_EQ(clock.Accept(clocks.wall, clocks.monotonic), first + 59 * kSecond);
  clocks.wall += 59 * kSecond;
  EXPECT_EQ(clock.Accept(clocks.wall, clocks.monotonic), first + 118 * kSecond);
  EXPECT_FALSE(clock.held());
}

TEST(ExchangeClock, HoldsAJumpAndGoesOnAtTheMonotonicPace) {
  for (const std::int64_t jump : {3'600 * kSecond, -3'600 * kSecond}) {
    ExchangeClock clock;
    Clocks clocks;
    const std::int64_t first = clock.Accept(clocks.wall, clocks.monotonic);
    clocks.wall += jump;
    clocks.Pass(kSecond);
    EXPECT_NEAR(static_cast<double>(clock.Accept(clocks.wall, clocks.monotonic) - first), 1e9, 1e6);
    EXPECT_TRUE(clock.held());
    clocks.Pass(kSecond);
    EXPECT_NEAR(static_cast<double>(clock.Accept(clocks.wall, clocks.monotonic) - first), 2e9, 1e6);
    EXPECT_EQ(clock.holds(), 1u);
    clocks.wall -= jump;
    clocks.Pass(kSecond);
    EXPECT_NEAR(static_cast<double>(clock.Accept(clocks.wall, clocks.monotonic) - first), 3e9, 1e6);
    EXPECT_FALSE(clock.held());
  }
}

TEST(ExchangeClock, RunsFasterFromItsOriginAsADemo) {
  Clocks clocks;
  ExchangeClock clock({.origin_ns = 1'000, .wall_at_init_ns = clocks.wall, .factor = 600});
  EXPECT_EQ(clock.Accept(clocks.wall, clocks.monotonic), 1'000);
  clocks.Pass(kSecond);
  EXPECT_EQ(clock.Accept(clocks.wall, clocks.monotonic), 1'000 + 600 * kSecond);
}

TEST(ExchangeClock, SaysHowLongToWaitInRealTime) {
  const std::int64_t wall = Read(CLOCK_REALTIME);
  ExchangeClock clock({.origin_ns = 0, .wall_at_init_ns = wall, .factor = 1'000});
  const std::int64_t wait = clock.RealNsUntil(3'600'000 * kSecond);
  EXPECT_LE(wait, 3'600 * kSecond);
  EXPECT_GT(wait, 3'500 * kSecond);
  EXPECT_EQ(clock.RealNsUntil(0), 0);
  EXPECT_EQ(clock.RealNsUntil(INT64_MIN), 0);
}

TEST(ExchangeClock, StandsStillAtTheEndOfTime) {
  Clocks clocks;
  ExchangeClock clock({.origin_ns = 0, .wall_at_init_ns = clocks.wall, .factor = kClockFactorMax});
  clocks.Pass(kSecond * 86'400 * 2'000);
  EXPECT_EQ(clock.Accept(clocks.wall, clocks.monotonic), kTimeNsMax);
}

}  // namespace
}  // namespace engine
