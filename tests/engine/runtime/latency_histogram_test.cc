#include "engine/runtime/latency_histogram.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(LatencyHistogram, IsZeroWhereNothingWasCounted) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.Mean(), 0u);
  EXPECT_EQ(histogram.Percentile(500'000), 0u);
}

TEST(LatencyHistogram, IsExactBelow256) {
  LatencyHistogram histogram;
  for (std::uint64_t value = 1; value <= 200; ++value) histogram.Add(value);
  EXPECT_EQ(histogram.Percentile(0), 1u);
  EXPECT_EQ(histogram.Percentile(500'000), 100u);
  EXPECT_EQ(histogram.Percentile(990'000), 198u);
  EXPECT_EQ(histogram.Percentile(1'000'000), 200u);
}

TEST(LatencyHistogram, TakesEveryValue) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t offset : {UINT64_MAX, std::uint64_t{0}, std::uint64_t{1}}) {
      const std::uint64_t value = (std::uint64_t{1} << bit) + offset;
      LatencyHistogram histogram;
      histogram.Add(value);
      histogram.Add(UINT64_MAX);
      const std::uint64_t median = histogram.Percentile(500'000);
      EXPECT_GE(median, value);
      EXPECT_LE(median - value, value / 128);
      EXPECT_EQ(histogram.Percentile(1'000'000), UINT64_MAX);
      EXPECT_EQ(histogram.min(), value);
    }
  }
}

TEST(LatencyHistogram, IsWithinOnePercentOfTheSortedValues) {
  constexpr std::uint64_t kSeed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  LatencyHistogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random() >> (random() % 50 + 10));
    histogram.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const std::uint32_t millionths : {1u, 100'000u, 500'000u, 990'000u, 999'900u, 1'000'000u}) {
    const std::size_t rank = (values.size() * millionths + 999'999) / 1'000'000;
    const std::uint64_t right = values[rank - 1];
    EXPECT_GE(histogram.Percentile(millionths), right);
    EXPECT_LE(histogram.Percentile(millionths), right + right / 128);
  }
}

TEST(LatencyHistogram, MergesToWhatOneWouldHaveCounted) {
  LatencyHistogram whole;
  LatencyHistogram parts[2];
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    whole.Add(i * i);
    parts[i % 2].Add(i * i);
  }
  parts[0].Merge(parts[1]);
  EXPECT_EQ(parts[0].count(), whole.count());
  EXPECT_EQ(parts[0].Mean(), whole.Mean());
  EXPECT_EQ(parts[0].min(), whole.min());
  for (std::uint32_t p = 0; p <= 1'000'000; p += 10'000) {
    EXPECT_EQ(parts[0].Percentile(p), whole.Percentile(p));
  }
  parts[0].Reset();
  EXPECT_EQ(parts[0].count(), 0u);
}

}  // namespace
}  // namespace engine
