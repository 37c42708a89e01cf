#include "gateway/token_bucket.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(TokenBucket, HoldsOneSecondsWorth) {
  TokenBucket bucket(10);
  EXPECT_EQ(bucket.Take(10, 0), 0U);
  EXPECT_GT(bucket.Take(1, 0), 0U);
  EXPECT_EQ(bucket.Take(10, 100 * kSecond), 0U);
  EXPECT_GT(bucket.Take(1, 100 * kSecond), 0U);
}

TEST(TokenBucket, HoldsNoMoreForWhoSendsLittle) {
  TokenBucket bucket(10);
  for (std::int64_t s = 0; s < 100; ++s) ASSERT_EQ(bucket.Take(1, s * kSecond), 0U);
  EXPECT_EQ(bucket.Take(10, 100 * kSecond), 0U);
  EXPECT_GT(bucket.Take(1, 100 * kSecond), 0U);
}

TEST(TokenBucket, LetsALongFramePassAndMakesTheNextWait) {
  TokenBucket bucket(10);
  EXPECT_EQ(bucket.Take(60, 0), 0U);
  const std::uint32_t wait_ms = bucket.Take(1, 0);
  EXPECT_NEAR(wait_ms, 5'000, 2);
  EXPECT_GT(bucket.Take(1, 4 * kSecond), 0U);
}

TEST(TokenBucket, KeepsTheRateOnAverage) {
  TokenBucket bucket(100);
  std::uint32_t passed = 0;
  for (std::int64_t ms = 0; ms < 100'000; ++ms) {
    if (bucket.Take(7, ms * 1'000'000) == 0) passed += 7;
  }
  EXPECT_NEAR(passed, 100 * 100, 110);
}

TEST(TokenBucket, PassesAsSoonAsItSaid) {
  TokenBucket bucket(3);
  ASSERT_EQ(bucket.Take(9, 0), 0U);
  const std::int64_t wait_ms = bucket.Take(1, 0);
  ASSERT_GT(wait_ms, 1'000);
  std::int64_t now_ns = 0;
  while (now_ns < wait_ms * 1'000'000) {
    EXPECT_GT(bucket.Take(1, now_ns), 0U) << now_ns;
    now_ns += 500'000'000;
  }
  EXPECT_EQ(bucket.Take(1, wait_ms * 1'000'000), 0U);
}

TEST(TokenBucket, DoesNotOverflowAtTheHighestRate) {
  TokenBucket bucket(UINT32_MAX);
  for (std::int64_t s = 0; s < 10; ++s) EXPECT_EQ(bucket.Take(1'022, s * kSecond), 0U);
  EXPECT_EQ(bucket.Take(1'022, INT64_MAX / 2), 0U);
}

TEST(TokenBucket, KeepsWhatWasUsedWhenItsRateIsSetAgain) {
  TokenBucket bucket(10);
  ASSERT_EQ(bucket.Take(20, 0), 0U);
  bucket.SetRate(10);
  EXPECT_GT(bucket.Take(1, 0), 0U);
  bucket.SetRate(5);
  EXPECT_GT(bucket.Take(1, 0), 0U);
}

}  // namespace
}  // namespace gateway
