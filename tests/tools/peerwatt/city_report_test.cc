#include "tools/peerwatt/city_report.h"

#include <cstring>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace tools {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint32_t kNoon = 29'691'960;  // 2026-06-15T10:00Z: 12:00 in Berlin.

ReplayPlan PlanOfTwoMarkets() {
  ReplayPlan plan;
  for (const std::uint32_t id : {1u, 2u}) {
    engine::MarketDefinition market;
    market.id = engine::MarketId{id};
    market.retail_ticks = 300;
    market.feed_in_ticks = 100;
    std::memcpy(market.name.data(), id == 1 ? "north" : "south", 5);
    std::memcpy(market.time_zone.data(), "Europe/Berlin", 13);
    plan.markets[market.id] = market;
  }
  return plan;
}

engine::ProductId Slot(std::uint32_t quarter) {
  return {engine::MarketId{1}, kNoon + quarter * 15};
}

// The table's lines, with one space between words.
std::vector<std::string> Lines(const NetworkReplayResult& result) {
  std::ostringstream out;
  PrintCityTable(PlanOfTwoMarkets(), result, out);
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(out.str(), '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    lines.push_back(absl::StrJoin(words, " "));
  }
  return lines;
}

// Two quarters of noon that traded, and one of one o'clock that did not.
NetworkReplayResult Day() {
  NetworkReplayResult result;
  result.products[Slot(0)] = {.traded = true,
                              .is_told = true,
                              .energy_wh = 1'000,
                              .bid_wh = 1'500,
                              .ask_wh = 1'200,
                              .bought_wh = 1'000,
                              .sold_wh = 1'000,
                              .paid_units = 200'000,
                              .got_units = 200'000};
  result.products[Slot(1)] = {.traded = true,
                              .is_told = true,
                              .energy_wh = 2'000,
                              .bid_wh = 2'000,
                              .ask_wh = 3'000,
                              .bought_wh = 2'000,
                              .sold_wh = 2'000,
                              .paid_units = 480'000,
                              .got_units = 480'000};
  result.products[Slot(4)] = {.is_told = true, .bid_wh = 700};
  return result;
}

TEST(CityTable, HasThePriceEnergyAndSavingsOfEachLocalHour) {
  const std::vector<std::string> lines = Lines(Day());
  // 680,000 units for 3,000 Wh; buyers save 1 kWh * 0.10 + 2 kWh * 0.06, sellers gain 1 kWh * 0.10
  // + 2 kWh * 0.14.
  EXPECT_THAT(lines, Contains("12:00 0.227 3.0 0.5 1.2 0.22 0.38"));
  EXPECT_THAT(lines, Contains("13:00 - 0.0 0.7 0.0 0.00 0.00"));
  EXPECT_THAT(lines, Contains("day 0.227 3.0 1.2 1.2 0.22 0.38"));
}

TEST(CityTable, NamesTheMarketItsHoursAndItsTariffs) {
  const std::vector<std::string> lines = Lines(Day());
  EXPECT_THAT(lines, Contains("north: hours in Europe/Berlin, tariffs 0.300 (retail) and 0.100 "
                              "(feed-in) EUR/kWh"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("south")))) << "it has no orders";
}

TEST(CityTable, LeavesOutSlotsWhoseRoundsWereNotHeardAndSaysSo) {
  NetworkReplayResult result = Day();
  result.products[Slot(2)] = {.bid_wh = 9'000, .ask_wh = 9'000};
  const std::vector<std::string> lines = Lines(result);
  EXPECT_THAT(lines, Contains("12:00 0.227 3.0 0.5 1.2 0.22 0.38"));
  EXPECT_THAT(lines, Contains("1 slots are not in it: their rounds were not heard"));
}

TEST(CityTable, CountsVoidRounds) {
  NetworkReplayResult result = Day();
  result.products[Slot(5)] = {.is_void = true, .is_told = true, .bid_wh = 300};
  const std::vector<std::string> lines = Lines(result);
  EXPECT_THAT(lines, Contains("13:00 - 0.0 1.0 0.0 0.00 0.00"));
  EXPECT_THAT(lines, Contains("1 rounds were void"));
}

}  // namespace
}  // namespace tools
