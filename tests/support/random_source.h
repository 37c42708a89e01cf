// Seeded randomness for tests, the same on every machine.
#pragma once

#include <cstdint>
#include <cstdlib>

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
  // 0 to below - 1.
  std::uint64_t Below(std::uint64_t below) { return Next() % below; }

 private:
  std::uint64_t state_;
};

// How often a random test repeats: `quick`, or `full` in `tools/check --long`.
inline std::uint64_t Repeats(std::uint64_t quick, std::uint64_t full) {
  return std::getenv("PEERWATT_LONG") != nullptr ? full : quick;
}

}  // namespace engine
