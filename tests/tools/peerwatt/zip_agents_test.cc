// What one agent does: a lesson at a time, and that no lesson takes it past its value or the band.
#include "tools/peerwatt/zip_agents.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random_source.h"
#include "tools/feed/seeded_draw.h"

namespace tools {
namespace {

constexpr engine::PartyId kParty{7};

engine::MarketDefinition Market() {
  engine::MarketDefinition market;
  market.id = engine::MarketId{1};
  market.band_low_ticks = -100;
  market.band_levels = 600;  // To 499.
  return market;
}

engine::OutcomeBody Traded(std::int32_t buy_ticks, std::int32_t sell_ticks) {
  engine::OutcomeBody outcome;
  outcome.result = engine::RoundResult::kTraded;
  outcome.buy_price_ticks = buy_ticks;
  outcome.sell_price_ticks = sell_ticks;
  return outcome;
}

FedOrderState Order(engine::Side side, std::int32_t value_ticks, std::uint32_t open_wh) {
  return {.party = kParty, .side = side, .limit_ticks = value_ticks, .open_wh = open_wh};
}

// One agent of a side, in one market.
class OneAgent {
 public:
  OneAgent(std::uint64_t seed, engine::Side side) : agents_(seed), side_(side) {}

  std::int32_t Sends(std::int32_t value_ticks) {
    return agents_.Shade(market_, kParty, side_, value_ticks);
  }
  void Filled(std::int32_t value_ticks, std::int32_t price_ticks) {
    agents_.Learn(market_, Traded(price_ticks, price_ticks), {Order(side_, value_ticks, 0)});
  }
  void WentWithout(std::int32_t value_ticks, std::int32_t price_ticks) {
    agents_.Learn(market_, Traded(price_ticks, price_ticks), {Order(side_, value_ticks, 10)});
  }
  void NothingTraded(std::int32_t value_ticks) {
    agents_.Learn(market_, engine::OutcomeBody(), {Order(side_, value_ticks, 10)});
  }
  void Learn(const engine::OutcomeBody& outcome, const std::vector<FedOrderState>& orders) {
    agents_.Learn(market_, outcome, orders);
  }

 private:
  const engine::MarketDefinition market_ = Market();
  ZipAgents agents_;
  const engine::Side side_;
};

constexpr std::uint64_t kSeeds = 50;
constexpr engine::Side kBuy = engine::Side::kBuy;
constexpr engine::Side kSell = engine::Side::kSell;

TEST(ZipAgents, BeginWithMarginsOfFiveToThirtyFivePercent) {
  std::int32_t least = INT32_MAX;
  std::int32_t most = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::int32_t bid = OneAgent(seed, kBuy).Sends(300);
    const std::int32_t ask = OneAgent(seed, kSell).Sends(300);
    EXPECT_TRUE(195 <= bid && bid <= 285) << bid;
    EXPECT_TRUE(315 <= ask && ask <= 405) << ask;
    EXPECT_NE(300 - bid, ask - 300) << "of two sides, two agents; seed " << seed;
    least = std::min(least, bid);
    most = std::max(most, bid);
  }
  EXPECT_LT(least, 210);
  EXPECT_GT(most, 270);
}

TEST(ZipAgents, WhoCouldHaveHadMoreAskForMoreButNotPastThePrice) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    OneAgent buyer(seed, kBuy);
    OneAgent seller(seed, kSell);
    for (int round = 0; round < 40; ++round) {
      const std::int32_t bid = buyer.Sends(300);
      const std::int32_t ask = seller.Sends(100);
      buyer.Filled(300, 150);
      seller.Filled(100, 200);
      EXPECT_LE(buyer.Sends(300), bid) << seed;
      EXPECT_GE(seller.Sends(100), ask) << seed;
    }
    // Momentum takes it a little further.
    EXPECT_NEAR(buyer.Sends(300), 150, 10) << seed;
    EXPECT_NEAR(seller.Sends(100), 200, 10) << seed;
  }
}

TEST(ZipAgents, WhoWentWithoutComeTowardsTheOthersAndPastThePrice) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    OneAgent buyer(seed, kBuy);
    OneAgent seller(seed, kSell);
    for (int round = 0; round < 40; ++round) {
      const std::int32_t bid = buyer.Sends(300);
      const std::int32_t ask = seller.Sends(100);
      buyer.WentWithout(300, 280);
      seller.WentWithout(100, 110);
      EXPECT_GE(buyer.Sends(300), bid) << seed;
      EXPECT_LE(seller.Sends(100), ask) << seed;
    }
    EXPECT_GE(buyer.Sends(300), 280) << seed;
    EXPECT_LE(seller.Sends(100), 110) << seed;
  }
}

TEST(ZipAgents, WhoCannotTradeAtThePriceComeToBidTheirValue) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    OneAgent buyer(seed, kBuy);
    OneAgent seller(seed, kSell);
    for (int round = 0; round < 40; ++round) {
      buyer.WentWithout(300, 400);
      seller.WentWithout(100, 50);
    }
    EXPECT_EQ(buyer.Sends(300), 300) << seed;
    EXPECT_EQ(seller.Sends(100), 100) << seed;
  }
}

TEST(ZipAgents, ComeTowardsEachOtherWhereNothingTrades) {
  OneAgent buyer(1, kBuy);
  OneAgent seller(1, kSell);
  int rounds = 0;
  for (; rounds < 100 && buyer.Sends(160) < seller.Sends(150); ++rounds) {
    buyer.NothingTraded(160);
    seller.NothingTraded(150);
  }
  EXPECT_GT(rounds, 0);
  EXPECT_LT(rounds, 100);
}

TEST(ZipAgents, LearnFromTheOrderOfTheValueNearestToThePrice) {
  OneAgent one(3, kSell);
  OneAgent same(3, kSell);
  OneAgent other(3, kSell);
  const FedOrderState cheap = Order(kSell, -50, 0);
  const FedOrderState near = Order(kSell, 140, 0);
  const FedOrderState dear = Order(kSell, 490, 10);
  one.Learn(Traded(180, 180), {cheap, near, dear});
  same.Learn(Traded(180, 180), {near});
  other.Learn(Traded(180, 180), {dear});
  EXPECT_EQ(one.Sends(140), same.Sends(140));
  EXPECT_NE(one.Sends(140), other.Sends(140));
}

TEST(ZipAgents, HearThePriceOfTheirOwnSide) {
  OneAgent buyer(2, kBuy);
  OneAgent seller(2, kSell);
  for (int round = 0; round < 40; ++round) {
    buyer.Learn(Traded(200, 150), {Order(kBuy, 300, 0)});
    seller.Learn(Traded(200, 150), {Order(kSell, 100, 0)});
  }
  EXPECT_NEAR(buyer.Sends(300), 200, 10);
  EXPECT_NEAR(seller.Sends(100), 150, 10);
}

TEST(ZipAgents, NeverBidBeyondTheirValueOrOutsideTheBand) {
  constexpr std::uint64_t kSeed = 20'261'128;
  engine::RandomSource random(kSeed);
  const auto ticks = [&random] { return static_cast<std::int32_t>(random.Below(600)) - 100; };
  for (std::uint64_t run = 0; run < engine::Repeats(200, 5'000); ++run) {
    const engine::Side side = random.Below(2) == 0 ? kBuy : kSell;
    OneAgent agent(random.Next(), side);
    for (int round = 0; round < 50; ++round) {
      const std::int32_t value = ticks();
      const std::int32_t sent = agent.Sends(value);
      ASSERT_TRUE(side == kBuy ? -100 <= sent && sent <= value : value <= sent && sent <= 499)
          << "seed " << kSeed << " run " << run << ": " << sent << " for " << value;
      switch (random.Below(3)) {
        case 0:
          agent.Filled(value, ticks());
          break;
        case 1:
          agent.WentWithout(value, ticks());
          break;
        default:
          agent.NothingTraded(value);
      }
    }
  }
}

// The rule of zip_agents.h in real numbers, for a buyer of market 1 whose value stays.
class RealBuyer {
 public:
  RealBuyer(std::uint64_t seed, double value) : value_(value) {
    seed_ = Draw(seed, DrawFor::kZipAgent, static_cast<std::uint64_t>(kParty), 2);
    price_ = value * (1 - Uniform(DrawFor::kZipMargin, 0, 50'000, 350'000) / 1e6);
    beta_ = Uniform(DrawFor::kZipRate, 0, 100, 500) / 1e3;
    gamma_ = Uniform(DrawFor::kZipMomentum, 0, 0, 100) / 1e3;
  }
  double price() const { return price_; }
  void Learn(double heard, bool went_without) {
    if (went_without) {
      const double share = Uniform(DrawFor::kZipPastShare, lessons_, 0, 50) / 1e3;
      const double ticks = Uniform(DrawFor::kZipPastTicks, lessons_, 0, 5'000) / 1e3;
      ++lessons_;
      Move(std::max(heard + std::abs(heard) * share + ticks, price_));
    } else if (price_ > heard) {
      Move(heard);
    }
  }

 private:
  double Uniform(DrawFor purpose, std::uint64_t lesson, std::int64_t low, std::int64_t high) const {
    return static_cast<double>(Between(Draw(seed_, purpose, lesson), low, high));
  }
  void Move(double target) {
    change_ = gamma_ * change_ + (1 - gamma_) * beta_ * (target - price_);
    price_ = std::min(price_ + change_, value_);
  }

  const double value_;
  std::uint64_t seed_ = 0;
  std::uint64_t lessons_ = 0;
  double beta_ = 0;
  double gamma_ = 0;
  double change_ = 0;
  double price_ = 0;
};

TEST(ZipAgents, AgreeWithTheRuleInRealNumbers) {
  constexpr std::int32_t kValue = 450;
  engine::RandomSource random(5);
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    OneAgent agent(seed, kBuy);
    RealBuyer twin(seed, kValue);
    for (int round = 0; round < 30; ++round) {
      // Rounded up to a tick, and a margin's millionths beside it.
      ASSERT_NEAR(agent.Sends(kValue), twin.price() + 0.5, 0.52) << seed << " round " << round;
      const auto heard = static_cast<std::int32_t>(300 + random.Below(100));
      // Where the twin is so near that rounding decides which side it is on, nothing is learnt.
      if (std::abs(twin.price() - heard) < 0.1) continue;
      const bool went_without = random.Below(2) == 0;
      twin.Learn(heard, went_without);
      went_without ? agent.WentWithout(kValue, heard) : agent.Filled(kValue, heard);
    }
  }
}

TEST(ZipAgents, LeaveAValueOutsideTheBandAsItIs) {
  OneAgent buyer(1, kBuy);
  EXPECT_EQ(buyer.Sends(500), 500);
  EXPECT_EQ(buyer.Sends(-101), -101);
}

}  // namespace
}  // namespace tools
