#include "engine/core/clearing/wide.h"

#include <gtest/gtest.h>

#include "tests/support/random_source.h"

namespace engine {
namespace {

// Of any width, often at the edges.
std::uint64_t AnyNumber(RandomSource& random) {
  const std::uint64_t number = random.Next() >> random.Below(64);
  switch (random.Below(4)) {
    case 0:
      return UINT64_MAX - (number & 3);
    case 1:
      return (std::uint64_t{1} << random.Below(64)) - (number & 1);
    default:
      return number;
  }
}

TEST(MultiplyDivide, UndoesAMultiplicationOfAnyWidth) {
  for (std::uint64_t seed = 0; seed < Repeats(200'000, 5'000'000); ++seed) {
    RandomSource random(seed);
    const Wide a = Wide{AnyNumber(random)} << 64 | AnyNumber(random);
    if (a == 0) continue;
    const std::uint64_t b = AnyNumber(random);
    const WideDivision whole = MultiplyDivide(a, b, a);
    ASSERT_EQ(whole.quotient, b) << seed;
    ASSERT_TRUE(whole.remainder == 0) << seed;
    // b * a = quotient * divisor + remainder, in 192 bits.
    const Wide divisor = a | Wide{1} << 127;
    const WideDivision part = MultiplyDivide(a, b, divisor);
    const WideProduct back = Multiply(divisor, part.quotient);
    const Wide low = back.low + part.remainder;
    const WideProduct sum{back.high + (low < back.low ? 1 : 0), low};
    ASSERT_TRUE(sum == Multiply(a, b)) << seed;
    ASSERT_TRUE(part.remainder < divisor) << seed;
  }
}

TEST(WideProduct, ComparesAsNumbersDo) {
  EXPECT_LT(Multiply(~Wide{0}, 1), Multiply(~Wide{0}, 2));
  EXPECT_LT(Multiply(5, 7), Multiply(6, 7));
  EXPECT_EQ(Multiply(6, 7), Multiply(7, 6));
  EXPECT_GT(Multiply(Wide{1} << 127, 4), Multiply(~Wide{0}, 1));
}

}  // namespace
}  // namespace engine
