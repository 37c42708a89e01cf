// Integers of 128 bits, and the few operations whose results need more on the way.
#pragma once

#include <compare>
#include <cstdint>

#include "engine/core/check.h"

namespace engine {

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

// Of 192 bits: a product of 128 and 64.
struct WideProduct {
  std::uint64_t high = 0;  // Times 2^128.
  Wide low = 0;

  friend constexpr bool operator==(const WideProduct&, const WideProduct&) = default;
  friend constexpr auto operator<=>(const WideProduct& a, const WideProduct& b) {
    if (a.high != b.high) return a.high <=> b.high;
    return a.low < b.low   ? std::strong_ordering::less
           : b.low < a.low ? std::strong_ordering::greater
                           : std::strong_ordering::equal;
  }
};

constexpr WideProduct Multiply(Wide a, std::uint64_t b) {
  const Wide low = Wide{static_cast<std::uint64_t>(a)} * b;
  const Wide high = Wide{static_cast<std::uint64_t>(a >> 64)} * b + (low >> 64);
  return {.high = static_cast<std::uint64_t>(high >> 64),
          .low = high << 64 | static_cast<std::uint64_t>(low)};
}

struct WideDivision {
  std::uint64_t quotient = 0;
  Wide remainder = 0;
};

// a * b / divisor, rounded down, and what is left. Requires: the quotient fits 64 bits.
constexpr WideDivision MultiplyDivide(Wide a, std::uint64_t b, Wide divisor) {
  CHECK(divisor > 0);
  const WideProduct product = Multiply(a, b);
  if (product.high == 0) {
    const Wide quotient = divisor <= UINT64_MAX ? product.low / static_cast<std::uint64_t>(divisor)
                                                : product.low / divisor;
    CHECK(quotient <= UINT64_MAX);
    return {static_cast<std::uint64_t>(quotient), product.low - quotient * divisor};
  }
  // Bit by bit, as on paper; the rest is kept below the divisor, and its carry is watched.
  CHECK(product.high < divisor);
  Wide rest = product.high;
  Wide quotient = 0;
  for (int bit = 127; bit >= 0; --bit) {
    const bool carry = (rest >> 127) != 0;
    rest = rest << 1 | (product.low >> bit & 1);
    quotient <<= 1;
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
  }
  CHECK(quotient <= UINT64_MAX);
  return {static_cast<std::uint64_t>(quotient), rest};
}

}  // namespace engine
