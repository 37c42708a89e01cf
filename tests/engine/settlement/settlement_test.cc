// The published examples of the settlement rules, and periods of any kind beside their slow twins.
// Prices there are pounds/kWh; a tick here is 0.00001 of that, so import .15 is 15,000.
#include "engine/settlement/settlement.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/limits.h"
#include "engine/settlement/bill_sharing.h"
#include "engine/settlement/mid_market_rate.h"
#include "engine/settlement/supply_demand_ratio.h"
#include "tests/support/naive_settlement.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

constexpr GridTariffs kPaper{.import_price = PriceTicks(15'000), .export_price = PriceTicks(5'000)};

Reading Home(std::uint64_t account, std::int64_t load_wh, std::int64_t pv_wh) {
  return {.account = AccountId{account}, .load = WattHours(load_wh), .pv = WattHours(pv_wh)};
}
// A buyer and a seller of so much.
std::vector<Reading> Net(std::int64_t deficit_wh, std::int64_t surplus_wh) {
  return {Home(1, deficit_wh, 0), Home(2, 0, surplus_wh)};
}

Rational ToRational(const ExactPrice& price) {
  if (price.divisor == 0) return 0;
  const auto whole = [](Wide number) {
    return (boost::multiprecision::cpp_int(static_cast<std::uint64_t>(number >> 64)) << 64) +
           static_cast<std::uint64_t>(number);
  };
  const Rational magnitude(whole(price.ticks), whole(price.divisor));
  return price.negative ? Rational(-magnitude) : magnitude;
}

struct Prices {
  Rational buy;
  Rational sell;
};
void ExpectPrices(const Settlement& settlement, const Prices& expected) {
  ASSERT_EQ(settlement.fault, SettlementFault::kNone);
  EXPECT_EQ(ToRational(settlement.buy), expected.buy);
  EXPECT_EQ(ToRational(settlement.sell), expected.sell);
}

std::vector<std::int64_t> AmountsOf(const Settlement& settlement) {
  std::vector<std::int64_t> amounts;
  for (const Posting& posting : settlement.postings) amounts.push_back(posting.amount.value());
  return amounts;
}
using Amounts = std::vector<std::int64_t>;

TEST(BillSharing, PartsTheBillOfAWholePeriodAsInThePaper) {  // 11.6667, 46.6667, 46.6667 pence
  const std::vector<Reading> first = {Home(1, 2'000, 4'000), Home(2, 1'000, 0), Home(3, 2'000, 0)};
  const std::vector<Reading> second = {Home(1, 1'000, 0), Home(2, 3'000, 0), Home(3, 2'000, 0)};
  const SlotReadings slots[] = {first, second};
  const Settlement settlement = BillSharing(slots, kPaper);
  ExpectPrices(settlement, {Rational(35'000, 3), 0});
  EXPECT_EQ(settlement.grid_cost, LedgerUnits(105'000'000));
  EXPECT_EQ(AmountsOf(settlement), (Amounts{11'666'667, 46'666'667, 46'666'666}));
  EXPECT_EQ(settlement.operator_gain, LedgerUnits(0));
}

TEST(BillSharing, HasNoPriceForWhatNobodyDid) {
  const std::vector<Reading> buyers = {Home(1, 10, 0)};
  const std::vector<Reading> sellers = {Home(1, 0, 10)};
  const std::vector<Reading> idle = {Home(1, 10, 10)};
  const auto settle = [](const std::vector<Reading>& readings) {
    const SlotReadings slot = readings;
    return BillSharing({&slot, 1}, kPaper);
  };
  EXPECT_EQ(settle(buyers).sell.divisor, 0U);
  EXPECT_EQ(settle(sellers).buy.divisor, 0U);
  EXPECT_EQ(AmountsOf(settle(buyers)), Amounts{150'000});
  EXPECT_EQ(AmountsOf(settle(sellers)), Amounts{-50'000});
  EXPECT_EQ(AmountsOf(settle(idle)), Amounts{0});
}

TEST(BillSharing, CountsAHomeOnlyInTheSlotsThatItIsIn) {
  const std::vector<Reading> first = {Home(7, 10, 0)};
  const std::vector<Reading> second = {Home(8, 20, 0), Home(7, 10, 0)};
  const SlotReadings slots[] = {first, second};
  const Settlement settlement = BillSharing(slots, kPaper);
  ASSERT_EQ(settlement.postings.size(), 2U);
  EXPECT_EQ(settlement.postings[0].account, AccountId{7});
  EXPECT_EQ(settlement.postings[0].from_grid, WattHours(20));
  EXPECT_EQ(AmountsOf(settlement), (Amounts{300'000, 300'000}));
}

struct RateCase {
  std::int64_t demand_kwh;
  std::int64_t supply_kwh;
  Rational buy;
  Rational sell;
};

TEST(MidMarketRate, PricesNetDeficitAndSurplus) {
  const RateCase cases[] = {{5, 5, 10'000, 10'000},
                            {5, 8, 10'000, 8'125},
                            {5, 2, 13'000, 10'000},
                            {5, 0, 15'000, 10'000},
                            {0, 3, 10'000, 5'000}};
  for (const RateCase& each : cases) {
    const auto readings = Net(each.demand_kwh * 1'000, each.supply_kwh * 1'000);
    const Settlement settlement = MidMarketRate(readings, kPaper);
    ExpectPrices(settlement, {each.buy, each.sell});
    EXPECT_EQ(settlement.operator_gain, LedgerUnits(0));
  }
}

TEST(MidMarketRate, PricesTotalsAsPrintedWhereAskedTo) {
  const RateCase cases[] = {{10, 10, 10'000, 10'000},
                            {10, 16, 10'000, 8'125},
                            {10, 4, 13'000, 10'000},
                            {10, 0, 15'000, 10'000}};
  for (const RateCase& each : cases) {
    const auto readings = Net(each.demand_kwh * 1'000, each.supply_kwh * 1'000);
    ExpectPrices(MidMarketRate(readings, kPaper, MidMarketForm::kPrinted), {each.buy, each.sell});
  }
}

// Load 10, PV 16, of which 4 are used at home: 6 are bought at 10,000, 12 are sold at 8,125, 6 go
// to the grid at 5,000.
TEST(MidMarketRate, AsPrintedLeavesTheOperatorToPayForWhatIsUsedAtHome) {
  const std::vector<Reading> readings = {Home(1, 6'000, 0), Home(2, 4'000, 16'000)};
  const Settlement printed = MidMarketRate(readings, kPaper, MidMarketForm::kPrinted);
  EXPECT_EQ(AmountsOf(printed), (Amounts{60'000'000, -97'500'000}));
  EXPECT_EQ(printed.grid_cost, LedgerUnits(-30'000'000));
  EXPECT_EQ(printed.operator_gain, LedgerUnits(-7'500'000));
  const Settlement net = MidMarketRate(readings, kPaper);
  EXPECT_EQ(AmountsOf(net), (Amounts{60'000'000, -90'000'000}));
  EXPECT_EQ(net.operator_gain, LedgerUnits(0));
}

TEST(MidMarketRate, GivesTheOddUnitToTheEarlierOfTwoHomes) {
  // Mid is 2.5 ticks: each of three buyers owes 2.5 units of the 7.5 that the seller gets.
  const GridTariffs tariffs{.import_price = PriceTicks(4), .export_price = PriceTicks(1)};
  const std::vector<Reading> readings = {Home(4, 1, 0), Home(3, 1, 0), Home(2, 1, 0),
                                         Home(1, 0, 3)};
  const Settlement settlement = MidMarketRate(readings, tariffs);
  ExpectPrices(settlement, {Rational(5, 2), Rational(5, 2)});
  EXPECT_EQ(AmountsOf(settlement), (Amounts{3, 3, 2, -8}));
}

TEST(SupplyDemandRatio, PricesScarcity) {
  const RateCase cases[] = {{10'000, 0, 15'000, 15'000},    {10'000, 2'500, 13'750, 10'000},
                            {10'000, 5'000, 11'250, 7'500}, {10'000, 10'000, 5'000, 5'000},
                            {10'000, 14'000, 5'000, 5'000}, {0, 3'000, 5'000, 5'000}};
  for (const RateCase& each : cases) {
    const auto readings = Net(each.demand_kwh, each.supply_kwh);
    const Settlement settlement = SupplyDemandRatio(readings, kPaper);
    ExpectPrices(settlement, {each.buy, each.sell});
    EXPECT_EQ(settlement.operator_gain, LedgerUnits(0));
  }
}

TEST(SupplyDemandRatio, IsRefusedUnlessExportIsAboveZeroAndBelowImport) {
  const std::pair<std::int64_t, std::int64_t> tariffs[] = {
      {10, 0}, {10, -1}, {10, 10}, {10, 11}, {-10, 5}};
  for (const auto& [import_price, export_price] : tariffs) {
    const GridTariffs each{.import_price = PriceTicks(import_price),
                           .export_price = PriceTicks(export_price)};
    const Settlement settlement = SupplyDemandRatio(Net(3, 4), each);
    EXPECT_EQ(settlement.fault, SettlementFault::kTariffsOutOfOrder);
    EXPECT_TRUE(settlement.postings.empty());
  }
}

TEST(Settlement, SaysWhatWasTradedInsideInWholeWattHours) {
  const std::vector<Reading> readings = {Home(1, 10, 0), Home(2, 10, 0), Home(3, 10, 3),
                                         Home(4, 0, 20)};
  const Settlement settlement = MidMarketRate(readings, kPaper);
  const std::int64_t bought[] = {8, 7, 5, 0};  // Of 20, by 10 : 10 : 7; rests .407 .407 .185.
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(settlement.postings[i].bought, WattHours(bought[i])) << i;
  }
  EXPECT_EQ(settlement.postings[2].from_grid, WattHours(2));
  EXPECT_EQ(settlement.postings[3].sold, WattHours(20));
  EXPECT_EQ(settlement.postings[3].to_grid, WattHours(0));
}

TEST(Settlement, OfNobodyIsNothing) {
  EXPECT_TRUE(MidMarketRate({}, kPaper).postings.empty());
  EXPECT_TRUE(SupplyDemandRatio({}, kPaper).postings.empty());
  EXPECT_TRUE(BillSharing({}, kPaper).postings.empty());
  EXPECT_EQ(MidMarketRate({}, kPaper).fault, SettlementFault::kNone);
}

using Rule = Settlement (*)(SlotReadings, const GridTariffs&);
constexpr Rule kRules[] = {
    [](SlotReadings readings, const GridTariffs& tariffs) {
      return MidMarketRate(readings, tariffs);
    },
    SupplyDemandRatio,
    [](SlotReadings readings, const GridTariffs& tariffs) {
      return BillSharing({&readings, 1}, tariffs);
    },
};

TEST(Settlement, RefusesReadingsOutOfRange) {
  for (const Rule rule : kRules) {
    for (const Reading& bad : {Home(2, -1, 0), Home(2, 0, -1), Home(2, kReadingMaxWh + 1, 0),
                               Home(2, 0, kReadingMaxWh + 1)}) {
      EXPECT_EQ(rule(std::vector<Reading>{Home(1, 5, 5), bad}, kPaper).fault,
                SettlementFault::kReadingOutOfRange);
    }
  }
}

TEST(Settlement, RefusesAnAccountThatIsReadTwiceInASlot) {
  for (const Rule rule : kRules) {
    EXPECT_EQ(rule(std::vector<Reading>{Home(1, 5, 5), Home(2, 1, 1), Home(1, 5, 5)}, kPaper).fault,
              SettlementFault::kDuplicateAccount);
  }
}

TEST(Settlement, RefusesTariffsOutOfRange) {
  for (const Rule rule : kRules) {
    const GridTariffs tariffs{.import_price = PriceTicks(kPriceTicksMax + 1),
                              .export_price = PriceTicks(1)};
    EXPECT_EQ(rule(Net(1, 1), tariffs).fault, SettlementFault::kTariffOutOfRange);
  }
}

// 2^61 - 1 units are the most.
TEST(Settlement, RefusesAmountsThatNeedMoreThan61BitsAndSettlesTheLastThatDoNot) {
  const GridTariffs tariffs{.import_price = PriceTicks(kPriceTicksMax),
                            .export_price = PriceTicks(kPriceTicksMax - 1)};
  const std::int64_t most_wh = INT64_MAX / 4 / kPriceTicksMax;
  for (const Rule rule : kRules) {
    EXPECT_EQ(rule(Net(most_wh, 1), tariffs).fault, SettlementFault::kTooMuch);
    const Settlement settlement = rule(Net(most_wh / 2 + 1, most_wh / 2), tariffs);
    ASSERT_EQ(settlement.fault, SettlementFault::kNone);
    const Amounts amounts = AmountsOf(settlement);
    EXPECT_EQ(amounts[0] + amounts[1], settlement.grid_cost.value());
  }
}

TEST(Settlement, NamesEveryFault) {
  for (int fault = 0; fault <= static_cast<int>(SettlementFault::kTariffsOutOfOrder); ++fault) {
    EXPECT_NE(FaultText(static_cast<SettlementFault>(fault)), "unknown");
  }
}

// What a random period is made of, in both forms.
struct RandomPeriod {
  std::vector<std::vector<Reading>> readings;
  std::vector<NaiveSlot> naive;
  std::size_t homes = 0;  // Accounts 1 to this, in order of their first reading.
  GridTariffs tariffs;
  NaiveTariffs naive_tariffs;
};

std::int64_t RandomTariff(RandomSource& random, std::uint64_t size) {
  return static_cast<std::int64_t>(random.Below(2 * size + 1)) - static_cast<std::int64_t>(size);
}

RandomPeriod MakePeriod(RandomSource& random, std::size_t slots) {
  RandomPeriod period;
  const std::uint64_t energies = std::uint64_t{1} << (1 + random.Below(31));
  const std::uint64_t most = random.Below(6) == 0 ? 200 : 12;
  // Keeps energy times tariff within 61 bits at its largest.
  const std::uint64_t tariff_most =
      std::min<std::uint64_t>(kPriceTicksMax, (INT64_MAX / 4) / (energies * 2 * most * slots));
  const std::uint64_t size = random.Below(3) == 0 ? 4 : tariff_most;
  period.naive_tariffs = {RandomTariff(random, std::min(size, tariff_most)),
                          RandomTariff(random, std::min(size, tariff_most))};
  period.tariffs = {PriceTicks(period.naive_tariffs.import_price),
                    PriceTicks(period.naive_tariffs.export_price)};
  const std::size_t homes = random.Below(most);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    period.readings.emplace_back();
    period.naive.emplace_back();
    for (std::uint64_t home = 0; home < homes; ++home) {
      // All are in the first slot, so that home number and precedence are one.
      if (slot > 0 && random.Below(8) == 0) continue;
      const auto load = static_cast<std::int64_t>(random.Below(energies));
      const auto pv = random.Below(2) == 0 ? 0 : static_cast<std::int64_t>(random.Below(energies));
      period.readings.back().push_back(Home(home + 1, load, pv));
      period.naive.back().push_back({home, load, pv});
    }
  }
  period.homes = homes;
  return period;
}

// Prices, every amount, and that energy and money are conserved.
void ExpectSame(const Settlement& settlement, const RandomPeriod& period,
                const NaivePrices& prices) {
  ASSERT_EQ(settlement.fault, SettlementFault::kNone);
  const NaiveSettlement expected =
      naive::Settle(period.naive, period.homes, period.naive_tariffs, prices);
  ASSERT_EQ(ToRational(settlement.buy), prices.buy);
  ASSERT_EQ(ToRational(settlement.sell), prices.sell);
  ASSERT_EQ(settlement.grid_cost.value(), expected.grid_cost);
  Amounts amounts = AmountsOf(settlement);
  amounts.push_back(-settlement.operator_gain.value());
  ASSERT_EQ(amounts, expected.amounts);
  std::int64_t sum = 0;
  for (const std::int64_t amount : amounts) sum += amount;
  ASSERT_EQ(sum, settlement.grid_cost.value());
  Posting energy;
  Rational net = 0;
  for (const Posting& posting : settlement.postings) {
    energy.bought += posting.bought;
    energy.sold += posting.sold;
    net += (posting.from_grid + posting.bought - posting.to_grid - posting.sold).value();
    for (const WattHours each :
         {posting.bought, posting.sold, posting.from_grid, posting.to_grid}) {
      ASSERT_GE(each, WattHours(0));
    }
  }
  ASSERT_EQ(energy.bought, energy.sold);
  for (const NaiveSlot& slot : period.naive) {
    for (const NaiveReading& reading : slot) net -= reading.load - reading.pv;
  }
  ASSERT_EQ(net, 0);
}

// What it would owe without neighbours.
std::int64_t Alone(const Reading& reading, const GridTariffs& tariffs) {
  const std::int64_t net = (reading.load - reading.pv).value();
  return net * (net > 0 ? tariffs.import_price : tariffs.export_price).value();
}

// A failure prints the seed that repeats it.
TEST(Settlement, AgreesWithFractionsInFullToTheLedgerUnit) {
  for (std::uint64_t seed = 0; seed < Repeats(3'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    const RandomPeriod one = MakePeriod(random, 1);
    ExpectSame(MidMarketRate(one.readings[0], one.tariffs), one,
               NaiveMidMarketPrices(one.naive[0], one.naive_tariffs, false));
    ExpectSame(MidMarketRate(one.readings[0], one.tariffs, MidMarketForm::kPrinted), one,
               NaiveMidMarketPrices(one.naive[0], one.naive_tariffs, true));
    if (one.naive_tariffs.export_price > 0 &&
        one.naive_tariffs.export_price < one.naive_tariffs.import_price) {
      ExpectSame(SupplyDemandRatio(one.readings[0], one.tariffs), one,
                 NaiveSupplyDemandPrices(one.naive[0], one.naive_tariffs));
    }
    const RandomPeriod many = MakePeriod(random, 1 + random.Below(9));
    const std::vector<SlotReadings> slots(many.readings.begin(), many.readings.end());
    ExpectSame(BillSharing(slots, many.tariffs), many,
               NaiveSharedPrices(many.naive, many.naive_tariffs));
    if (HasFatalFailure()) return;
  }
}

TEST(Settlement, LeavesNobodyWorseOffThanTheGridAloneByMidMarketRateAndRatio) {
  std::uint64_t better = 0;
  for (std::uint64_t seed = 0; seed < Repeats(2'000, 50'000); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    RandomPeriod period = MakePeriod(random, 1);
    if (period.tariffs.export_price > period.tariffs.import_price) {
      std::swap(period.tariffs.export_price, period.tariffs.import_price);
    }
    for (const Settlement& settlement : {MidMarketRate(period.readings[0], period.tariffs),
                                         SupplyDemandRatio(period.readings[0], period.tariffs)}) {
      if (settlement.fault != SettlementFault::kNone) continue;
      for (std::size_t i = 0; i < period.homes; ++i) {
        const std::int64_t alone = Alone(period.readings[0][i], period.tariffs);
        ASSERT_LE(settlement.postings[i].amount.value(), alone);
        if (settlement.postings[i].amount.value() < alone) ++better;
      }
      ASSERT_LE(settlement.operator_gain, LedgerUnits(0));
    }
  }
  EXPECT_GT(better, 1'000U);
}

// The sum of the bills is smaller, but who exports can lose: neighbours use its energy for nothing.
TEST(BillSharing, CanLeaveAnExporterWorseOffThanTheGridAlone) {
  const std::vector<Reading> readings = Net(3'000, 3'000);
  const SlotReadings slot = readings;
  EXPECT_EQ(AmountsOf(BillSharing({&slot, 1}, kPaper)), (Amounts{0, 0}));
  EXPECT_LT(Alone(readings[1], kPaper), 0);
}

}  // namespace
}  // namespace engine
