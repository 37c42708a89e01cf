// What a buyer takes at a price: the best responses that are published, or follow from the utility.
#include "engine/core/clearing/response_demand.h"

#include <vector>

#include <gtest/gtest.h>

#include "engine/core/clearing/response.h"
#include "tests/support/naive_welfare.h"
#include "tests/support/response_book.h"

namespace engine {
namespace {

// In the paper's units: cents and kWh.
struct Vector {
  double limit = 0;
  double theta = 0;  // Of a quadratic response.
  double price = 0;
  double energy = 0;
  double welfare = 0;  // Of the buyer.
};

// Of one buyer alone, in nano-watt-hours.
std::uint64_t DemandOf(const StackelbergOrder& order, std::int64_t price) {
  ResponseBook round({order}, 1);
  const auto level = static_cast<std::uint16_t>(price - 1);
  const SideWinners all{.side = Side::kBuy, .level = 0};
  ResponseDemand demand(round.book, round.memory, all,
                        {.band_low_ticks = 1, .lowest = level, .highest = level},
                        round.scratch->response);
  return static_cast<std::uint64_t>(demand.At(level));
}

void ExpectResponse(const StackelbergOrder& order, const Vector& expected) {
  SCOPED_TRACE(testing::Message() << "at " << expected.price);
  const std::int64_t price = std::lround(expected.price * 10);
  const std::uint64_t demand_nwh = DemandOf(order, price);
  EXPECT_NEAR(static_cast<double>(demand_nwh), expected.energy * 1e12, 1e6);
  const std::uint64_t energy_wh = demand_nwh / kNanoPerWh;
  const auto welfare = [&](std::uint64_t wh) {
    return static_cast<double>(Worth(order, wh) - static_cast<long double>(price) * wh);
  };
  EXPECT_NEAR(welfare(energy_wh) / 10'000, expected.welfare, 1e-4);
  // Nothing else is as good for the buyer: neither a little less nor a little more.
  EXPECT_GT(welfare(energy_wh), welfare(energy_wh - 2));
  EXPECT_TRUE(energy_wh == order.energy_wh || welfare(energy_wh) > welfare(energy_wh + 3));
}

TEST(Response, OfAQuadraticUtilityIsThatOfThePapersExample) {  // E1
  for (const Vector& each :
       {Vector{15, 3, 8, 2.333333, 8.166667}, Vector{15, 3.5, 8, 2.0, 7.0},
        Vector{15, 3, 9, 2.0, 6.0}, Vector{15, 3.5, 9, 1.714286, 5.142857},
        Vector{15, 3, 7, 2.666667, 10.666667}, Vector{15, 3.5, 7, 2.285714, 9.142857}}) {
    ExpectResponse({Side::kBuy, 150, 10'000, Response::kQuadratic,
                    static_cast<std::uint64_t>(each.theta * 10'000)},
                   each);
  }
}

TEST(Response, OfAQuadraticUtilityIsExactToTheNanoWattHour) {
  // ceil(10^15 / 30,000) a tick.
  EXPECT_EQ(QuadraticSlope(30'000), 33'333'333'334U);
  EXPECT_EQ(QuadraticSlope(1), 1'000'000'000'000'000U);
  EXPECT_EQ(QuadraticSlope(UINT32_MAX), 232'831U);
  const std::uint64_t slope = QuadraticSlope(30'000);
  EXPECT_EQ(QuadraticDemand(slope, 70, 10'000 * kNanoPerWh), 70 * slope);
  EXPECT_EQ(QuadraticDemand(slope, 70, 2'000 * kNanoPerWh), 2'000 * kNanoPerWh);
  EXPECT_EQ(QuadraticDemand(slope, 0, kNanoPerWh), 0U);
  EXPECT_EQ(QuadraticDemand(QuadraticSlope(1), 65'535, 4'000'000'000 * kNanoPerWh),
            4'000'000'000 * kNanoPerWh)
      << "the product is beyond 64 bits";
}

// U = k ln(1 + x), with x in kWh.
TEST(Response, OfALogarithmicUtilityIsThatOfItsDefinition) {
  const auto order = [](std::int64_t limit) {
    return StackelbergOrder{Side::kBuy, limit, 5'000, Response::kLogarithmic, 1'000};
  };
  ExpectResponse(order(200), {.price = 8, .energy = 1.5, .welfare = 6.325815});
  ExpectResponse(order(200), {.price = 2, .energy = 5, .welfare = 25.835189});
  ExpectResponse(order(120), {.price = 8, .energy = .5, .welfare = .865581});
  EXPECT_EQ(DemandOf(order(200), 250), 0U) << "above its limit";
  EXPECT_EQ(DemandOf(order(200), 200), 0U);
}

TEST(Response, OfALogarithmicUtilityIsTheWholeEnergyUpToAPrice) {
  // 1,000 (200 / p - 1) is 5,000 at 33 and a third.
  EXPECT_EQ(LogarithmicFullPrice(200, 1'000, 5'000), 33);
  const StackelbergOrder order{Side::kBuy, 200, 5'000, Response::kLogarithmic, 1'000};
  EXPECT_EQ(DemandOf(order, 33), 5'000 * kNanoPerWh);
  EXPECT_EQ(DemandOf(order, 34), 1'000 * std::uint64_t{166} * kNanoPerWh / 34);
  EXPECT_EQ(LogarithmicFullPrice(200, 1'000, 1'000), 100) << "right at a tick";
  EXPECT_EQ(LogarithmicFullPrice(200, 1, 4'000'000'000), 0) << "nowhere in the band";
  EXPECT_EQ(LogarithmicFullPrice(kPriceTicksMax, UINT32_MAX, 1), kPriceTicksMax - 1);
}

}  // namespace
}  // namespace engine
