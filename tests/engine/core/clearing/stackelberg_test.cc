// The published examples of Doan, Cho and Kim's auction, and books of any kind beside its slow
// twin.
#include "engine/core/clearing/stackelberg.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/core/clearing/rules.h"
#include "tests/support/naive_stackelberg.h"
#include "tests/support/random_source.h"
#include "tests/support/response_book.h"

namespace engine {
namespace {

class Round : public ResponseBook {
 public:
  explicit Round(const std::vector<StackelbergOrder>& orders, std::int32_t band_low = 0)
      : ResponseBook(orders, band_low) {}

  StackelbergPrice Clear() {
    const StackelbergPrice price = FindStackelbergPrice(book, memory, market, *scratch);
    if (price.energy_wh > 0) AllocateStackelberg(book, memory, market, price);
    return price;
  }
};

using Energies = std::vector<std::uint64_t>;

TEST(Stackelberg, SharesSupplyAmongBuyersThatWantMore) {  // E2
  Round round(
      PaperMarket({{20, 2}, {18, 1.5}, {15, 1}, {9, 2}}, {{6, 1}, {8, 1.5}, {10, 2}, {14, 1}}, 3));
  const StackelbergPrice price = round.Clear();
  EXPECT_EQ(price.level, 140);
  EXPECT_EQ(price.prices, 71U);
  EXPECT_EQ(price.energy_wh, 2'500U);
  EXPECT_EQ(round.Filled(), (Energies{1'500, 1'000, 0, 0, 1'000, 1'500, 0, 0}));
}

TEST(Stackelberg, KeepsALoneBuyer) {  // E3
  Round round(
      PaperMarket({{22, 5}, {21, 4}, {19, 3}, {12, 2}}, {{5, .5}, {6, .7}, {9, .4}, {18, 3}}, 1));
  const StackelbergPrice price = round.Clear();
  EXPECT_EQ(price.level, 170);
  EXPECT_EQ(price.prices, 131U);
  EXPECT_EQ(round.Filled(), (Energies{1'600, 0, 0, 0, 500, 700, 400, 0}));
}

TEST(Stackelberg, DropsALoneTraderWhereTheMarketSaysSo) {  // E3
  Round round(
      PaperMarket({{22, 5}, {21, 4}, {19, 3}, {12, 2}}, {{5, .5}, {6, .7}, {9, .4}, {18, 3}}, 1));
  round.market.rule.lone_trader = LoneTrader::kDrop;
  EXPECT_EQ(round.Clear().energy_wh, 0U);
}

TEST(Stackelberg, TradesNothingWhereTheBestBidIsBelowTheBestAsk) {  // E4
  EXPECT_EQ(Round(PaperMarket({{5, 1}}, {{9, 1}}, 3)).Clear().energy_wh, 0U);
}

TEST(Stackelberg, TradesNothingInAnEmptyOrOneSidedBook) {
  EXPECT_EQ(Round({}).Clear().energy_wh, 0U);
  EXPECT_EQ(Round(PaperMarket({{5, 1}, {6, 1}}, {}, 3)).Clear().energy_wh, 0U);
  EXPECT_EQ(Round(PaperMarket({}, {{5, 1}}, 3)).Clear().energy_wh, 0U);
}

TEST(Stackelberg, KeepsALonePair) {  // E5
  Round round(PaperMarket({{15, 2}}, {{9, 3}}, 3));
  const StackelbergPrice price = round.Clear();
  EXPECT_EQ(price.level, 120);
  EXPECT_EQ(price.prices, 61U);
  EXPECT_EQ(round.Filled(), (Energies{1'000, 1'000}));
}

TEST(Stackelberg, ComesOutAsThePapersSixteenthSlot) {  // E6
  Round round(PaperMarket(
      {{20, .2}, {18, .5}, {17.4, .275}, {13.5, 1.235}, {12.3, .73}, {12.0, .9}, {6, 1}},
      {{6, .62}, {7.2, .62}, {8.4, .62}, {9, .62}, {9.4, .62}, {10.5, .5}, {16, 2}}, 3));
  const StackelbergPrice price = round.Clear();
  EXPECT_EQ(price.level, 112);
  EXPECT_EQ(price.prices, 27U);
  EXPECT_EQ(price.energy_wh, 2'108U);
  const Energies filled = round.Filled();
  EXPECT_EQ(Energies(filled.begin(), filled.begin() + 7),
            (Energies{200, 500, 275, 767, 366, 0, 0}));
  EXPECT_EQ(Energies(filled.begin() + 7, filled.end()), (Energies{422, 422, 422, 421, 421, 0, 0}));
}

// A buyer that bids less than it would pay can gain: the rule is not truthful.
TEST(Stackelberg, LetsABuyerGainByAFalseBid) {  // E7
  const std::vector<std::pair<double, std::uint64_t>> bids = {
      {20, 1'500}, {18.5, 1'316}, {17, 1'094}, {16, 833}};
  const std::vector<std::int64_t> prices = {140, 135, 135, 135};
  for (std::size_t i = 0; i < bids.size(); ++i) {
    Round round(PaperMarket({{bids[i].first, 2}, {18, 1.5}, {15, 1}, {9, 2}},
                            {{6, 1}, {8, 1.5}, {10, 2}, {14, 1}}, 3));
    EXPECT_EQ(round.Clear().level, prices[i]);
    EXPECT_EQ(round.Filled()[0], bids[i].second);
  }
}

TEST(Stackelberg, LetsASellerGainByAFalseAsk) {  // E9
  const std::vector<std::pair<double, std::int64_t>> asks = {{5, 143}, {5.5, 144}, {5.9, 145}};
  for (const auto& [ask, level] : asks) {
    Round round(
        PaperMarket({{22, 9}, {21, 9}, {12, 2}}, {{ask, .5}, {6, .7}, {9, .4}, {18, 30}}, 1));
    const StackelbergPrice price = round.Clear();
    EXPECT_EQ(price.level, level);
    EXPECT_EQ(price.prices, 121U);
    EXPECT_EQ(round.Filled(), (Energies{1'600, 0, 0, 500, 700, 400, 0}));
  }
}

// More names help where a party may have one order a side. In E2 the third bid names the highest
// price, and is left out.
TEST(Stackelberg, LetsABuyerGainUnderAFalseName) {
  Round round(PaperMarket({{20, 2}, {18, 1.5}, {15, .99}, {9, 2}, {10.1, .01}},
                          {{6, 1}, {8, 1.5}, {10, 2}, {14, 1}}, 3));
  EXPECT_EQ(round.Clear().level, 101);  // 140 without.
  EXPECT_EQ(round.Filled()[2], 551U);   // Nothing without.
}

TEST(Stackelberg, LetsASellerGainUnderAFalseName) {
  Round round(PaperMarket({{20, 2}, {18, 1.5}, {15, 1}, {9, 2}},
                          {{6, 1}, {8, 1.5}, {10, 1.99}, {14, 1}, {10, .01}}, 3));
  round.Clear();
  EXPECT_EQ(round.Filled()[6], 1'477U);  // Nothing without.
}

// Nor a given share of it: the second pair, which is left out, may have as much as it likes.
TEST(Stackelberg, DoesNotTradeWhatIsWorthMost) {
  for (const std::uint64_t energy_wh : {10U, 1'000'000U, 4'000'000'000U}) {
    Round round({{Side::kBuy, 200, 1, Response::kFixed, 0},
                 {Side::kBuy, 150, energy_wh, Response::kFixed, 0},
                 {Side::kSell, 60, 1, Response::kFixed, 0},
                 {Side::kSell, 80, energy_wh, Response::kFixed, 0}});
    EXPECT_EQ(round.Clear().energy_wh, 1U);
    EXPECT_EQ(round.Filled(), (Energies{1, 0, 1, 0}));
  }
}

TEST(Stackelberg, StopsWhereBothCurvesEndAtTheSameEnergy) {  // E10
  Round round(PaperMarket({{12, 1}, {11, 1}, {7, 1}}, {{5, 1}, {6, 1}, {8, 1}}, 3));
  const StackelbergPrice price = round.Clear();
  EXPECT_EQ(price.level, 90);
  EXPECT_EQ(price.prices, 61U);
  EXPECT_EQ(round.Filled(), (Energies{1'000, 0, 0, 1'000, 0, 0}));
}

// Leader against logarithmic followers of 20 and 16, sellers at 6; the excluded bid is at 15.
TEST(Stackelberg, FindsThePaperAuthorsLogarithmicPrice) {
  std::vector<StackelbergOrder> orders =
      PaperMarket({{20, 5}, {16, 5}, {15, 5}}, {{6, 20}, {14, 9}}, 3);
  for (StackelbergOrder& order : orders) {
    if (order.side == Side::kBuy) {
      order.response = Response::kLogarithmic;
      order.param = 1'000;
    }
  }
  Round round(orders, 1);
  const StackelbergPrice price = round.Clear();
  EXPECT_EQ(price.level + 1, 104);
}

TEST(Stackelberg, TakesTheLowerOrTheHigherOfPricesThatAreEquallyGood) {
  // Supply of one ask at 10; one fixed bid: welfare rises with the price, so make it flat by theta.
  for (const Ties ties : {Ties::kLower, Ties::kHigher}) {
    // Demand 1 Wh a tick below 103 and a margin over 100: 101 and 102 are equally good.
    std::vector<StackelbergOrder> orders = {
        {Side::kBuy, 103, 1'000, Response::kQuadratic, 1'000'000}, {Side::kSell, 100, 1'000}};
    Round round(orders);
    round.market.rule.ties = ties;
    EXPECT_EQ(round.Clear().level, ties == Ties::kLower ? 101 : 102);
  }
}

TEST(Stackelberg, LooksAtEveryStepThPrice) {
  Round round(PaperMarket({{15, 2}}, {{9, 3}}, 3));
  round.market.rule.step_ticks = 7;  // From 150: 143, 136, 129, 122, 115, ...
  const StackelbergPrice price = round.Clear();
  EXPECT_EQ(price.prices, 9U);
  EXPECT_EQ(price.level, 122);
}

TEST(Stackelberg, LeavesTheScratchZeroForTheNextBook) {
  Round round(
      PaperMarket({{20, 2}, {18, 1.5}, {15, 1}, {9, 2}}, {{6, 1}, {8, 1.5}, {10, 2}, {14, 1}}, 3));
  round.Clear();
  const auto scratch = std::as_bytes(std::span(round.scratch, 1));
  for (const std::byte byte : scratch) ASSERT_EQ(byte, std::byte{0});
}

// A failure prints the seed that repeats it.
TEST(Stackelberg, AgreesWithTheWalkOfThePaperToTheTickAndTheWattHour) {
  const std::uint64_t repeats = Repeats(4'000, 100'000);
  std::uint64_t traded = 0;
  for (std::uint64_t seed = 0; seed < repeats; ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const auto low = static_cast<std::int64_t>(1 + random.Below(400));
    const std::vector<StackelbergOrder> orders = RandomResponseMarket(random, low);
    Round round(orders, static_cast<std::int32_t>(low));
    RuleParameters& rule = round.market.rule;
    rule.ties = random.Below(2) == 0 ? Ties::kLower : Ties::kHigher;
    rule.lone_trader = random.Below(4) == 0 ? LoneTrader::kDrop : LoneTrader::kKeep;
    rule.step_ticks = random.Below(2) == 0 ? 1 : static_cast<std::uint32_t>(1 + random.Below(9));
    const NaiveStackelberg expected = NaiveStackelbergClear(orders, rule);
    const StackelbergPrice price = round.Clear();
    ASSERT_EQ(price.energy_wh, expected.energy_wh);
    if (expected.energy_wh == 0) continue;
    ++traded;
    ASSERT_EQ(price.level + low, expected.price);
    ASSERT_EQ(price.prices, expected.prices);
    const Energies filled = round.Filled();
    ASSERT_EQ(filled, expected.filled);
    std::uint64_t bought = 0;
    std::uint64_t sold = 0;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      (orders[i].side == Side::kBuy ? bought : sold) += filled[i];
      ASSERT_LE(filled[i], orders[i].energy_wh);
      if (filled[i] == 0) continue;
      ASSERT_TRUE(orders[i].side == Side::kBuy ? orders[i].price >= expected.price
                                               : orders[i].price <= expected.price);
    }
    ASSERT_EQ(bought, sold);
  }
  EXPECT_GT(traded, repeats / 4);
}

// Bids of 20 Wh at 60 ticks, each by this response, and as many asks at 40.
std::vector<StackelbergOrder> AtTwoTicks(std::uint64_t orders, Response response,
                                         std::uint64_t ask_wh) {
  std::vector<StackelbergOrder> market;
  const std::uint64_t one_wh_a_tick = response == Response::kQuadratic ? 1'000'000 : 0;
  for (std::uint64_t i = 0; i < orders / 2; ++i) {
    market.push_back({Side::kBuy, 60, 20, response, one_wh_a_tick});
    market.push_back({Side::kSell, 40, ask_wh});
  }
  return market;
}

TEST(Stackelberg, ClearsAMillionOrdersOfOneTickASide) {
  const std::uint64_t orders = Repeats(100'000, 1'000'000);
  const std::uint64_t winners = orders / 2 - 1;
  Round fixed(AtTwoTicks(orders, Response::kFixed, 20));
  const StackelbergPrice dear = fixed.Clear();
  EXPECT_EQ(dear.level, 60);
  EXPECT_EQ(dear.energy_wh, 20 * winners);
  // (p - 40) (60 - p) is most at 50.
  Round elastic(AtTwoTicks(orders, Response::kQuadratic, 20));
  const StackelbergPrice half = elastic.Clear();
  EXPECT_EQ(half.level, 50);
  EXPECT_EQ(half.energy_wh, 10 * winners);
  Energies expected(orders, 10);
  expected[orders - 2] = expected[orders - 1] = 0;  // The youngest of each side are left out.
  EXPECT_EQ(elastic.Filled(), expected);
}

TEST(Stackelberg, ClearsAMillionOrdersOfOneTickASideForWelfare) {
  const std::uint64_t orders = Repeats(100'000, 1'000'000);
  for (const Response response : {Response::kFixed, Response::kQuadratic}) {
    Round round(AtTwoTicks(orders, response, 10));
    round.market.rule.objective = Objective::kWelfare;
    round.market.rule.ties = Ties::kHigher;
    const ClearedRound cleared = RuleOf(round.market)
                                     .clear({round.book, round.memory, round.market},
                                            *round.scratch, RuleEntry::Fills::kFill);
    // Supply is half of the fixed bids, and what the elastic ones take at 50.
    EXPECT_EQ(cleared.buy_price_ticks, response == Response::kFixed ? 60 : 50);
    EXPECT_EQ(cleared.energy_wh, 10 * (orders / 2));
    EXPECT_EQ(round.Filled(), Energies(orders, 10));
  }
}

TEST(Stackelberg, ClearsAMillionOrdersAtOneTick) {
  const std::uint64_t orders = Repeats(100'000, 1'000'000);
  std::vector<StackelbergOrder> market = AtTwoTicks(orders, Response::kFixed, 20);
  for (StackelbergOrder& order : market) order.price = 50;
  Round round(market);
  const StackelbergPrice price = round.Clear();
  EXPECT_EQ(price.level, 50);
  EXPECT_EQ(price.energy_wh, 20U) << "the walk ends at the first pair, which is kept";
  EXPECT_EQ(round.Filled()[0], 20U);
  EXPECT_EQ(round.Filled()[1], 20U);
}

TEST(Stackelberg, StaysExactAtTheLimitsOfEnergyAndBand) {
  std::vector<StackelbergOrder> orders;
  for (int i = 0; i < 1'000; ++i) {
    orders.push_back({Side::kBuy, 65'535 - i % 7, 4'000'000'000, Response::kQuadratic, 1});
    orders.push_back({Side::kSell, 1 + i % 5, 4'000'000'000});
  }
  orders.push_back({Side::kBuy, 40'000, 4'000'000'000, Response::kFixed, 0});
  Round round(orders);
  const StackelbergPrice price = round.Clear();
  EXPECT_GT(price.energy_wh, 0U);
  const Energies filled = round.Filled();
  std::uint64_t bought = 0;
  std::uint64_t sold = 0;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    (orders[i].side == Side::kBuy ? bought : sold) += filled[i];
  }
  EXPECT_EQ(bought, price.energy_wh);
  EXPECT_EQ(sold, price.energy_wh);
}

}  // namespace
}  // namespace engine
