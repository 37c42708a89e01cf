// One input of the fuzzer of snapshots: the bytes of a state, as they are behind a sound checksum.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "engine/core/check.h"
#include "engine/core/exchange.h"
#include "tests/support/saved_state.h"

namespace engine {

// What is loaded is the state that was given, to the byte.
inline void TakeState(std::span<const std::uint8_t> input) {
  const std::span<const std::byte> state = std::as_bytes(input);
  Exchange exchange;
  if (LoadState(state, 4'096, exchange)) CHECK(std::ranges::equal(StateOf(exchange), state));
}

}  // namespace engine
