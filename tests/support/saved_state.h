// An exchange's state as the bytes of a snapshot.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/core/exchange.h"
#include "engine/core/state_bytes.h"

namespace engine {

inline std::vector<std::byte> StateOf(const Exchange& exchange) {
  std::vector<std::byte> state;
  StateWriter out([&state](std::span<const std::byte> bytes) {
    state.insert(state.end(), bytes.begin(), bytes.end());
  });
  exchange.Save(out);
  out.Finish();
  return state;
}

// In pieces of so many bytes. Ensures: as Exchange::Load.
inline bool LoadState(std::span<const std::byte> state, std::size_t piece, Exchange& exchange,
                      std::string* error = nullptr) {
  StateReader in([&state, piece] {
    const std::span<const std::byte> next = state.first(std::min(piece, state.size()));
    state = state.subspan(next.size());
    return next;
  });
  const bool loaded = exchange.Load(in);
  if (error != nullptr) *error = in.error();
  return loaded;
}

}  // namespace engine
