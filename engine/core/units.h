// Strong integer types for energy, price and money; the exchange has no other quantities.
#pragma once

#include <compare>
#include <cstdint>

#include "engine/core/check.h"

namespace engine {

// A signed count of one unit. Two units do not mix, and overflow stops the process: limits.h bounds
// every input so that no accepted sequence of commands can reach it.
template <typename Unit>
class Count {
 public:
  constexpr Count() = default;
  constexpr explicit Count(std::int64_t value) : value_(value) {}

  constexpr std::int64_t value() const { return value_; }

  constexpr Count& operator+=(Count other) {
    CHECK(!__builtin_add_overflow(value_, other.value_, &value_));
    return *this;
  }
  constexpr Count& operator-=(Count other) {
    CHECK(!__builtin_sub_overflow(value_, other.value_, &value_));
    return *this;
  }
  friend constexpr Count operator+(Count a, Count b) { return a += b; }
  friend constexpr Count operator-(Count a, Count b) { return a -= b; }
  friend constexpr auto operator<=>(Count, Count) = default;

 private:
  std::int64_t value_ = 0;
};

using WattHours = Count<struct WattHoursUnit>;      // 1 = one watt-hour.
using PriceTicks = Count<struct PriceTicksUnit>;    // 1 = one ledger unit per watt-hour.
using LedgerUnits = Count<struct LedgerUnitsUnit>;  // 1 = by default 0.000001 of the currency.

// Exact: a tick is a whole number of ledger units per watt-hour, so nothing is rounded.
constexpr LedgerUnits Cost(PriceTicks price, WattHours energy) {
  std::int64_t cost = 0;
  CHECK(!__builtin_mul_overflow(price.value(), energy.value(), &cost));
  return LedgerUnits(cost);
}

// Rounded down, below zero too. Requires: divisor > 0.
constexpr std::int64_t DivideDown(std::int64_t value, std::int64_t divisor) {
  const std::int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

namespace literals {
constexpr WattHours operator""_Wh(unsigned long long v) {
  return WattHours(static_cast<std::int64_t>(v));
}
constexpr PriceTicks operator""_ticks(unsigned long long v) {
  return PriceTicks(static_cast<std::int64_t>(v));
}
constexpr LedgerUnits operator""_units(unsigned long long v) {
  return LedgerUnits(static_cast<std::int64_t>(v));
}
}  // namespace literals

}  // namespace engine
