#include "engine/core/clearing/sharing.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random_source.h"

namespace engine {
namespace {

using Parts = std::vector<Share<std::uint64_t>>;  // Oldest first.
using Filled = std::vector<std::uint32_t>;

// All sorted by what they lost by rounding, the older first where it is the same.
Filled NaiveShareOut(std::uint64_t energy_wh, const Parts& parts) {
  Filled filled;
  for (const auto& part : parts) {
    filled.push_back(part.whole_wh);
    energy_wh -= part.whole_wh;
  }
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&parts](std::size_t a, std::size_t b) {
    return parts[a].remainder > parts[b].remainder;
  });
  for (std::size_t i = 0; i < energy_wh; ++i) ++filled[order[i]];
  return filled;
}

Filled Shared(std::uint64_t energy_wh, std::uint64_t largest, const Parts& parts) {
  Filled filled(parts.size());
  ShareOut<std::uint64_t>(
      energy_wh, largest,
      [&](auto visit) {
        for (std::size_t i = 0; i < parts.size(); ++i) visit(parts[i], filled[i]);
      },
      [](const Share<std::uint64_t>& part) { return part; });
  return filled;
}

// In proportion to weights, as the rules share, with remainders found by multiplication.
Filled SharedByWeight(std::uint64_t energy_wh, const std::vector<std::uint64_t>& weights) {
  const std::uint64_t sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  Filled filled(weights.size());
  ShareInProportion(
      energy_wh, sum,
      [&](auto visit) {
        for (std::size_t i = 0; i < weights.size(); ++i) visit(weights[i], filled[i]);
      },
      [](std::uint64_t weight) { return weight; });
  return filled;
}

Parts NaiveParts(std::uint64_t energy_wh, const std::vector<std::uint64_t>& weights) {
  const std::uint64_t sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  Parts parts;
  for (const std::uint64_t weight : weights) {
    const Wide product = Wide{weight} * energy_wh;
    parts.push_back(
        {static_cast<std::uint32_t>(product / sum), static_cast<std::uint64_t>(product % sum)});
  }
  return parts;
}

// Of any width up to 2^40, the same now and then, some of them zero, but not all.
std::vector<std::uint64_t> RandomWeights(RandomSource& random) {
  const std::uint64_t most = std::uint64_t{1} << random.Below(41);
  std::vector<std::uint64_t> weights(1 + random.Below(random.Below(8) == 0 ? 3'000 : 20));
  for (std::uint64_t& weight : weights) weight = random.Below(4) == 0 ? 0 : random.Below(most);
  weights[random.Below(weights.size())] = most;
  return weights;
}

// Sums of any width below 2^63, energies and weights often at the edges.
TEST(Proportion, DividesAsTheMachineDoes) {
  for (std::uint64_t seed = 0; seed < Repeats(200'000, 5'000'000); ++seed) {
    RandomSource random(seed);
    const std::uint64_t sum = 1 + (random.Next() >> (1 + random.Below(63)));
    const auto at_most = [&random](std::uint64_t most) {
      return random.Below(3) == 0 ? most - random.Below(std::min<std::uint64_t>(most, 3) + 1)
                                  : random.Next() % (most + 1);
    };
    if (sum > INT64_MAX) continue;
    const std::uint64_t energy_wh = at_most(sum);
    const std::uint64_t weight = at_most(sum);
    const Wide product = Wide{weight} * energy_wh;
    if (product / sum > UINT32_MAX) continue;
    const Share<std::uint64_t> share = Proportion(energy_wh, sum).Of(weight);
    ASSERT_EQ(share.whole_wh, static_cast<std::uint32_t>(product / sum)) << seed;
    ASSERT_EQ(share.remainder, static_cast<std::uint64_t>(product % sum)) << seed;
    ASSERT_EQ(Proportion(energy_wh, sum).RemainderOf(weight, share.whole_wh), share.remainder);
  }
}

TEST(ShareOut, AgreesWithSortingTheRemainders) {
  for (std::uint64_t seed = 0; seed < Repeats(2'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<std::uint64_t> weights = RandomWeights(random);
    const std::uint64_t sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
    const std::uint64_t energy_wh =
        random.Below(std::min<std::uint64_t>(sum, random.Below(2) == 0 ? 5'000 : UINT32_MAX) + 1);
    const Filled filled = SharedByWeight(energy_wh, weights);
    const Parts parts = NaiveParts(energy_wh, weights);
    ASSERT_EQ(filled, NaiveShareOut(energy_wh, parts));
    ASSERT_EQ(filled, Shared(energy_wh, sum, parts));
    ASSERT_EQ(std::accumulate(filled.begin(), filled.end(), std::uint64_t{0}), energy_wh);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      ASSERT_TRUE(weights[i] > 0 || filled[i] == 0) << "a share of nothing got something";
    }
  }
}

// All have 4 Wh and 800 / 2,000 of one more, and they are more than are sorted at once.
TEST(ShareOut, GivesTheOlderOneMoreWhereAllRemaindersAreTheSame) {
  const Filled filled = SharedByWeight(8'800, std::vector<std::uint64_t>(2'000, 7));
  for (std::size_t i = 0; i < filled.size(); ++i) ASSERT_EQ(filled[i], i < 800 ? 5U : 4U) << i;
}

TEST(ShareOut, TellsRemaindersApartByTheirLowestBits) {
  constexpr std::uint64_t kLargest = (std::uint64_t{1} << 40) - 1;
  // So many differ: they are alike in one count of twelve bits, in two, in three, and in all.
  for (const int bits : {28, 16, 4, 0}) {
    for (std::uint64_t seed = 0; seed < Repeats(20, 1'000); ++seed) {
      SCOPED_TRACE(testing::Message() << bits << " bits, seed " << seed);
      RandomSource random(seed);
      Parts parts(1'500);
      std::uint64_t energy_wh = 1 + random.Below(parts.size());
      for (auto& part : parts) {
        part.whole_wh = static_cast<std::uint32_t>(random.Below(3));
        part.remainder = (kLargest / 3 >> bits << bits) + random.Below(std::uint64_t{1} << bits);
        energy_wh += part.whole_wh;
      }
      ASSERT_EQ(Shared(energy_wh, kLargest, parts), NaiveShareOut(energy_wh, parts));
    }
  }
}

TEST(ShareOut, GivesThoseWithoutARemainderOneMoreOnlyAfterAllOthers) {
  const Parts parts = {{2, 0}, {0, 3}, {1, 0}, {0, 9}};
  EXPECT_EQ(Shared(3 + 2, 9, parts), (Filled{2, 1, 1, 1}));
  EXPECT_EQ(Shared(3 + 3, 9, parts), (Filled{3, 1, 1, 1}));
}

}  // namespace
}  // namespace engine
