// XXH3-128 over bytes that are fed in: the fingerprint of a state, a round, a journal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>

#include "engine/core/hex.h"

namespace engine {

using DigestBytes = std::array<std::byte, 16>;

template <typename Type>
concept DigestNumber = std::is_integral_v<Type> || std::is_enum_v<Type>;

// Feed numbers, never padded structs: what is hashed is the canonical form, not memory.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void Reset();
  void Add(std::span<const std::byte> bytes);

  // Little endian, as wide as the type; several as one after the other.
  template <DigestNumber... Numbers>
  void Add(Numbers... numbers) {
    std::array<std::byte, (sizeof(Numbers) + ...)> bytes;
    std::byte* at = bytes.data();
    const auto append = [&at](const auto& number) {
      std::memcpy(at, &number, sizeof(number));
      at += sizeof(number);
    };
    (append(numbers), ...);
    Add(std::span<const std::byte>(bytes));
  }

  DigestBytes Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of these bytes alone.
DigestBytes DigestOf(std::span<const std::byte> bytes);

}  // namespace engine
