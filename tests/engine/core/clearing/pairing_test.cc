#include "engine/core/clearing/pairing.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random_source.h"

namespace engine {
namespace {

TEST(Pairing, GivesTheDearestBidTheCheapestAsk) {
  const std::vector<PairingFill> bids = {{.limit_ticks = 30, .energy_wh = 5},
                                         {.limit_ticks = 40, .energy_wh = 7}};
  const std::vector<PairingFill> asks = {{.limit_ticks = 20, .energy_wh = 4},
                                         {.limit_ticks = 10, .energy_wh = 8}};
  const std::vector<PairedTrade> trades = PairFills(bids, asks);
  ASSERT_EQ(trades.size(), 3u);
  EXPECT_EQ(trades[0].bid, 1u);
  EXPECT_EQ(trades[0].ask, 1u);
  EXPECT_EQ(trades[0].energy_wh, 7u);
  EXPECT_EQ(trades[1].bid, 0u);
  EXPECT_EQ(trades[1].ask, 1u);
  EXPECT_EQ(trades[1].energy_wh, 1u);
  EXPECT_EQ(trades[2].bid, 0u);
  EXPECT_EQ(trades[2].ask, 0u);
  EXPECT_EQ(trades[2].energy_wh, 4u);
}

TEST(Pairing, TakesTheOlderOfEqualLimitsFirst) {
  const std::vector<PairingFill> bids = {{30, 5}, {30, 5}};
  const std::vector<PairingFill> asks = {{10, 10}};
  const std::vector<PairedTrade> trades = PairFills(bids, asks);
  ASSERT_EQ(trades.size(), 2u);
  EXPECT_EQ(trades[0].bid, 0u);
}

// What trades in the example: 4.5 kWh, of the third bid only half.
TEST(Pairing, ComesOutAsTheBrooklynMicrogridsExample) {
  const std::vector<PairingFill> bids = {{200, 2'000}, {180, 1'000}, {120, 1'500}};
  const std::vector<PairingFill> asks = {{60, 2'000}, {100, 1'500}, {110, 1'000}};
  const std::vector<PairedTrade> expected = {
      {0, 0, 2'000}, {1, 1, 1'000}, {2, 1, 500}, {2, 2, 1'000}};
  const std::vector<PairedTrade> trades = PairFills(bids, asks);
  ASSERT_EQ(trades.size(), expected.size());
  for (std::size_t i = 0; i < trades.size(); ++i) {
    EXPECT_EQ(trades[i].bid, expected[i].bid) << i;
    EXPECT_EQ(trades[i].ask, expected[i].ask) << i;
    EXPECT_EQ(trades[i].energy_wh, expected[i].energy_wh) << i;
  }
}

TEST(Pairing, UsesUpEveryFillExactly) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    std::vector<PairingFill> bids(1 + random.Below(20));
    std::uint64_t total = 0;
    for (PairingFill& bid : bids) {
      bid = {static_cast<std::int64_t>(random.Below(9)), 2 + random.Below(50)};
      total += bid.energy_wh;
    }
    std::vector<PairingFill> asks;
    for (std::uint64_t left = total; left > 0;) {
      const std::uint64_t energy = 1 + random.Below(left);
      asks.push_back({static_cast<std::int64_t>(random.Below(9)), energy});
      left -= energy;
    }
    std::vector<std::uint64_t> bought(bids.size());
    std::vector<std::uint64_t> sold(asks.size());
    const std::vector<PairedTrade> trades = PairFills(bids, asks);
    EXPECT_LT(trades.size(), bids.size() + asks.size());
    for (const PairedTrade& trade : trades) {
      bought[trade.bid] += trade.energy_wh;
      sold[trade.ask] += trade.energy_wh;
    }
    for (std::size_t i = 0; i < bids.size(); ++i) EXPECT_EQ(bought[i], bids[i].energy_wh);
    for (std::size_t i = 0; i < asks.size(); ++i) EXPECT_EQ(sold[i], asks[i].energy_wh);
  }
}

}  // namespace
}  // namespace engine
