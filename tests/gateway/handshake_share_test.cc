#include "gateway/handshake_share.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

constexpr std::int64_t kStepNs = 300'000;

TEST(HandshakeShare, IsAFifthOfTheTimeWhileThereIsOtherWork) {
  HandshakeShare share;
  std::int64_t other_ns = 0;
  std::int64_t handshakes_ns = 0;
  for (int turn = 0; turn < 100'000; ++turn) {
    share.Worked(10'000);
    other_ns += 10'000;
    while (share.MayStep()) {
      share.Stepped(kStepNs);
      handshakes_ns += kStepNs;
    }
  }
  EXPECT_LE(handshakes_ns, (other_ns + handshakes_ns) / 5 + kStepNs);
  EXPECT_GE(handshakes_ns, (other_ns + handshakes_ns) / 5 - kStepNs);
}

TEST(HandshakeShare, IsAllOfTheTimeWhileThereIsNone) {
  HandshakeShare share;
  for (int turn = 0; turn < 100; ++turn) {
    share.Idle();
    ASSERT_TRUE(share.MayStep());
    share.Stepped(kStepNs);
  }
}

TEST(HandshakeShare, SavesLittleUp) {
  HandshakeShare share;
  for (int turn = 0; turn < 1'000'000; ++turn) share.Worked(1'000'000);
  int steps = 0;
  for (; share.MayStep(); ++steps) share.Stepped(kStepNs);
  EXPECT_LE(steps, 4);
}

}  // namespace
}  // namespace gateway
