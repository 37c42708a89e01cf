#include "engine/core/clearing/price_search.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random_source.h"

namespace engine {
namespace {

RuleParameters Rules(Schedule schedule, std::uint32_t step, Ties ties) {
  RuleParameters rule;
  rule.schedule = schedule;
  rule.step_ticks = step;
  rule.ties = ties;
  return rule;
}

// Runs a search over welfare(level). Ensures: returns how many prices were looked at.
template <typename WelfareAt>
std::size_t Search(PriceSearch& search, WelfareAt welfare) {
  while (search.Next() != PriceSearch::kOver) {
    const auto level = static_cast<std::uint16_t>(search.Next());
    search.Record(level, {.high = 0, .low = welfare(level)});
  }
  return search.recorded();
}

TEST(PriceSearch, FindsTheBestOfAWelfareWithOnePeakByHalves) {
  RandomSource random(5);
  const std::uint64_t repeats = Repeats(2'000, 100'000);
  for (std::uint64_t i = 0; i < repeats; ++i) {
    const auto lowest = static_cast<std::uint16_t>(random.Below(1'000));
    const auto highest = static_cast<std::uint16_t>(lowest + random.Below(3'000));
    const auto step = static_cast<std::uint32_t>(1 + random.Below(20));
    const Ties ties = random.Below(2) == 0 ? Ties::kLower : Ties::kHigher;
    // Rises by other steps than it falls, with a flat top of two prices now and then.
    const std::uint64_t peak = lowest + random.Below(highest - lowest + 1U);
    const std::uint64_t rise = 1 + random.Below(9);
    const std::uint64_t fall = 1 + random.Below(9);
    const auto welfare = [&](std::uint16_t level) -> Wide {
      const std::uint64_t top = 1'000'000;
      return level <= peak ? top - rise * (peak - level) : top - fall * (level - peak);
    };
    PriceSearch all(Rules(Schedule::kDescending, step, ties), highest, lowest);
    PriceSearch halves(Rules(Schedule::kBisecting, step, ties), highest, lowest);
    const std::size_t prices = Search(all, welfare);
    const std::size_t looked_at = Search(halves, welfare);
    ASSERT_EQ(prices, (highest - lowest) / step + 1);
    ASSERT_EQ(halves.best(), all.best());
    ASSERT_FALSE(halves.fell_back());
    ASSERT_LE(looked_at, 2 * std::bit_width(prices) + 1U);
  }
}

TEST(PriceSearch, LooksAtEveryPriceOnceWhereWelfareHasMorePeaksThanItSaw) {
  RandomSource random(6);
  for (int i = 0; i < 2'000; ++i) {
    std::vector<std::uint64_t> welfare(1 + random.Below(60));
    for (std::uint64_t& each : welfare) each = random.Below(10);
    const auto highest = static_cast<std::uint16_t>(welfare.size() - 1);
    const auto at = [&](std::uint16_t level) -> Wide { return welfare[level]; };
    PriceSearch all(Rules(Schedule::kDescending, 1, Ties::kLower), highest, 0);
    PriceSearch halves(Rules(Schedule::kBisecting, 1, Ties::kLower), highest, 0);
    ASSERT_EQ(Search(all, at), welfare.size());
    // Of the best the cheapest.
    ASSERT_EQ(all.best(), std::max_element(welfare.begin(), welfare.end()) - welfare.begin());
    Search(halves, at);
    if (!halves.fell_back()) continue;
    ASSERT_EQ(halves.recorded(), welfare.size());
    ASSERT_EQ(halves.best(), all.best());
  }
}

}  // namespace
}  // namespace engine
