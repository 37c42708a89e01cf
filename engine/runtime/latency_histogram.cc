#include "engine/runtime/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "engine/core/check.h"

namespace engine {
namespace {

constexpr unsigned kSplitBits = 7;  // A power of two is cut into 1 << kSplitBits buckets.
constexpr unsigned kShiftMax = 64 - (kSplitBits + 1);
constexpr std::size_t kBuckets = (std::size_t{kShiftMax} + 2) << kSplitBits;

// Values of one bucket agree in their leading kSplitBits + 1 bits; those below 256 are their own.
std::size_t BucketOf(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = width > kSplitBits + 1 ? width - (kSplitBits + 1) : 0;
  return (std::size_t{shift} << kSplitBits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t LastOf(std::size_t bucket) {
  const std::size_t row = bucket >> kSplitBits;
  const std::size_t shift = row < 2 ? 0 : row - 1;
  const std::uint64_t leading = bucket - (shift << kSplitBits);
  return (leading << shift) + ((std::uint64_t{1} << shift) - 1);
}

}  // namespace

LatencyHistogram::LatencyHistogram() : buckets_(kBuckets, 0) {}

void LatencyHistogram::Add(std::uint64_t value, std::uint64_t times) {
  if (times == 0) return;
  buckets_[BucketOf(value)] += times;
  count_ += times;
  sum_ += value * times;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void LatencyHistogram::Reset() { *this = LatencyHistogram(); }

std::uint64_t LatencyHistogram::Percentile(std::uint32_t millionths) const {
  constexpr std::uint64_t kWhole = 1'000'000;
  CHECK(millionths <= kWhole);
  const std::uint64_t rest = count_ % kWhole * millionths;
  const std::uint64_t rank = count_ / kWhole * millionths + (rest + kWhole - 1) / kWhole;
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen != 0 && seen >= rank) return std::min(LastOf(bucket), max_);
  }
  return 0;
}

}  // namespace engine
