// The working memory of a clear: one for all books of a shard, 1 MiB, zero between clears.
#pragma once

#include <array>
#include <cstdint>

#include "engine/core/limits.h"

namespace engine {

struct ClearingScratch {
  std::array<std::uint64_t, kBandLevelsMax> demand_wh{};  // At each level of the market's band.
  std::array<std::uint64_t, kBandLevelsMax> supply_wh{};
};

}  // namespace engine
