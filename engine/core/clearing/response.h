// How much a buyer takes at a price, as its order declares it. Exact: nano-watt-hours, or a
// fraction of them whose divisor is the price. For one round: what stays for another is fixed.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/core/clearing/wide.h"

namespace engine {

inline constexpr std::uint64_t kNanoPerWh = 1'000'000'000;

// Quadratic: the best response of a utility a x - theta x^2 / 2 to the price p is (a - p) / theta,
// with theta in ticks per MWh. Ensures: nano-watt-hours per tick, rounded up. Requires: theta > 0.
constexpr std::uint64_t QuadraticSlope(std::uint32_t theta) {
  constexpr std::uint64_t kNanoPerMwh = kNanoPerWh * 1'000'000;
  return (kNanoPerMwh + theta - 1) / theta;
}

// What it takes so many ticks under its limit: no more than the whole energy.
constexpr std::uint64_t QuadraticDemand(std::uint64_t slope, std::uint64_t ticks,
                                        std::uint64_t full_nwh) {
  std::uint64_t line = 0;
  return __builtin_mul_overflow(slope, ticks, &line) ? full_nwh : std::min(line, full_nwh);
}

// The highest level at which a quadratic response is the whole energy; below zero: none in the
// band.
constexpr std::int64_t QuadraticFullLevel(std::uint16_t limit, std::uint64_t slope,
                                          std::uint64_t full_nwh) {
  return limit - static_cast<std::int64_t>((full_nwh + slope - 1) / slope);
}

// Logarithmic: the best response of k ln(1 + x / u) * u is u (k / p - 1), with k the limit price
// and the scale u in Wh. Requires: prices above zero.
//
// The highest price at which it is the whole energy.
constexpr std::int64_t LogarithmicFullPrice(std::int64_t limit_price, std::uint32_t scale_wh,
                                            std::uint32_t energy_wh) {
  const Wide product = Wide{scale_wh} * static_cast<std::uint64_t>(limit_price);
  return static_cast<std::int64_t>(product / (std::uint64_t{scale_wh} + energy_wh));
}

}  // namespace engine
