// A log-linear histogram of durations: counts that stay within 1 % of the value at any size.
#pragma once

#include <cstdint>
#include <vector>

namespace engine {

// As HdrHistogram does it: each power of two is cut into 128 equal buckets; below 256 a bucket is
// one unit wide. About 60 KB whatever is counted.
//
// Thread: one owner; merge what several counted.
class LatencyHistogram {
 public:
  LatencyHistogram();

  // Cost: a few instructions; allocates nothing.
  void Add(std::uint64_t value, std::uint64_t times = 1);
  void Merge(const LatencyHistogram& other);
  void Reset();

  std::uint64_t count() const { return count_; }
  std::uint64_t min() const { return count_ == 0 ? 0 : min_; }  // Exact.
  std::uint64_t max() const { return max_; }                    // Exact.
  std::uint64_t Mean() const { return count_ == 0 ? 0 : sum_ / count_; }

  // The least value that so many millionths of all are not above: 500'000 is the median, 999'000
  // p99.9, 1'000'000 the maximum. The upper end of its bucket, at most max(); 0 where none is.
  // Requires: millionths <= 1'000'000.
  std::uint64_t Percentile(std::uint32_t millionths) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  std::uint64_t max_ = 0;
};

}  // namespace engine
