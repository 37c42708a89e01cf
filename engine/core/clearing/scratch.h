// The working memory of a clear: one for all books of a shard, 4 MiB, zero between clears.
#pragma once

#include <array>
#include <cstdint>

#include "engine/core/clearing/wide.h"
#include "engine/core/limits.h"

namespace engine {

template <typename Number>
using Levels = std::array<Number, kBandLevelsMax>;  // At each level of the market's band.

// Demand that changes its course at some level: see ResponseDemand.
struct ResponseLevels {
  // Of fixed and quadratic responses: how much more it grows from the level above to this one than
  // from the one before that to there. Two levels below the range are written and never read.
  std::array<Wide, kBandLevelsMax + 2> bend_nwh{};

  // Of logarithmic responses, what joins there less what leaves: scale times limit price, and
  // scale.
  Levels<Wide> log_scale_wh{};
  Levels<std::uint64_t> log_wh{};
};

struct ClearingScratch {
  Levels<std::uint64_t> demand_wh{};
  Levels<std::uint64_t> supply_wh{};
  Levels<std::uint32_t> asks{};  // Orders, where a rule needs them.
  ResponseLevels response;
};

}  // namespace engine
