// How many orders a credential may send: a bucket that fills evenly and holds one second's worth.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gateway {

// A frame passes while the bucket is not empty, whatever its size, and may leave it in debt: a long
// frame is never refused for ever, and the rate holds on average.
class TokenBucket {
 public:
  // Requires: per_second > 0.
  explicit TokenBucket(std::uint32_t per_second = 1) { SetRate(per_second); }

  // A new rate; what was used stays used.
  void SetRate(std::uint32_t per_second) {
    if (per_second == per_second_) return;
    per_second_ = per_second;
    balance_ = std::min(balance_, Full());
    if (updated_ns_ == kNever) balance_ = Full();
  }

  // Ensures: 0 and `items` are taken; else the milliseconds after which a frame passes.
  std::uint32_t Take(std::uint32_t items, std::int64_t now_ns) {
    if (updated_ns_ != kNever) {
      const std::int64_t passed = std::clamp<std::int64_t>(now_ns - updated_ns_, 0, kSecondNs);
      balance_ = std::min(Full(), balance_ + passed * per_second_);
    }
    updated_ns_ = now_ns;
    if (balance_ <= 0) {
      const std::int64_t wait_ns = -balance_ / per_second_ + 1;
      return static_cast<std::uint32_t>(
          std::min<std::int64_t>(wait_ns / kMillisecondNs + 1, INT32_MAX));
    }
    balance_ -= std::int64_t{items} * kSecondNs;
    return 0;
  }

 private:
  static constexpr std::int64_t kNever = INT64_MIN;
  static constexpr std::int64_t kSecondNs = 1'000'000'000;
  static constexpr std::int64_t kMillisecondNs = 1'000'000;

  std::int64_t Full() const { return std::int64_t{per_second_} * kSecondNs; }

  std::uint32_t per_second_ = 0;
  std::int64_t balance_ = 0;  // In billionths of an order.
  std::int64_t updated_ns_ = kNever;
};

}  // namespace gateway
