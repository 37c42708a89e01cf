#include "tools/peerwatt/settle.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "nlohmann/json.hpp"

namespace tools {
namespace {

constexpr char kHeader[] = "account,start_utc,load_wh,pv_wh\n";
constexpr engine::GridTariffs kTariffs{.import_price = engine::PriceTicks(15'000),
                                       .export_price = engine::PriceTicks(5'000)};

std::string WriteCsv(const std::string& text) {
  const std::string path = testing::TempDir() + "readings-" + std::to_string(::getpid()) + ".csv";
  std::ofstream(path, std::ios::trunc) << text;
  return path;
}

struct Request {
  std::string rule = "mid_market_rate";
  std::vector<std::string> parameters{};
  engine::GridTariffs tariffs = kTariffs;
  bool csv = false;
};

absl::StatusOr<std::string> SettleText(const std::string& csv, const Request& request) {
  absl::StatusOr<SettleSetup> setup = ParseSettle(request.rule, request.parameters);
  if (!setup.ok()) return setup.status();
  setup->tariffs = request.tariffs;
  const absl::StatusOr<ReadingsFile> file = ReadReadingsFile(WriteCsv(csv));
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::vector<SettledPeriod>> periods = SettleReadings(*file, *setup);
  if (!periods.ok()) return periods.status();
  std::ostringstream out;
  if (request.csv) {
    PrintSettlementCsv(*file, *periods, out);
  } else {
    PrintSettlementJson(*file, *setup, *periods, out);
  }
  return out.str();
}
nlohmann::json SettleJson(const std::string& csv, const Request& request) {
  const absl::StatusOr<std::string> text = SettleText(csv, request);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? nlohmann::json::parse(*text) : nlohmann::json();
}

// The paper's three homes over two slots, an account's rows together.
constexpr char kThreeHomes[] =
    "account,start_utc,load_wh,pv_wh\n"
    "a,2024-06-01T12:30:00Z,1000,0\n"
    "a,2024-06-01T12:00:00Z,2000,4000\n"
    "b,2024-06-01T12:00:00Z,1000,0\n"
    "b,2024-06-01T12:30:00Z,3000,0\n"
    "c,2024-06-01T12:00:00Z,2000,0\n"
    "c,2024-06-01T12:30:00Z,2000,0\n";

TEST(Settle, TakesAFileAsOneBillingPeriodWhereBillsAreShared) {
  const auto json = SettleJson(kThreeHomes, {.rule = "bill_sharing"});
  ASSERT_EQ(json["periods"].size(), 1U);
  const auto& period = json["periods"][0];
  EXPECT_EQ(period["start_utc"], "2024-06-01T12:00:00Z");
  EXPECT_EQ(period["last_start_utc"], "2024-06-01T12:30:00Z");
  EXPECT_EQ(period["slots"], 2);
  EXPECT_EQ(period["accounts"], 3);
  EXPECT_EQ(period["buy_price_ticks"], "35000/3");
  EXPECT_EQ(period["sell_price_ticks"], "0");
  EXPECT_EQ(period["grid_units"], 105'000'000);
  EXPECT_EQ(period["operator_units"], 0);
  EXPECT_EQ(period["postings"][0], (nlohmann::json{{"account", "a"},
                                                   {"amount_units", 11'666'667},
                                                   {"bought_wh", 0},
                                                   {"sold_wh", 2'000},
                                                   {"from_grid_wh", 1'000},
                                                   {"to_grid_wh", 0}}));
  EXPECT_EQ(period["postings"][2]["amount_units"], 46'666'666);
  EXPECT_EQ(json["totals"]["amount_units"], 105'000'000);
}

TEST(Settle, SharesBillsSlotBySlotWhereAskedTo) {
  const auto json =
      SettleJson(kThreeHomes, {.rule = "bill_sharing", .parameters = {"period=slot"}});
  ASSERT_EQ(json["periods"].size(), 2U);
  EXPECT_EQ(json["periods"][0]["buy_price_ticks"], "5000");
  EXPECT_EQ(json["periods"][1]["buy_price_ticks"], "15000");
  EXPECT_TRUE(json["periods"][1]["sell_price_ticks"].is_null());
}

TEST(Settle, SettlesEachSlotByItselfInOrderOfTime) {
  const auto json = SettleJson(kThreeHomes, {});
  EXPECT_EQ(json["rule"], "mid_market_rate");
  EXPECT_EQ(json["import_ticks"], 15'000);
  EXPECT_EQ(json["export_ticks"], 5'000);
  ASSERT_EQ(json["periods"].size(), 2U);
  EXPECT_EQ(json["periods"][0]["start_utc"], "2024-06-01T12:00:00Z");
  EXPECT_EQ(json["periods"][0]["buy_price_ticks"], "35000/3");  // 2 of 3 kWh at 10,000.
  EXPECT_EQ(json["periods"][0]["sell_price_ticks"], "10000");
  EXPECT_EQ(json["periods"][1]["start_utc"], "2024-06-01T12:30:00Z");
  EXPECT_EQ(json["periods"][1]["buy_price_ticks"], "15000");
  const auto& totals = json["totals"];
  EXPECT_EQ(totals["grid_units"], 105'000'000);
  EXPECT_EQ(totals["amount_units"], 105'000'000);
  EXPECT_EQ(totals["postings"][0]["account"], "a");
  EXPECT_EQ(totals["postings"][0]["amount_units"], 15'000'000 - 20'000'000);
}

TEST(Settle, PricesByTheSupplyDemandRatio) {
  const auto json = SettleJson(
      std::string(kHeader) + "x,2024-01-01T00:00:00Z,10000,0\ny,2024-01-01T00:00:00Z,0,5000\n",
      {.rule = "supply_demand_ratio"});
  EXPECT_EQ(json["periods"][0]["buy_price_ticks"], "11250");
  EXPECT_EQ(json["periods"][0]["sell_price_ticks"], "7500");
}

TEST(Settle, SaysWhatThePrintedFormLeavesTheOperatorToPay) {
  const auto json = SettleJson(
      std::string(kHeader) + "x,2024-01-01T00:00:00Z,6000,0\ny,2024-01-01T00:00:00Z,4000,16000\n",
      {.parameters = {"form=printed"}});
  EXPECT_EQ(json["periods"][0]["operator_units"], -7'500'000);
  EXPECT_EQ(json["totals"]["operator_units"], -7'500'000);
}

TEST(Settle, PrintsAPostingARowAndThenTotals) {
  const std::string csv = std::string(kHeader) +
                          "x,2024-01-01T01:00:00Z,10,0\n"
                          "x,2024-01-01T00:00:00Z,10,0\n"
                          "y,2024-01-01T00:00:00Z,1,16\n";
  const absl::StatusOr<std::string> text = SettleText(csv, {.csv = true});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text,
            "start_utc,account,amount_units,bought_wh,sold_wh,from_grid_wh,to_grid_wh\n"
            "2024-01-01T00:00:00Z,x,100000,10,0,0,0\n"
            "2024-01-01T00:00:00Z,y,-125000,0,10,0,5\n"
            "2024-01-01T01:00:00Z,x,150000,0,0,10,0\n"
            "total,x,250000,10,0,10,0\n"
            "total,y,-125000,0,10,0,5\n"
            "total,,125000,10,10,10,5\n");
}

TEST(Settle, TakesAHomeForAbsentWhereItHasNoRow) {
  const auto json = SettleJson(std::string(kHeader) +
                                   "x,2024-01-01T00:00:00Z,10,0\ny,2024-01-01T00:00:00Z,0,5\n"
                                   "x,2024-01-01T01:00:00Z,10,0\n",
                               {});
  EXPECT_EQ(json["periods"][0]["accounts"], 2);
  EXPECT_EQ(json["periods"][1]["accounts"], 1);
  EXPECT_EQ(json["periods"][1]["postings"].size(), 1U);
}

TEST(Settle, OfNoRowsIsNoPeriod) {
  for (const char* rule : {"mid_market_rate", "supply_demand_ratio", "bill_sharing"}) {
    const auto json = SettleJson(kHeader, {.rule = rule});
    EXPECT_TRUE(json["periods"].empty());
    EXPECT_EQ(json["totals"]["amount_units"], 0);
  }
}

void ExpectComplaint(const std::string& csv, const std::string& place, const std::string& words) {
  const absl::StatusOr<std::string> text = SettleText(csv, {});
  ASSERT_FALSE(text.ok()) << csv;
  const std::string message(text.status().message());
  EXPECT_NE(message.find(".csv:" + place), std::string::npos) << message;
  EXPECT_NE(message.find(words), std::string::npos) << message;
}

TEST(Settle, NamesAColumnThatIsMissing) {
  ExpectComplaint("account,start_utc,load_wh\n", "1:", "no column 'pv_wh'");
}

TEST(Settle, NamesTheColumnsWhereThereAreOthers) {
  ExpectComplaint("account,start_utc,load_wh,pv_wh,colour\n", "1:", "alone");
}

TEST(Settle, NamesTheLineOfANumberThatIsNone) {
  ExpectComplaint(std::string(kHeader) + "a,2024-01-01T00:00:00Z,1,1\nb,2024-01-01T00:00:00Z,x,1\n",
                  "3:", "'load_wh': expected a whole number");
  ExpectComplaint(std::string(kHeader) + "a,2024-01-01T00:00:00Z,1,1.5\n",
                  "2:", "'pv_wh': expected a whole number");
}

TEST(Settle, NamesTheLineOfANegativeReading) {
  ExpectComplaint(std::string(kHeader) + "a,2024-01-01T00:00:00Z,-1,1\n", "2:", "'load_wh'");
}

TEST(Settle, NamesTheLineOfAReadingThatIsTooLarge) {
  ExpectComplaint(std::string(kHeader) + "a,2024-01-01T00:00:00Z,1,4000000001\n", "2:", "'pv_wh'");
}

TEST(Settle, NamesTheLineOfATimeThatIsNone) {
  for (const char* time : {"2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00+01:00",
                           " 2024-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z",
                           "2024-01-01T00:00:60Z", "infinite-future", ""}) {
    ExpectComplaint(std::string(kHeader) + "a," + time + ",1,1\n", "2:", "'start_utc'");
  }
}

TEST(Settle, NamesTheLineOfAnAccountThatHasASecondRowInASlot) {
  ExpectComplaint(std::string(kHeader) +
                      "a,2024-01-01T00:00:00Z,1,1\nb,2024-01-01T00:00:00Z,1,1\n"
                      "a,2024-01-01T00:00:00Z,1,1\n",
                  "4:", "a has a row for 2024-01-01T00:00:00Z already");
}

TEST(Settle, NamesTheLineOfARowWithoutAnAccount) {
  ExpectComplaint(std::string(kHeader) + ",2024-01-01T00:00:00Z,1,1\n",
                  "2:", "'account': is empty");
}

TEST(Settle, NamesTheLineOfARowThatIsTooShort) {
  ExpectComplaint(std::string(kHeader) + "a,2024-01-01T00:00:00Z,1\n", "2:", "3 cells");
}

TEST(Settle, NamesTheRulesWhereItKnowsNoneOfThatName) {
  const absl::Status status = ParseSettle("first_price", {}).status();
  EXPECT_EQ(status.message(),
            "rule first_price: known are mid_market_rate, supply_demand_ratio, bill_sharing");
}

TEST(Settle, NamesWhatARuleHasWhereAParameterIsNotItsOwn) {
  const auto complaint = [](const char* rule, const std::string& parameter) {
    return std::string(ParseSettle(rule, std::vector{parameter}).status().message());
  };
  EXPECT_EQ(complaint("mid_market_rate", "colour=red"),
            "parameter colour=red: mid_market_rate has form=net or printed");
  EXPECT_EQ(complaint("mid_market_rate", "form=gross"),
            "parameter form=gross: mid_market_rate has form=net or printed");
  EXPECT_EQ(complaint("mid_market_rate", "form"),
            "parameter form: mid_market_rate has form=net or printed");
  EXPECT_EQ(complaint("supply_demand_ratio", "form=net"),
            "parameter form=net: supply_demand_ratio has no parameters");
  EXPECT_EQ(complaint("bill_sharing", "form=net"),
            "parameter form=net: bill_sharing has period=file or slot");
}

TEST(Settle, RefusesTariffsThatTheRatioCannotUse) {
  for (const std::string& rows : {std::string(), std::string("a,2024-01-01T00:00:00Z,1,1\n")}) {
    const absl::StatusOr<std::string> text =
        SettleText(kHeader + rows, {.rule = "supply_demand_ratio",
                                    .tariffs = {.import_price = engine::PriceTicks(5),
                                                .export_price = engine::PriceTicks(5)}});
    EXPECT_EQ(text.status().message(),
              "supply_demand_ratio: the rule needs 0 < export tariff < import tariff");
  }
}

// Each slot by itself is small enough, their sum is not.
TEST(Settle, RefusesAFileWhoseSumIsTooLarge) {
  std::string csv = kHeader;
  for (const char* hour : {"00", "01"}) {
    csv += std::string("a,2024-01-01T") + hour + ":00:00Z,2000000000,0\n";
  }
  const Request request{.tariffs = {.import_price = engine::PriceTicks(1'000'000'000),
                                    .export_price = engine::PriceTicks(1)}};
  const absl::StatusOr<std::string> text = SettleText(csv, request);
  EXPECT_EQ(text.status().message(),
            "mid_market_rate: the energy at these tariffs comes to amounts of more than 61 bits");
}

}  // namespace
}  // namespace tools
