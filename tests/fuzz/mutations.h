// Small changes to bytes that were whole: the short run of a fuzzer, and the seeds of a long one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random_source.h"

namespace fuzz {

using Bytes = std::vector<std::byte>;

// Requires: not empty.
inline void Mutate(Bytes& bytes, engine::RandomSource& random) {
  const std::uint64_t changes = 1 + random.Below(8);
  for (std::uint64_t i = 0; i < changes; ++i) {
    const std::size_t at = random.Below(bytes.size());
    switch (random.Below(5)) {
      case 0:
        bytes[at] = static_cast<std::byte>(random.Next());
        break;
      case 1:
        bytes[at] ^= static_cast<std::byte>(1U << random.Below(8));
        break;
      case 2:
        bytes[at] = random.Below(2) == 0 ? std::byte{0} : std::byte{0xff};
        break;
      case 3:
        bytes.resize(at + 1);  // Cut short.
        break;
      default:
        bytes[at] = bytes[random.Below(bytes.size())];
    }
  }
}

// For `tools/fuzz`, which names a folder: a file that the fuzzer of that name begins with.
inline void KeepSeed(const std::string& fuzzer, const Bytes& bytes) {
  const char* folder = std::getenv("PEERWATT_FUZZ_SEEDS");
  if (folder == nullptr) return;
  static int number = 0;
  const std::string to = std::string(folder) + "/" + fuzzer;
  std::filesystem::create_directories(to);
  std::ofstream(to + "/seed-" + std::to_string(++number), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

inline std::span<const std::uint8_t> InputOf(const Bytes& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}
// So many inputs that `whole` was changed into. A failure under a sanitizer repeats with the seed
// that was printed last.
template <typename Take>
void TakeMutants(const std::string& fuzzer, const Bytes& whole, std::uint64_t mutants, Take take) {
  KeepSeed(fuzzer, whole);
  for (std::uint64_t seed = 0; seed < mutants; ++seed) {
    SCOPED_TRACE(seed);
    engine::RandomSource random(seed);
    Bytes bytes = whole;
    Mutate(bytes, random);
    take(InputOf(bytes));
  }
}

inline Bytes BytesOf(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace fuzz
