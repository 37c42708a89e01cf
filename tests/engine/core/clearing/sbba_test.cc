// The strongly budget-balanced double auction: markets T1 to T7 of the literature in tenths of a
// unit, books of any kind beside the slow twin, what it promises, and its published gains.
#include "engine/core/clearing/sbba.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/false_bids.h"
#include "tests/support/naive_double_auction.h"

namespace engine {
namespace {

constexpr std::uint64_t kLotWh = 100;

MarketDefinition LotMarket() {
  MarketDefinition market = RuleMarket(Rule::kSbba);
  market.rule.lot_wh = kLotWh;
  return market;
}
const MarketDefinition sbba_market = LotMarket();

std::vector<RuleOrder> Lots(const std::vector<std::int64_t>& bids,
                            const std::vector<std::int64_t>& asks) {
  std::vector<RuleOrder> orders;
  orders.reserve(bids.size() + asks.size());
  for (const std::int64_t bid : bids) orders.push_back(Buy(bid * 10, kLotWh));
  for (const std::int64_t ask : asks) orders.push_back(Sell(ask * 10, kLotWh));
  return orders;
}

// `sellers`: among so many the lottery draws; 0 where it does not.
RuleOutcome ClearLeavingOut(const std::vector<RuleOrder>& orders, std::uint64_t unlucky,
                            std::uint64_t& sellers) {
  sellers = 0;
  return ClearOrdersBy(
      sbba_market, orders, [&](const SealedBook& sealed, ClearingScratch& scratch) {
        return ClearSbbaDrawing(sealed, scratch, RuleEntry::Fills::kFill, [&](std::uint64_t asks) {
          sellers = asks;
          return unlucky % asks;
        });
      });
}

struct Expected {
  std::uint64_t lots = 0;
  std::int32_t price = 0;
  std::uint64_t sellers = 0;
};
void ExpectRound(const std::vector<RuleOrder>& orders, const Expected& expected) {
  std::uint64_t sellers = 0;
  const RuleOutcome round = ClearLeavingOut(orders, 0, sellers);
  EXPECT_EQ(round.cleared.energy_wh, expected.lots * kLotWh);
  EXPECT_EQ(sellers, expected.sellers);
  EXPECT_EQ(round.cleared.operator_balance_units, 0);
  if (expected.lots == 0) return;
  EXPECT_EQ(round.cleared.buy_price_ticks, expected.price);
  EXPECT_EQ(round.cleared.sell_price_ticks, expected.price);
}

TEST(Sbba, TradesAllAtTheFirstAskLeftOutWhereItIsNotAboveTheLastBid) {
  ExpectRound(Lots({9, 4}, {3, 8}), {1, 80, 0});     // T4
  ExpectRound(Lots({9, 8}, {3, 4, 8}), {2, 80, 0});  // Right at the last bid.
  ExpectRound(Lots({9, 9, 9}, {5, 5, 7, 8}), {3, 80, 0});
}

TEST(Sbba, LeavesOutTheLastBidAndAnAskByLotteryWhereNoAskNamesThePrice) {
  ExpectRound(Lots({17, 14, 13, 9, 6}, {1, 4, 5, 8, 11}), {3, 90, 4});  // T1
  ExpectRound(Lots({9, 8}, {3, 4}), {1, 80, 2});                        // T3
  ExpectRound(Lots({10, 8, 6}, {2, 4, 9}), {1, 80, 2});                 // T7
}

TEST(Sbba, TradesNothingWithOnePairThatNoThirdNamesAPriceFor) {
  ExpectRound(Lots({9}, {4}), {0});        // T5
  ExpectRound(Lots({5, 4}, {6, 7}), {0});  // T6
  ExpectRound({}, {0});
  ExpectRound(Lots({5}, {}), {0});
  ExpectRound(Lots({}, {5}), {0});
}

std::vector<RuleOrder> RandomLots(RandomSource& random) {
  std::vector<RuleOrder> orders = RandomRuleOrders(random, 16, 1);
  for (RuleOrder& order : orders) order.energy_wh = kLotWh;
  return orders;
}

TEST(Sbba, AgreesWithTheSortedListOnBooksOfAnyKindAndKeepsNothing) {
  for (std::uint64_t seed = 0; seed < Repeats(4'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomLots(random);
    const std::uint64_t unlucky = random.Below(60);
    std::size_t expected_sellers = 0;
    const NaiveDoubleAuction expected = NaiveSbba(orders, unlucky, expected_sellers);
    std::uint64_t sellers = 0;
    const RuleOutcome round = ClearLeavingOut(orders, unlucky, sellers);
    ASSERT_EQ(round.filled, expected.filled);
    ASSERT_EQ(round.cleared.operator_balance_units, 0);
    if (round.cleared.energy_wh == 0) continue;
    ASSERT_EQ(sellers, expected_sellers);
    ASSERT_EQ(round.cleared.buy_price_ticks, expected.buy_price);
    ASSERT_EQ(round.cleared.sell_price_ticks, expected.buy_price);
  }
}

// On average over the lottery, as a fraction.
struct MeanGain {
  std::int64_t sum = 0;
  std::int64_t outcomes = 1;
};
template <typename Gain>
MeanGain MeanOver(const std::vector<RuleOrder>& orders, Gain gain) {
  std::uint64_t sellers = 0;
  MeanGain mean;
  mean.sum = gain(ClearLeavingOut(orders, 0, sellers));
  for (std::uint64_t unlucky = 1; unlucky < sellers; ++unlucky) {
    mean.sum += gain(ClearLeavingOut(orders, unlucky, sellers));
    ++mean.outcomes;
  }
  return mean;
}

TEST(Sbba, LetsNoOrderGainByAFalseLimitOnAverageOverTheLottery) {
  for (const std::size_t bids : {1U, 2U, 3U}) {
    for (const std::size_t asks : {1U, 2U, 3U}) {
      const std::int64_t highest = bids + asks > 5 ? 2 : bids + asks > 4 ? 3 : 4;
      const std::vector<std::uint64_t> energies(bids + asks, kLotWh);
      ForEachMarket(energies, bids, highest, [&](const std::vector<RuleOrder>& orders) {
        for (std::size_t i = 0; i < orders.size(); ++i) {
          const auto gain = [&](const RuleOutcome& round) {
            return GainOf(round, i, orders[i].side, orders[i].limit);
          };
          const MeanGain honest = MeanOver(orders, gain);
          std::vector<RuleOrder> told = orders;
          for (std::int64_t limit = 0; limit <= highest; ++limit) {
            told[i].limit = limit;
            const MeanGain lied = MeanOver(told, gain);
            ASSERT_LE(lied.sum * honest.outcomes, honest.sum * lied.outcomes)
                << bids << " bids: order " << i << " gains by " << limit;
          }
        }
      });
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Sbba, LetsNoBuyerGainByAFalseLimitWhateverTheLotteryDoes) {
  for (const std::size_t asks : {1U, 2U, 3U}) {
    ForEachMarket(std::vector<std::uint64_t>(2 + asks, kLotWh), 2, 3,
                  [&](const std::vector<RuleOrder>& orders) {
                    for (std::uint64_t unlucky = 0; unlucky < asks; ++unlucky) {
                      const auto found = FindFalseBidBy(
                          [&](const std::vector<RuleOrder>& told) {
                            std::uint64_t sellers = 0;
                            return ClearLeavingOut(told, unlucky, sellers);
                          },
                          orders, 3);
                      ASSERT_TRUE(!found || orders[found->order].side == Side::kSell);
                    }
                  });
    if (HasFatalFailure()) return;
  }
}

TEST(Sbba, LosesAtMostOneKthOfWhatCouldBeGainedOnAverageOverTheLottery) {
  MarketDefinition efficient = RuleMarket(Rule::kUniform);
  efficient.rule.margin = Margin::kTime;
  for (std::uint64_t seed = 0; seed < Repeats(1'000, 30'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomLots(random);
    const RuleOutcome best = ClearOrders(efficient, orders);
    const auto k = static_cast<std::int64_t>(best.cleared.energy_wh / kLotWh);
    const MeanGain mean =
        MeanOver(orders, [&](const RuleOutcome& round) { return GainsOf(orders, round.filled); });
    ASSERT_GE(mean.sum * k, GainsOf(orders, best.filled) * (k - 1) * mean.outcomes);
  }
}

TEST(Sbba, CanBeGainedFromUnderAFalseName) {
  // The seller at 3 has half a chance to trade at 8. An ask at 8 under another name, which does not
  // trade, takes the lottery away.
  std::vector<RuleOrder> orders = Lots({9, 8}, {3, 4});
  const auto gain = [](const RuleOutcome& round) { return GainOf(round, 2, Side::kSell, 30); };
  EXPECT_EQ(MeanOver(orders, gain).sum, 50 * std::int64_t{kLotWh});
  EXPECT_EQ(MeanOver(orders, gain).outcomes, 2);
  orders.push_back(Sell(80, kLotWh));
  EXPECT_EQ(MeanOver(orders, gain).sum, 50 * std::int64_t{kLotWh});
  EXPECT_EQ(MeanOver(orders, gain).outcomes, 1);
}

TEST(Sbba, LeavesOutEachSellerWithSomeSecretAndTheSameWithTheSameOne) {
  const std::vector<RuleOrder> orders = Lots({9, 9, 9}, {1, 2, 3});
  std::set<std::vector<std::uint64_t>> outcomes;
  for (std::uint64_t number = 0; number < 60; ++number) {
    const RuleOutcome round = ClearOrders(sbba_market, orders, SecretNumber(number));
    EXPECT_EQ(round.filled, ClearOrders(sbba_market, orders, SecretNumber(number)).filled);
    outcomes.insert(round.filled);
  }
  EXPECT_EQ(outcomes.size(), 3U);
}

// Tables of erelsgl's simulations (AAAI 2020): n traders a side, values uniform.
struct Published {
  std::size_t n = 0;
  std::int64_t trades_hundredths = 0;
  std::int64_t gain_hundredths = 0;  // Of a percent of what could be gained.
  std::int64_t noise_hundredths = 0;
};
TEST(Sbba, GainsWhatItsAuthorsPublishOfIt) {
  constexpr std::int64_t kMarkets = 2'000;
  MarketDefinition efficient = RuleMarket(Rule::kUniform);
  efficient.rule.margin = Margin::kTime;
  for (const Published& published :
       {Published{2, 50, 6'269, 300}, Published{5, 200, 8'803, 150}, Published{10, 450, 9'453, 100},
        Published{25, 1'200, 9'792, 50}, Published{50, 2'450, 9'898, 30},
        Published{100, 4'949, 9'949, 20}}) {
    SCOPED_TRACE(published.n);
    RandomSource random(published.n);
    std::int64_t best = 0;
    std::int64_t gained = 0;
    std::int64_t lots = 0;
    for (std::int64_t market = 0; market < kMarkets; ++market) {
      const std::vector<RuleOrder> orders = RandomTraders(random, published.n, kLotWh);
      const RuleOutcome round = ClearOrders(sbba_market, orders, SecretNumber(random.Next()));
      gained += GainsOf(orders, round.filled);
      best += GainsOf(orders, ClearOrders(efficient, orders).filled);
      lots += static_cast<std::int64_t>(round.cleared.energy_wh / kLotWh);
    }
    ExpectWithin(gained / (best / 10'000), published.gain_hundredths, published.noise_hundredths);
    ExpectWithin(lots * 100 / kMarkets, published.trades_hundredths,
                 10 + published.trades_hundredths / 50);
  }
}

TEST(Sbba, ClearsAMillionOrdersAtOneTick) {
  std::vector<RuleOrder> orders(1'000'000);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i] = i % 2 == 0 ? Buy(50, kLotWh) : Sell(50, kLotWh);
  }
  const RuleOutcome round = ClearOrders(sbba_market, orders);
  EXPECT_EQ(round.cleared.energy_wh, 499'999 * kLotWh);
  EXPECT_EQ(round.filled[999'998], 0U) << "the last bid";
}

}  // namespace
}  // namespace engine
