// Whole watt-hours by largest remainder: each share's whole part, and one more for those that lost
// most by rounding.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/core/check.h"
#include "engine/core/clearing/wide.h"

namespace engine {

// An order's share: whole watt-hours, and what is left over them, in any unit that is the same for
// all who share.
template <typename Remainder>
struct Share {
  std::uint32_t whole_wh = 0;
  Remainder remainder = 0;
};

// Shares of `energy_wh` in proportion to weights that add up to `sum`, without a division.
//
// Requires: 0 < sum < 2^63, energy_wh <= sum; each weight is at most the sum, and its share fits 32
//           bits.
class Proportion {
 public:
  constexpr Proportion(std::uint64_t energy_wh, std::uint64_t sum)
      : energy_wh_(energy_wh), sum_(sum), ratio_(Ratio(energy_wh, sum)) {}

  // The ratio is rounded down, so the whole part is too small by one at most.
  constexpr Share<std::uint64_t> Of(std::uint64_t weight) const {
    auto whole = static_cast<std::uint64_t>(Wide{weight} * ratio_ >> 64);
    // Under 2^64: the low bits are all of it.
    std::uint64_t remainder = weight * energy_wh_ - whole * sum_;
    // No branch: it would be guessed wrong half of the time.
    const std::uint64_t one_more = remainder >= sum_ ? 1 : 0;
    whole += one_more;
    remainder -= sum_ & (0 - one_more);
    return {static_cast<std::uint32_t>(whole), remainder};
  }
  // Again, of who knows the whole part.
  constexpr std::uint64_t RemainderOf(std::uint64_t weight, std::uint32_t whole_wh) const {
    return weight * energy_wh_ - sum_ * whole_wh;
  }

 private:
  static constexpr std::uint64_t Ratio(std::uint64_t energy_wh, std::uint64_t sum) {
    CHECK(sum > 0 && sum <= INT64_MAX && energy_wh <= sum);
    if (energy_wh == sum) return UINT64_MAX;
    return static_cast<std::uint64_t>((Wide{energy_wh} << 64) / sum);
  }

  std::uint64_t energy_wh_;
  std::uint64_t sum_;
  std::uint64_t ratio_;  // energy_wh / sum, times 2^64.
};

// Which of the sharers get one watt-hour more: those with the largest remainders, ties to the
// older. All remainders are counted by their highest twelve bits, and again by the next twelve as
// long as too many have the same; then all are gone through once more, oldest first.
template <typename Remainder>
class LargestRemainders {
 public:
  // `largest` is at least every remainder.
  explicit LargestRemainders(Remainder largest) {
    int bits = 0;
    for (; largest != 0; largest >>= 1) ++bits;
    shift_ = std::max(bits - kDigitBits, 0);
  }

  void Count(Remainder remainder) {
    const Remainder value = remainder >> shift_;
    if (value >> width_ != prefix_) return;
    ++counts_[static_cast<std::size_t>(value & ((Remainder{1} << width_) - 1))];
  }
  // After all were counted: `left` get one, the first time. Ensures: true where Give() can begin,
  // false where all must be counted once more.
  bool Narrow(std::uint64_t left) {
    if (!narrowed_) left_ = left;
    narrowed_ = true;
    std::size_t digit = (std::size_t{1} << width_) - 1;
    while (counts_[digit] < left_) {
      CHECK(digit > 0);
      left_ -= counts_[digit--];
    }
    prefix_ = prefix_ << width_ | digit;
    all_are_known_ = shift_ == 0 || counts_[digit] == left_;
    if (all_are_known_ || counts_[digit] <= doubtful_.size()) return true;
    width_ = std::min(kDigitBits, shift_);
    shift_ -= width_;
    counts_.fill(0);
    return false;
  }
  // Called for each, oldest first; then End().
  void Give(Remainder remainder, std::uint32_t& filled) {
    const Remainder value = remainder >> shift_;
    filled += value > prefix_ ? 1 : 0;  // No branch: it would be guessed wrong half of the time.
    if (value != prefix_) return;
    if (!all_are_known_) {
      doubtful_[doubtfuls_] = {remainder, &filled, doubtfuls_};
      ++doubtfuls_;
    } else if (left_ > 0) {
      --left_;
      ++filled;
    }
  }
  void End() {
    const auto end = doubtful_.begin() + static_cast<std::ptrdiff_t>(doubtfuls_);
    std::sort(doubtful_.begin(), end, [](const Doubtful& a, const Doubtful& b) {
      return a.remainder != b.remainder ? a.remainder > b.remainder : a.age < b.age;
    });
    for (auto at = doubtful_.begin(); at != end && left_ > 0; ++at, --left_) ++*at->filled;
    CHECK(left_ == 0);
  }

 private:
  static constexpr int kDigitBits = 12;
  struct Doubtful {
    Remainder remainder = 0;
    std::uint32_t* filled = nullptr;
    std::size_t age = 0;  // From the oldest.
  };

  std::array<std::uint32_t, std::size_t{1} << kDigitBits> counts_{};
  Remainder prefix_ = 0;  // Of the last remainder that gets one, down to shift_.
  int shift_ = 0;
  int width_ = kDigitBits;  // Of the digit that is counted, above shift_.
  std::uint64_t left_ = 0;  // For those with the prefix.
  bool narrowed_ = false;
  bool all_are_known_ = false;          // Of those with the prefix the oldest get one.
  std::array<Doubtful, 512> doubtful_;  // Else these have it, and are sorted.
  std::size_t doubtfuls_ = 0;
};

// Shares out `energy_wh`: for_each(visit) calls visit(sharer, filled&) for each sharer, oldest
// first, and share(sharer) is its Share, the same each time; remainder(sharer, whole_wh) is that of
// its Share, for those who have it for less once they know the whole part.
//
// Requires: energy_wh less the whole parts is not below zero, and at most the number of sharers;
//           `largest` is at least every remainder.
// Ensures:  the sum of what is filled is energy_wh. Who has no remainder gets its whole part, where
//           no more is left than there are remainders above zero, as where the exact shares add up
//           to energy_wh; else the oldest without one get one more too.
// Cost:     two passes; with over two million sharers, or remainders that are much alike, one more
//           for each twelve bits that it takes to tell them apart. Nothing is allocated.
template <typename Remainder, typename ForEach, typename ShareOf, typename RemainderOf>
void ShareOut(std::uint64_t energy_wh, Remainder largest, ForEach for_each, ShareOf share,
              RemainderOf remainder) {
  LargestRemainders<Remainder> remainders(largest);
  std::uint64_t left = energy_wh;
  for_each([&](const auto& sharer, std::uint32_t& filled) {
    const Share<Remainder> part = share(sharer);
    filled = part.whole_wh;
    left -= part.whole_wh;
    remainders.Count(part.remainder);
  });
  CHECK(left <= energy_wh);
  if (left == 0) return;
  while (!remainders.Narrow(left)) {
    for_each([&](const auto& sharer, const std::uint32_t& whole) {
      remainders.Count(remainder(sharer, whole));
    });
  }
  for_each([&](const auto& sharer, std::uint32_t& filled) {
    remainders.Give(remainder(sharer, filled), filled);
  });
  remainders.End();
}
template <typename Remainder, typename ForEach, typename ShareOf>
void ShareOut(std::uint64_t energy_wh, Remainder largest, ForEach for_each, ShareOf share) {
  ShareOut<Remainder>(energy_wh, largest, for_each, share,
                      [&](const auto& sharer, std::uint32_t) { return share(sharer).remainder; });
}

// In proportion to weight(sharer). Requires: energy_wh and the sum of weights fit a
// Proportion.
template <typename ForEach, typename WeightOf>
void ShareInProportion(std::uint64_t energy_wh, std::uint64_t sum, ForEach for_each,
                       WeightOf weight) {
  const Proportion proportion(energy_wh, sum);
  ShareOut<std::uint64_t>(
      energy_wh, sum, for_each, [&](const auto& sharer) { return proportion.Of(weight(sharer)); },
      [&](const auto& sharer, std::uint32_t whole_wh) {
        return proportion.RemainderOf(weight(sharer), whole_wh);
      });
}

}  // namespace engine
