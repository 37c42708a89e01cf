#include "engine/runtime/link.h"

#include <atomic>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace engine {
namespace {

constexpr LinkSizes kSmall{.command_bytes = 1'024, .events = 8};
constexpr std::int64_t kGate = 1'000;

bool Send(GatewayEnd& gateway, std::int64_t stamp) {
  CommandHeader* command = gateway.commands.Claim(sizeof(CommandHeader));
  if (command == nullptr) return false;
  command->time_ns = stamp;
  gateway.commands.Commit();
  gateway.commands.Publish();
  return true;
}

class LinkOfTwo : public testing::Test {
 protected:
  Doorbell gateway_doorbell_;
  Doorbell shard_doorbell_;
  Link link_ = MakeLink(kSmall, gateway_doorbell_, shard_doorbell_);
  ManualClock clock_{kGate - 1};
};

TEST_F(LinkOfTwo, IsReadUpToTheGateWhenIdle) { EXPECT_TRUE(link_.shard.ReadUpTo(kGate)); }

TEST_F(LinkOfTwo, IsNotReadUpToTheGateWhileTheGatewayReads) {
  EXPECT_EQ(link_.gateway.BeginRead(clock_), kGate - 1);
  EXPECT_FALSE(link_.shard.ReadUpTo(kGate));
  link_.gateway.EndRead();
  EXPECT_TRUE(link_.shard.ReadUpTo(kGate));
}

TEST_F(LinkOfTwo, IsNotReadUpToTheGateWhileAnEarlierCommandWaits) {
  const std::int64_t stamp = link_.gateway.BeginRead(clock_);
  ASSERT_TRUE(Send(link_.gateway, stamp));
  link_.gateway.EndRead();
  EXPECT_FALSE(link_.shard.ReadUpTo(kGate));
  link_.shard.commands.Pop();
  EXPECT_TRUE(link_.shard.ReadUpTo(kGate));
}

TEST_F(LinkOfTwo, ACommandStampedAtTheGateSpeaksForAllBehindIt) {
  clock_.Advance(1);
  const std::int64_t stamp = link_.gateway.BeginRead(clock_);
  ASSERT_TRUE(Send(link_.gateway, stamp));
  EXPECT_TRUE(link_.shard.ReadUpTo(kGate));
}

TEST_F(LinkOfTwo, EachSideRingsTheOther) {
  shard_doorbell_.PrepareToSleep();
  link_.gateway.RingShard();
  shard_doorbell_.Sleep(-1);
  shard_doorbell_.WakeUp();
  gateway_doorbell_.PrepareToSleep();
  link_.shard.RingGateway();
  link_.gateway.own_doorbell().Sleep(-1);
  link_.gateway.own_doorbell().WakeUp();
}

// A gateway stamps and sends as fast as it can; the shard closes at each new time that it reads.
// Whatever comes out of the ring after a close must be stamped at or after that gate.
TEST_F(LinkOfTwo, NoCommandStampedBeforeAGateComesOutAfterItClosed) {
  constexpr int kGates = 2'000;
  ExchangeClock clock;
  std::atomic<bool> stop{false};
  std::thread gateway([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const std::int64_t stamp = link_.gateway.BeginRead(clock);
      for (int i = 0; i < 3; ++i) Send(link_.gateway, stamp);
      link_.gateway.EndRead();
    }
  });
  int late = 0;
  int taken = 0;
  std::int64_t closed = INT64_MIN;
  const auto take = [&] {
    const CommandHeader* front = link_.shard.commands.Front();
    if (front == nullptr) return;
    late += front->time_ns < closed ? 1 : 0;
    link_.shard.commands.Pop();
    link_.shard.commands.Release();
    ++taken;
  };
  for (int i = 0; i < kGates || taken < kGates; ++i) {
    const std::int64_t gate = clock.NowNs();
    while (!link_.shard.ReadUpTo(gate)) take();
    closed = gate;
    take();
  }
  stop.store(true);
  gateway.join();
  EXPECT_EQ(late, 0);
}

}  // namespace
}  // namespace engine
