// Random numbers that depend on nothing but a seed and what they are for, so that a feed repeats on
// every machine, whatever is drawn before or beside it.
#pragma once

#include <cstdint>

namespace tools {

// What a number is drawn for: two purposes never share one.
enum class DrawFor : std::uint64_t {
  kDailyLoad = 1,
  kLoadNoise,
  kHasPv,
  kPvSize,
  kPvNoise,
  kCloud,
  kHomeShade,
  kSlotShade,
  kLead,
  kLeadAgain,
  kCorrects,
  kForecast,
  kCorrectionLead,
  kZipAgent,
  kZipMargin,
  kZipRate,
  kZipMomentum,
  kZipPastShare,
  kZipPastTicks,
  kBurst,
};

// SplitMix64's finalizer. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators" (2014).
constexpr std::uint64_t Mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// Uniform over 64 bits.
constexpr std::uint64_t Draw(std::uint64_t seed, DrawFor purpose, std::uint64_t a,
                             std::uint64_t b = 0) {
  return Mix(Mix(Mix(Mix(seed) ^ static_cast<std::uint64_t>(purpose)) ^ a) ^ b);
}

// Uniform from `low` to `high`, both included. Requires: low <= high, high - low < 2^32.
constexpr std::int64_t Between(std::uint64_t draw, std::int64_t low, std::int64_t high) {
  const auto width = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<std::int64_t>(((draw >> 32) * width) >> 32);
}

}  // namespace tools
