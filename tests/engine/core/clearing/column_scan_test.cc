#include "engine/core/clearing/column_scan.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/order_pool.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

struct Columns {
  std::vector<std::uint16_t> levels;
  std::vector<std::uint32_t> open_wh;
};

// Few levels, so that many orders share one; the edges of what a level can be too.
Columns RandomColumns(RandomSource& random, std::size_t orders) {
  Columns columns;
  const std::uint64_t lowest = random.Below(3) == 0 ? 65'536 - 8 : random.Below(2) * 32'764;
  for (std::size_t i = 0; i < orders; ++i) {
    columns.levels.push_back(static_cast<std::uint16_t>(lowest + random.Below(8)));
    columns.open_wh.push_back(static_cast<std::uint32_t>(random.Next()));
  }
  return columns;
}

TEST(ColumnScan, ComesToTheSameHoweverWideTheRegistersAre) {
  RandomSource random(1);
  std::uint64_t found = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Columns columns = RandomColumns(random, random.Below(kChunkOrders + 1));
    const auto level = columns.levels.empty() || random.Below(4) == 0
                           ? static_cast<std::uint16_t>(random.Next())
                           : columns.levels[random.Below(columns.levels.size())];
    std::vector<std::uint32_t> filled(columns.levels.size(), 7);
    std::vector<std::uint32_t> twin(columns.levels.size(), 8);
    ASSERT_EQ(HasLevel(columns.levels, level), PortableScan::HasLevel(columns.levels, level));
    found += HasLevel(columns.levels, level) ? 1 : 0;
    FillAbove(columns.levels, level, columns.open_wh, filled);
    PortableScan::FillAbove(columns.levels, level, columns.open_wh, twin);
    ASSERT_EQ(filled, twin);
    FillBelow(columns.levels, level, columns.open_wh, filled);
    PortableScan::FillBelow(columns.levels, level, columns.open_wh, twin);
    ASSERT_EQ(filled, twin);
  }
  EXPECT_GT(found, 10'000U);
  RecordProperty("avx512", ScansWithAvx512() ? 1 : 0);
}

TEST(ColumnScan, FillsWhatIsAboveOrBelowAndNothingElse) {
  const std::vector<std::uint16_t> levels = {0, 4, 5, 6, 65'535};
  const std::vector<std::uint32_t> open_wh = {1, 2, 3, UINT32_MAX, 5};
  std::vector<std::uint32_t> filled(5, 9);
  FillAbove(levels, 5, open_wh, filled);
  EXPECT_EQ(filled, (std::vector<std::uint32_t>{0, 0, 0, UINT32_MAX, 5}));
  FillBelow(levels, 5, open_wh, filled);
  EXPECT_EQ(filled, (std::vector<std::uint32_t>{1, 2, 0, 0, 0}));
  EXPECT_TRUE(HasLevel(levels, 65'535));
  EXPECT_FALSE(HasLevel(levels, 7));
}

}  // namespace
}  // namespace engine
