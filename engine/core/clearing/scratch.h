// The working memory of a clear: one for all books of a shard, 6 MiB, zero between clears.
#pragma once

#include <array>
#include <cstdint>

#include "engine/core/clearing/wide.h"
#include "engine/core/limits.h"

namespace engine {

template <typename Number>
using Levels = std::array<Number, kBandLevelsMax>;  // At each level of the market's band.

// Demand that changes its course at some level: see ResponseDemand. Less what joins there.
struct ResponseLevels {
  Levels<Wide> full_nwh{};         // What the orders whose response is full up to there take.
  Levels<Wide> slope_nwh{};        // Of quadratic responses, a tick.
  Levels<Wide> intercept_nwh{};    // Slope times limit level.
  Levels<Wide> log_scale_wh{};     // Of logarithmic responses: scale times limit price,
  Levels<std::uint64_t> log_wh{};  // and scale.
};

struct ClearingScratch {
  Levels<std::uint64_t> demand_wh{};
  Levels<std::uint64_t> supply_wh{};
  ResponseLevels response;
};

}  // namespace engine
