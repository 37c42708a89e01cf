// MUDA: half markets of the literature, books of any kind beside the slow twin, and what the rule
// promises whatever the lottery does.
#include "engine/core/clearing/muda.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/clearing/crossing.h"
#include "tests/support/false_bids.h"
#include "tests/support/naive_muda.h"

namespace engine {
namespace {

MarketDefinition MudaMarket(LongSide long_side) {
  MarketDefinition market = RuleMarket(Rule::kMuda);
  market.rule.long_side = long_side;
  return market;
}

// As ReadSealed() numbers them: in book order.
std::vector<std::uint64_t> InBookOrder(const std::vector<RuleOrder>& orders,
                                       const MudaNumbers& numbers) {
  std::vector<std::uint64_t> by_party;
  std::set<std::uint32_t> seen;
  for (const Side side : {Side::kBuy, Side::kSell}) {
    for (const RuleOrder& order : orders) {
      if (order.side == side && seen.insert(order.party).second) {
        by_party.push_back(numbers.at(order.party));
      }
    }
  }
  return by_party;
}

RuleOutcome ClearBy(LongSide long_side, const std::vector<RuleOrder>& orders,
                    const MudaNumbers& numbers) {
  return ClearOrdersBy(MudaMarket(long_side), orders,
                       [&](const SealedBook& sealed, ClearingScratch& scratch) {
                         return ClearMudaBy(InBookOrder(orders, numbers), sealed, scratch);
                       });
}

// One half market alone, at a price from elsewhere. Parties are numbered as they come.
struct HalfOutcome {
  std::uint64_t energy_wh = 0;
  std::map<std::uint32_t, std::int64_t> fees;  // By party, beyond the price.
  std::vector<std::uint64_t> filled;
};
HalfOutcome TradeHalf(const std::vector<RuleOrder>& orders, std::int64_t price) {
  HalfOutcome half;
  ClearOrdersBy(MudaMarket(LongSide::kVickrey), orders,
                [&](const SealedBook& sealed, ClearingScratch& scratch) {
                  SealedOrders read = ReadSealed(sealed.book, sealed.memory);
                  HalfMarket market(sealed, scratch);
                  for (SealedOrder& order : read.orders) market.Add(order);
                  half.energy_wh = market.TradeAt(price, {});
                  for (const SealedOrder& order : read.orders) {
                    half.filled.push_back(order.filled_wh);
                    const std::int64_t fee = order.amount_units - price * order.filled_wh;
                    half.fees[order.party] += order.side == Side::kBuy ? fee : -fee;
                  }
                  return ClearedRound();
                });
  return half;
}

TEST(HalfMarket, ChargesTheLongerSideWhatTheOthersLose) {
  const HalfOutcome buyers =
      TradeHalf({Buy(10, 1), Buy(9, 1), Buy(8, 1), Sell(1, 1), Sell(2, 1)}, 6);
  EXPECT_EQ(buyers.energy_wh, 2U);
  EXPECT_EQ(buyers.fees,
            (std::map<std::uint32_t, std::int64_t>{{0, 2}, {1, 2}, {2, 0}, {3, 0}, {4, 0}}));
  const HalfOutcome sellers = TradeHalf({Buy(10, 1), Sell(1, 1), Sell(2, 1), Sell(5, 1)}, 6);
  EXPECT_EQ(sellers.energy_wh, 1U);
  EXPECT_EQ(sellers.fees, (std::map<std::uint32_t, std::int64_t>{{0, 0}, {1, 4}, {2, 0}, {3, 0}}));
}

TEST(HalfMarket, ChargesNothingWhereTheSidesAreEqual) {
  const HalfOutcome half = TradeHalf({Buy(10, 1), Buy(7, 1), Sell(4, 1), Sell(9, 1)}, 8);
  EXPECT_EQ(half.energy_wh, 1U);
  EXPECT_EQ(half.filled, (std::vector<std::uint64_t>{1, 0, 1, 0}));
  for (const auto& [party, fee] : half.fees) EXPECT_EQ(fee, 0) << party;
}

TEST(HalfMarket, ChargesAPartyForAllItsUnitsTogether) {
  const HalfOutcome half = TradeHalf(
      {Buy(100, 1, 1), Buy(90, 1, 2), Buy(80, 1, 3), Buy(60, 1, 4), Sell(10, 1, 5), Sell(20, 1, 5),
       Sell(40, 1, 5), Sell(15, 1, 6), Sell(25, 1, 6), Sell(35, 1, 6), Sell(45, 1, 6)},
      50);
  EXPECT_EQ(half.energy_wh, 4U);
  EXPECT_EQ(half.filled, (std::vector<std::uint64_t>{1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0}));
  EXPECT_EQ(half.fees.at(4), 20);
  EXPECT_EQ(half.fees.at(5), 10);
}

TEST(HalfMarket, NamesThePriceInTheMiddleOfWhereItsSupplyMeetsItsDemand) {
  const auto price = [](const std::vector<RuleOrder>& orders) {
    std::int64_t level = 0;
    ClearOrdersBy(MudaMarket(LongSide::kLottery), orders,
                  [&](const SealedBook& sealed, ClearingScratch& scratch) {
                    SealedOrders read = ReadSealed(sealed.book, sealed.memory);
                    HalfMarket market(sealed, scratch);
                    for (SealedOrder& order : read.orders) market.Add(order);
                    level = market.Price();
                    return ClearedRound();
                  });
    return level;
  };
  EXPECT_EQ(price({Buy(17, 1), Buy(14, 1), Sell(1, 1), Sell(4, 1), Sell(9, 1)}), 6);
  EXPECT_EQ(price({Buy(9, 1), Sell(4, 1)}), 6);
  EXPECT_EQ(price({Buy(4, 1), Buy(3, 1), Sell(9, 1)}), 6) << "nothing crosses";
  EXPECT_EQ(price({Buy(4, 1)}), kNoLevel);
  EXPECT_EQ(price({Sell(4, 1)}), kNoLevel);
}

TEST(Muda, TradesNothingAgainstAHalfThatNamesNoPrice) {
  const std::vector<RuleOrder> orders = {Buy(9, 1, 1), Sell(1, 1, 2), Sell(2, 1, 3)};
  const MudaNumbers numbers = {{1, 0}, {2, 2}, {3, 1}};  // Party 3 is alone in its half.
  EXPECT_EQ(ClearBy(LongSide::kLottery, orders, numbers).cleared.energy_wh, 0U);
  EXPECT_EQ(ClearOrders(MudaMarket(LongSide::kLottery), {}).cleared.energy_wh, 0U);
}

TEST(Muda, ServesThePartiesOfTheLongerSideInTheOrderOfTheLottery) {
  // The other half names 5. Party 3 comes first, and its better limit first.
  const std::vector<RuleOrder> orders = {Buy(9, 2, 1),  Buy(6, 2, 3), Buy(7, 2, 3),
                                         Sell(1, 5, 2), Buy(6, 1, 8), Sell(4, 1, 9)};
  const RuleOutcome round =
      ClearBy(LongSide::kLottery, orders, {{1, 6}, {2, 0}, {3, 4}, {8, 1}, {9, 3}});
  EXPECT_EQ(round.filled, (std::vector<std::uint64_t>{1, 2, 2, 5, 1, 1}));
  EXPECT_EQ(round.amounts[0], 5);
}

// Up to five parties, none of which could trade with itself.
std::vector<RuleOrder> RandomParties(RandomSource& random) {
  std::vector<RuleOrder> orders = RandomRuleOrders(random, 16, 12);
  std::vector<RuleOrder> kept;
  for (RuleOrder& order : orders) {
    order.party = static_cast<std::uint32_t>(random.Below(7));
    bool crosses = false;
    for (const RuleOrder& own : kept) {
      if (own.party != order.party || own.side == order.side) continue;
      crosses |= order.side == Side::kBuy ? order.limit >= own.limit : own.limit >= order.limit;
    }
    if (!crosses) kept.push_back(order);
  }
  return kept;
}

MudaNumbers RandomNumbers(RandomSource& random) {
  MudaNumbers numbers;
  for (std::uint32_t party = 0; party < 7; ++party) numbers[party] = random.Next();
  return numbers;
}

class MudaBy : public testing::TestWithParam<LongSide> {};
INSTANTIATE_TEST_SUITE_P(, MudaBy, testing::Values(LongSide::kLottery, LongSide::kVickrey),
                         [](const auto& test) {
                           return test.param == LongSide::kLottery ? "Lottery" : "Vickrey";
                         });

TEST_P(MudaBy, AgreesWithWattHourByWattHourOnBooksOfAnyKind) {
  std::uint64_t traded = 0;
  for (std::uint64_t seed = 0; seed < Repeats(3'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const std::vector<RuleOrder> orders = RandomParties(random);
    const MudaNumbers numbers = RandomNumbers(random);
    const NaiveMuda expected = ClearNaiveMuda(orders, numbers, GetParam());
    const RuleOutcome round = ClearBy(GetParam(), orders, numbers);
    ASSERT_EQ(round.filled, expected.filled);
    std::map<std::uint32_t, std::int64_t> payments;
    std::map<std::uint32_t, std::int64_t> earnings;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      if (round.filled[i] == 0) continue;
      (orders[i].side == Side::kBuy ? payments : earnings)[orders[i].party] += round.amounts[i];
    }
    ASSERT_EQ(payments, expected.payments);
    ASSERT_EQ(earnings, expected.earnings);
    traded += round.cleared.energy_wh > 0 ? 1 : 0;
    ASSERT_GE(round.cleared.operator_balance_units, 0);
    if (GetParam() == LongSide::kLottery) {
      ASSERT_EQ(round.cleared.operator_balance_units, 0);
    }
  }
  EXPECT_GT(traded, Repeats(400, 15'000));
}

// What a party on one side gains if its units are worth `values`, the best first, whichever of its
// orders trade.
std::int64_t PartyGain(const RuleOutcome& round, const std::vector<RuleOrder>& orders,
                       std::uint32_t party, const std::vector<std::int64_t>& values) {
  std::size_t units = 0;
  std::int64_t gain = 0;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    if (orders[i].party != party) continue;
    const std::int64_t sign = orders[i].side == Side::kBuy ? 1 : -1;
    for (std::uint64_t unit = 0; unit < round.filled[i]; ++unit) gain += sign * values[units++];
    gain -= sign * round.amounts[i];
  }
  return gain;
}

TEST_P(MudaBy, LetsNoPartyGainByFalseLimitsWhateverTheLotteryDoes) {
  // A party of two units lies, in the one half or the other, beside random single orders.
  for (std::uint64_t seed = 0; seed < Repeats(300, 10'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const Side side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
    constexpr std::int64_t kHighest = 6;
    const auto limit = [&] { return static_cast<std::int64_t>(random.Below(kHighest + 1)); };
    std::vector<std::int64_t> values = {limit(), limit()};
    std::sort(values.begin(), values.end());
    if (side == Side::kBuy) std::swap(values[0], values[1]);
    std::vector<RuleOrder> orders = {{side, values[0], 1, 0}, {side, values[1], 1, 0}};
    for (std::uint32_t party = 1; party < 7; ++party) {
      const Side other = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
      orders.push_back({other, limit(), 1 + random.Below(2), party});
    }
    const MudaNumbers numbers = RandomNumbers(random);
    const std::int64_t honest = PartyGain(ClearBy(GetParam(), orders, numbers), orders, 0, values);
    ASSERT_GE(honest, 0);
    for (std::int64_t first = 0; first <= kHighest; ++first) {
      for (std::int64_t second = 0; second <= kHighest; ++second) {
        std::vector<RuleOrder> told = orders;
        told[0].limit = first;
        told[1].limit = second;
        ASSERT_LE(PartyGain(ClearBy(GetParam(), told, numbers), told, 0, values), honest)
            << "with limits " << first << " and " << second;
      }
    }
  }
}

TEST_P(MudaBy, LetsNoOrderGainByAFalseLimitWithAnySplit) {
  const std::vector<std::uint64_t> energies = {1, 2, 2, 1};
  ForEachMarket(energies, 2, 3, [&](std::vector<RuleOrder> orders) {
    for (std::uint32_t i = 0; i < orders.size(); ++i) orders[i].party = i;
    for (std::uint64_t split = 0; split < 16; ++split) {
      MudaNumbers numbers;
      for (std::uint32_t i = 0; i < 4; ++i) numbers[i] = (split >> i & 1) + std::uint64_t{2} * i;
      const auto found = FindFalseBidBy(
          [&](const std::vector<RuleOrder>& told) { return ClearBy(GetParam(), told, numbers); },
          orders, 3);
      ASSERT_FALSE(found.has_value()) << "order " << found->order << " gains by " << found->limit;
    }
  });
}

TEST_P(MudaBy, TradesNothingWhereASideHasOnePartyOnly) {
  // However the parties fall, one half lacks that side: no share of what could be gained is sure.
  for (std::uint64_t number = 0; number < 50; ++number) {
    const RuleOutcome round = ClearOrders(
        MudaMarket(GetParam()), {Buy(90, 5, 1), Sell(1, 5, 2), Sell(2, 5, 3), Sell(3, 5, 4)},
        SecretNumber(number));
    ASSERT_EQ(round.cleared.energy_wh, 0U);
  }
}

TEST_P(MudaBy, ClearsAMillionOrdersAtOneTick) {
  std::vector<RuleOrder> orders(1'000'000);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i] = i % 2 == 0 ? Buy(50, 7) : Sell(50, 7);
  }
  const RuleOutcome round = ClearOrders(MudaMarket(GetParam()), orders);
  EXPECT_GT(round.cleared.energy_wh, 3'480'000U);
  EXPECT_LE(round.cleared.energy_wh, 3'500'000U);
  EXPECT_EQ(round.cleared.operator_balance_units, 0);
}

TEST(Muda, LeavesTheOperatorTheFeesOfVickreyPayments) {
  // Its half has three bids for two units at 6: see ChargesTheLongerSideWhatTheOthersLose.
  const std::vector<RuleOrder> orders = {Buy(10, 1, 0), Buy(9, 1, 1), Buy(8, 1, 2), Sell(1, 1, 3),
                                         Sell(2, 1, 4), Buy(8, 1, 5), Sell(4, 1, 6)};
  const MudaNumbers numbers = {{0, 0}, {1, 2}, {2, 4}, {3, 6}, {4, 8}, {5, 1}, {6, 3}};
  EXPECT_EQ(ClearBy(LongSide::kVickrey, orders, numbers).cleared.operator_balance_units, 4);
  EXPECT_EQ(ClearBy(LongSide::kLottery, orders, numbers).cleared.operator_balance_units, 0);
}

TEST(Muda, PutsEachPartyIntoEachHalfWithSomeSecretAndAllItsOrdersWithIt) {
  // Sellers 2 and 3 have a half each in which a buyer is; which buyer, the lottery says.
  const std::vector<RuleOrder> orders = {Buy(9, 1, 1), Buy(8, 1, 4), Sell(1, 1, 2), Sell(2, 1, 3)};
  std::set<std::vector<std::uint64_t>> fills;
  std::set<std::int32_t> prices;
  for (std::uint64_t number = 0; number < 200; ++number) {
    const RuleOutcome round =
        ClearOrders(MudaMarket(LongSide::kLottery), orders, SecretNumber(number));
    EXPECT_EQ(round.amounts,
              ClearOrders(MudaMarket(LongSide::kLottery), orders, SecretNumber(number)).amounts);
    fills.insert(round.filled);
    prices.insert(round.cleared.buy_price_ticks);
  }
  // Nothing, or all: with buyer 1 beside seller 2 at (5 + 5) / 2, or beside seller 3 at (5 + 4)
  // / 2.
  EXPECT_EQ(fills.size(), 2U);
  EXPECT_EQ(prices, (std::set<std::int32_t>{0, 4, 5}));
}

// Summed over every split and every order of the parties 0 to 3. One unit is worth `value` to the
// buyer behind parties 0 and 3, a second one nothing.
std::int64_t SumOfGains(const std::vector<RuleOrder>& orders, std::int64_t value) {
  std::vector<std::uint64_t> order = {0, 1, 2, 3};
  std::int64_t sum = 0;
  do {
    for (std::uint64_t split = 0; split < 16; ++split) {
      MudaNumbers numbers;
      for (std::uint32_t i = 0; i < 4; ++i) numbers[i] = 2 * order[i] + (split >> i & 1);
      const RuleOutcome round = ClearBy(LongSide::kLottery, orders, numbers);
      std::uint64_t units = 0;
      for (std::size_t i = 0; i < orders.size(); ++i) {
        if (orders[i].side == Side::kSell) continue;
        units += round.filled[i];
        sum -= round.amounts[i];
      }
      sum += units > 0 ? value : 0;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return sum;
}

TEST(Muda, CanBeGainedFromUnderAFalseNameOnAverageOverTheLottery) {
  // A buyer alone trades with nobody. With a second bid under another name it is in both halves,
  // and names the price in the one for itself in the other.
  const std::vector<RuleOrder> alone = {Buy(9, 1, 0), Sell(1, 1, 1), Sell(1, 1, 2)};
  EXPECT_EQ(SumOfGains(alone, 9), 0);
  std::vector<RuleOrder> with_false_name = alone;
  with_false_name.push_back(Buy(1, 1, 3));
  EXPECT_EQ(SumOfGains(with_false_name, 9), 2 * 24 * 16) << "2 on average";
}

TEST(Muda, LosesLessOfWhatCouldBeGainedTheMoreTradersThereAre) {
  std::int64_t before = 0;
  RandomSource random(1);
  for (const std::size_t traders : {20U, 200U, 2'000U}) {
    std::int64_t best = 0;
    std::int64_t gained = 0;
    for (std::uint64_t round = 0; round < 50; ++round) {
      std::vector<RuleOrder> orders;
      for (std::size_t i = 0; i < traders; ++i) {
        const auto value = static_cast<std::int64_t>(random.Below(10'000));
        orders.push_back(i % 2 == 0 ? Buy(value, 1) : Sell(value, 1));
      }
      best += GainsOf(orders, ClearOrders(RuleMarket(Rule::kUniform), orders).filled);
      gained += GainsOf(
          orders,
          ClearOrders(MudaMarket(LongSide::kLottery), orders, SecretNumber(random.Next())).filled);
    }
    const std::int64_t share = gained * 100 / best;
    EXPECT_GT(share, before) << traders;
    before = share;
  }
  EXPECT_GT(before, 90);
}

TEST(Muda, StaysExactAtTheLimitsOfEnergyAndBand) {
  constexpr std::uint64_t kMost = kOrderEnergyMaxWh;
  const std::int64_t low = -kPriceTicksMax;
  const std::int64_t high = low + kBandLevelsMax - 1;
  for (const LongSide long_side : {LongSide::kLottery, LongSide::kVickrey}) {
    MarketDefinition market = RuleMarket(Rule::kMuda, -kPriceTicksMax);
    market.rule.long_side = long_side;
    const std::vector<std::uint64_t> numbers = {0, 1, 2, 4, 3};
    const RuleOutcome round =
        ClearOrdersBy(market,
                      {Buy(high, kMost, 0), Buy(high, kMost, 1), Buy(high, kMost, 2),
                       Sell(low, kMost, 3), Sell(low, kMost, 4)},
                      [&](const SealedBook& sealed, ClearingScratch& scratch) {
                        return ClearMudaBy(numbers, sealed, scratch);
                      });
    EXPECT_EQ(round.cleared.energy_wh, 2 * kMost);
  }
}

}  // namespace
}  // namespace engine
