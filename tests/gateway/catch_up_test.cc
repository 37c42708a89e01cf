#include "gateway/catch_up.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

TEST(CatchUp, AsksForTheLastEventThatCameWhileTheClientLagged) {
  CatchUp it;
  it.Begin(5, 5);
  ASSERT_FALSE(it.WantsMore());
  EXPECT_FALSE(it.TakesLive(5, /*lagging=*/true));
  ASSERT_TRUE(it.WantsMore());
  it.Asked();
  EXPECT_TRUE(it.TakesMissed(5));
  it.PieceEnded();
  EXPECT_FALSE(it.WantsMore());
  EXPECT_TRUE(it.TakesLive(6, /*lagging=*/false));
}

}  // namespace
}  // namespace gateway
