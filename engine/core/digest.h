// XXH3-128 over bytes that are fed in: the fingerprint of a state, a round, a journal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "engine/core/hex.h"

namespace engine {

using DigestBytes = std::array<std::byte, 16>;

// Feed numbers, never padded structs: what is hashed is the canonical form, not memory.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void Reset();
  void Add(std::span<const std::byte> bytes);

  // Little endian, as wide as the type.
  template <typename Number>
  requires std::is_integral_v<Number> || std::is_enum_v<Number>
  void Add(Number number) { Add(std::as_bytes(std::span(&number, 1))); }

  DigestBytes Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of these bytes alone.
DigestBytes DigestOf(std::span<const std::byte> bytes);

}  // namespace engine
