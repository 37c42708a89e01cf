// Seeded randomness for tests, the same on every machine.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace engine {

// SplitMix64. The standard distributions differ between libraries; this does not.
class RandomSource {
 public:
  explicit RandomSource(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // 0 to below - 1. Draw once an expression: the order of operands is each compiler's own.
  std::uint64_t Below(std::uint64_t below) { return Next() % below; }

 private:
  std::uint64_t state_;
};

// The only seed to try, where the environment names one: to repeat a failure.
inline std::optional<std::uint64_t> SeedFromEnvironment() {
  const char* seed = std::getenv("PEERWATT_SEED");
  if (seed == nullptr) return std::nullopt;
  return std::strtoull(seed, nullptr, 10);
}

// A sanitizer takes ten times as long and looks for other things: a part of a long test will do.
#ifdef PEERWATT_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// How often a random test repeats: `quick`, or `full` in `tools/check --long`.
inline std::uint64_t Repeats(std::uint64_t quick, std::uint64_t full) {
  return std::getenv("PEERWATT_LONG") != nullptr ? full : quick;
}

}  // namespace engine
