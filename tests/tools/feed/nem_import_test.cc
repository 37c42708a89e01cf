#include "tools/feed/nem_import.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/feed_files.h"
#include "tests/support/feed_replay.h"

namespace tools {
namespace {

using engine::Side;
using testing::HasSubstr;

constexpr const char* kBidColumns =
    "round,interval_end,offer_time,duid,region,side,band,price_aud_mwh,mw,unit_maxavail_mw\n";
constexpr std::uint32_t kFirstSlot = 27'349'320;  // 2022-01-01 00:00 at UTC+10.

// A gas unit with two bands, a wind farm below zero, and a load; one region.
NemImportOptions SmallDay() {
  NemImportOptions options;
  options.bids_csv = WriteText(
      "bids.csv", std::string(kBidColumns) +
                      "1,2022-01-01 00:05:00,2021-12-31 23:50:00,GAS1,NSW1,S,2,80.5,60,100\n"
                      "1,2022-01-01 00:05:00,2021-12-31 23:50:00,GAS1,NSW1,S,1,30,70,100\n"
                      "1,2022-01-01 00:05:00,2020-08-22 11:41:32,WIND1,NSW1,S,1,-971.6,91,91\n"
                      "1,2022-01-01 00:05:00,2021-12-31 23:59:50,PUMP1,NSW1,B,1,-12.5,20,50\n"
                      "1,2022-01-01 00:05:00,2021-12-31 23:59:50,PUMP1,NSW1,B,2,40.9,40,50\n"
                      "1,2022-01-01 00:05:00,2021-12-31 23:59:50,IDLE1,NSW1,S,1,10,40,50\n"
                      "1,2022-01-01 00:05:00,2021-12-31 23:59:50,GONE1,NSW1,S,1,10,40,50\n"
                      "1,2022-01-01 00:05:00,2021-12-31 23:59:50,WIND1,NSW1,S,9,16000.1,5,91\n");
  options.dispatch_csv = WriteText("dispatch.csv",
                                   "round,DUID,INITIALMW,TOTALCLEARED,AVAILABILITY\n"
                                   "1,GAS1,0,0,100\n1,WIND1,0,0,95.5\n1,PUMP1,0,0,50\n"
                                   "1,IDLE1,0,0,0\n1,OTHER,0,0,9\n");
  options.demand_csv = WriteText("demand.csv",
                                 "round,interval_end,region,total_demand_mw\n"
                                 "1,2022-01-01 00:05:00,NSW1,120.01\n");
  return options;
}

struct Imported {
  std::string path;
  std::string report;
};

Imported Import(const NemImportOptions& options) {
  std::ostringstream report;
  const std::string path = MakeFeed("nem.pwfeed", FeedSource::kNem, [&](FeedWriter& feed) {
    return ImportNem(options, feed, report);
  });
  return {path, report.str()};
}

std::string WhyNot(const NemImportOptions& options) {
  auto feed = FeedWriter::Create(TestPath("bad.pwfeed"), FeedSource::kNem, 0);
  std::ostringstream report;
  return std::string(ImportNem(options, *feed, report).message());
}

// The order of a participant (from 1, by first appearance) with this id.
engine::OrderBody Find(const std::vector<FedOrder>& orders, std::uint64_t account,
                       std::uint64_t id) {
  for (const FedOrder& fed : orders) {
    if (fed.order.account == engine::AccountId(account) &&
        fed.order.client_order_id == engine::ClientOrderId(id)) {
      return fed.order;
    }
  }
  ADD_FAILURE() << "no order " << id << " of account " << account;
  return {};
}

TEST(NemImport, CumulatesBandsUpToTheAvailability) {
  const auto orders = OrdersOf(Import(SmallDay()).path);
  EXPECT_EQ(Find(orders, 1, 1).energy_wh, 5'833'333u);  // 70 MW for five minutes.
  EXPECT_EQ(Find(orders, 1, 2).energy_wh, 2'500'000u);  // 30 of its 60 MW are left.
  EXPECT_EQ(Find(orders, 3, 1'002).energy_wh, 3'333'333u);
  EXPECT_EQ(Find(orders, 3, 1'001).energy_wh, 833'333u);  // The dearest bid comes first.
}

TEST(NemImport, RoundsBidsDownAndAsksUpAndKeepsNegativePrices) {
  const auto orders = OrdersOf(Import(SmallDay()).path);
  EXPECT_EQ(Find(orders, 1, 1).limit_ticks, 30);
  EXPECT_EQ(Find(orders, 1, 2).limit_ticks, 81);
  EXPECT_EQ(Find(orders, 2, 1).limit_ticks, -971);
  EXPECT_EQ(Find(orders, 3, 1'001).limit_ticks, -13);
  EXPECT_EQ(Find(orders, 3, 1'002).limit_ticks, 40);
}

TEST(NemImport, MakesEachRegionsDemandOneBidAtTheCap) {
  const engine::OrderBody demand = Find(OrdersOf(Import(SmallDay()).path), 6, 1);
  EXPECT_EQ(demand.side, Side::kBuy);
  EXPECT_EQ(demand.limit_ticks, 16'000);
  EXPECT_EQ(demand.energy_wh, 10'000'833u);
}

TEST(NemImport, TellsWhatItChanged) {
  const std::string report = Import(SmallDay()).report;
  EXPECT_THAT(report, HasSubstr("3 asks, 2 bids of scheduled loads, 1 bids of regional demand"));
  EXPECT_THAT(report, HasSubstr("2 prices below zero"));
  EXPECT_THAT(report, HasSubstr("4 prices rounded to a tick"));
  EXPECT_THAT(report, HasSubstr("5 energies rounded down, by 1 Wh"));
  EXPECT_THAT(report, HasSubstr("2 cut down"));
  EXPECT_THAT(report, HasSubstr("1 left out with no energy left"));
  EXPECT_THAT(report, HasSubstr("1 left out of units that the dispatch file lacks"));
  EXPECT_THAT(report, HasSubstr("1 left out with a price outside the band"));
  EXPECT_THAT(report, HasSubstr("1 moved to their product's opening, 2 to its gate"));
}

TEST(NemImport, KeepsTimesBetweenOpeningAndGate) {
  for (const FedOrder& fed : OrdersOf(Import(SmallDay()).path)) {
    ASSERT_EQ(fed.order.product.start_minute, kFirstSlot);
    const std::int64_t before = std::int64_t{kFirstSlot} * 60 - fed.time_ns / 1'000'000'000;
    switch (static_cast<std::uint64_t>(fed.order.account)) {
      case 1:
        EXPECT_EQ(before, 600);
        break;
      case 2:
        EXPECT_EQ(before, 3'600);
        break;
      case 3:
        EXPECT_EQ(before, 31);
        break;
      default:
        EXPECT_EQ(before, 60);
    }
  }
}

TEST(NemImport, StampsMayBeTheStartOfAnIntervalInAnyZone) {
  NemImportOptions options = SmallDay();
  options.stamp = IntervalStamp::kStart;
  options.zone = "Etc/UTC";
  EXPECT_EQ(OrdersOf(Import(options).path)[0].order.product.start_minute, kFirstSlot + 600 + 5);
}

TEST(NemImport, ClearsAtTheMeritOrdersPrice) {
  FeedReplay replay(Import(SmallDay()).path);
  EXPECT_TRUE(replay.refused.empty());
  // 120.01 MW of demand and the pump's 40 MW above 30 AUD against 91 MW of wind and 70 MW at 30:
  // the unit at 30 has energy left and makes the price, the pump at 40 is served.
  EXPECT_EQ(replay.prices[kFirstSlot], 30);
  EXPECT_EQ(replay.traded_wh, 10'000'833u + 3'333'333u);
}

TEST(NemImport, ErrorsNameThePlace) {
  const auto with_bid = [](const std::string& row) {
    NemImportOptions options = SmallDay();
    options.bids_csv = WriteText("bad_bids.csv", kBidColumns + row);
    return WhyNot(options);
  };
  EXPECT_THAT(with_bid("1,2022-01-01 00:05,2021-12-31 23:50:00,G,N,S,1,1,1,1\n"),
              HasSubstr("bad_bids.csv:2: column 'interval_end'"));
  EXPECT_THAT(with_bid("1,2022-01-01 00:07:00,2021-12-31 23:50:00,G,N,S,1,1,1,1\n"),
              HasSubstr("edge of an interval"));
  EXPECT_THAT(with_bid("1,2022-01-01 00:05:00,2021-12-31 23:50:00,G,N,X,1,1,1,1\n"),
              HasSubstr("column 'side': is neither S nor B"));
  EXPECT_THAT(with_bid("1,2022-01-01 00:05:00,2021-12-31 23:50:00,G,N,S,0,1,1,1\n"),
              HasSubstr("column 'band'"));
  EXPECT_THAT(with_bid("1,2022-01-01 00:05:00,2021-12-31 23:50:00,G,N,S,1,1,-1,1\n"),
              HasSubstr("column 'mw': below zero"));
  NemImportOptions options = SmallDay();
  options.cap_ticks = 70'000;
  EXPECT_THAT(WhyNot(options), HasSubstr("65,536 ticks"));
  options = SmallDay();
  options.dispatch_csv = options.demand_csv;
  EXPECT_THAT(WhyNot(options), HasSubstr("no column 'DUID'"));
}

TEST(RecordedNemDay, ClearsAsItsPublishedMeritOrder) {
  const std::string folder = DataFolder("nem_bids_20220101");
  if (folder.empty()) GTEST_SKIP() << "no data: PEERWATT_DATA has no nem_bids_20220101";
  NemImportOptions options;
  options.bids_csv = folder + "/nem_energy_bids_orders.csv.gz";
  options.dispatch_csv = folder + "/nem_unit_dispatch.csv.gz";
  options.demand_csv = folder + "/nem_region_demand_price.csv";
  const Imported day = Import(options);
  FeedReplay replay(day.path);
  EXPECT_TRUE(replay.refused.empty());
  ASSERT_EQ(replay.prices.size(), 48u);
  std::int64_t sum = 0;
  std::int32_t low = INT32_MAX;
  std::int32_t high = INT32_MIN;
  for (const auto& [slot, price] : replay.prices) {
    sum += price;
    low = std::min(low, price);
    high = std::max(high, price);
  }
  // A copper-plate merit order of the same bids: 62.5 to 109.1, mean 83.2 AUD/MWh.
  EXPECT_NEAR(low, 62.5, 1.5);
  EXPECT_NEAR(high, 109.1, 1.5);
  EXPECT_NEAR(static_cast<double>(sum) / 48, 83.2, 1);
}

}  // namespace
}  // namespace tools
