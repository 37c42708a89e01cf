#include "tools/feed/profile_import.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/feed_files.h"
#include "tests/support/feed_replay.h"
#include "tools/feed/csv.h"

namespace tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ProfileImportOptions Files(const std::string& load, const std::string& pv = "") {
  ProfileImportOptions options;
  options.load_csv = WriteText("load.csv", load);
  if (!pv.empty()) options.pv_csv = WriteText("pv.csv", pv);
  return options;
}

std::vector<std::int64_t> Loads(const MeasuredLoad& measured, std::size_t home) {
  std::vector<std::int64_t> loads;
  for (std::size_t slot = 0; slot < measured.span().slots; ++slot) {
    loads.push_back(measured.load_wh(slot, home));
  }
  return loads;
}

std::string WhyNot(const ProfileImportOptions& options) {
  return std::string(ReadProfiles(options).status().message());
}

TEST(Profiles, HoursAreSpreadOverTheirSlotsAndRemaindersCarried) {
  const auto measured = ReadProfiles(Files("hour,a,b\n0,0.010,1\n1,0.0055,2\n"));
  ASSERT_TRUE(measured.ok()) << measured.status();
  EXPECT_THAT(Loads(**measured, 0), ElementsAre(2, 3, 2, 3, 1, 1, 2, 1));
  EXPECT_THAT(Loads(**measured, 1), ElementsAre(250, 250, 250, 250, 500, 500, 500, 500));
}

TEST(Profiles, FinerIntervalsAreSummed) {
  ProfileImportOptions options = Files(
      "time,a\n2026-01-01 00:00,0.0101\n2026-01-01 00:05,0.0202\n2026-01-01 00:10,0.0303\n"
      "2026-01-01 00:15,0.0404\n2026-01-01 00:20,0.0505\n2026-01-01 00:25,0.0607\n");
  const auto measured = ReadProfiles(options);
  ASSERT_TRUE(measured.ok()) << measured.status();
  // 60.6 and 151.6 Wh: the first slot's 0.6 are carried, the last 0.2 are lost.
  EXPECT_THAT(Loads(**measured, 0), ElementsAre(60, 152));
}

TEST(Profiles, KilowattsAreMeansOfTheirInterval) {
  ProfileImportOptions options =
      Files(",GC,GG\n2011-07-01 00:00:00,0.392,0.1\n2011-07-01 00:30:00,0.578,0.0\n");
  options.pv_csv = options.load_csv;
  options.load_column = "GC";
  options.pv_column = "GG";
  options.unit = ProfileUnit::kKw;
  options.zone = "Australia/Brisbane";
  const auto measured = ReadProfiles(options);
  ASSERT_TRUE(measured.ok()) << measured.status();
  EXPECT_THAT(Loads(**measured, 0), ElementsAre(98, 98, 144, 145));
  EXPECT_EQ((*measured)->pv_wh(0, 0), 25);
  EXPECT_EQ((*measured)->NetWh(0, 0), 73);
  EXPECT_EQ((*measured)->span().start_minute, 21'824'040u);  // 2011-06-30T14:00Z.
}

TEST(Profiles, TimesMayStampTheEndOfTheirInterval) {
  ProfileImportOptions options = Files("time,a\n2026-01-01 01:00,0.1\n2026-01-01 02:00,0.2\n");
  options.stamp = ProfileStamp::kEnd;
  const auto measured = ReadProfiles(options);
  ASSERT_TRUE(measured.ok());
  EXPECT_EQ((*measured)->span().start_minute, 29'453'760u);  // 2026-01-01T00:00Z.
}

TEST(Profiles, NoTotalLosesAWattHour) {
  std::string csv = "hour,a\n";
  std::int64_t total_milli_wh = 0;
  for (std::int64_t hour = 0; hour < 720; ++hour) {
    const std::int64_t milli_wh = (hour * 7'919 + 13) % 3'000'001;
    total_milli_wh += milli_wh;
    const std::string digits = std::to_string(1'000'000'000 + milli_wh).substr(1);
    csv += std::to_string(hour) + "," + digits.substr(0, 3) + "." + digits.substr(3) + "\n";
  }
  for (const std::uint32_t minutes : {5u, 15u, 30u, 60u}) {
    ProfileImportOptions options = Files(csv);
    options.slot_minutes = minutes;
    const auto measured = ReadProfiles(options);
    ASSERT_TRUE(measured.ok()) << measured.status();
    std::int64_t sum = 0;
    for (const std::int64_t wh : Loads(**measured, 0)) sum += wh;
    EXPECT_EQ(sum, total_milli_wh / 1'000) << minutes;
  }
}

TEST(Profiles, PvStandsUnderItsHomesName) {
  const auto measured = ReadProfiles(Files("hour,a,b\n0,1,1\n1,1,1\n", "hour,b\n0,4\n1,0\n"));
  ASSERT_TRUE(measured.ok()) << measured.status();
  EXPECT_EQ((*measured)->NetWh(0, 0), 250);
  EXPECT_EQ((*measured)->NetWh(0, 1), -750);
  EXPECT_THAT(WhyNot(Files("hour,a,b\n0,1,1\n1,1,1\n", "hour,c\n0,4\n1,0\n")),
              HasSubstr("the PV of 'c' is no home's"));
}

TEST(Profiles, DaysAreLeftOutAndCounted) {
  std::string csv = "hour,a\n";
  for (int hour = 0; hour < 72; ++hour) {
    csv += std::to_string(hour) + "," + std::to_string(hour / 24) + "\n";
  }
  ProfileImportOptions options = Files(csv);
  options.skip_days = 1;
  options.days = 1;
  const auto measured = ReadProfiles(options);
  ASSERT_TRUE(measured.ok()) << measured.status();
  EXPECT_EQ((*measured)->span().slots, 96u);
  EXPECT_EQ((*measured)->load_wh(0, 0), 250);
  EXPECT_EQ((*measured)->load_wh(95, 0), 250);
  options.days = 3;
  EXPECT_THAT(WhyNot(options), HasSubstr("3 were asked for after 1"));
}

TEST(Profiles, ErrorsNameThePlace) {
  EXPECT_THAT(WhyNot(Files("hour,a\n0,1\n1,-1\n")),
              HasSubstr("load.csv:3: column 'a': below zero"));
  EXPECT_THAT(WhyNot(Files("hour,a\n0,1\n1,\n")), HasSubstr("load.csv:3: column 'a': ''"));
  EXPECT_THAT(WhyNot(Files("hour,a\n0,1\n1,1\n3,1\n")),
              HasSubstr("load.csv:4: column 'hour': '3'"));
  EXPECT_THAT(WhyNot(Files("hour,a\n0,1\n0,1\n")), HasSubstr("interval of 0 minutes"));
  EXPECT_THAT(WhyNot(Files("hour,a\nnoon,1\n1,1\n")), HasSubstr("neither a row number"));
  EXPECT_THAT(WhyNot(Files("hour,a\n0,1\n1,20000\n")), HasSubstr("over 10,000"));
  EXPECT_THAT(WhyNot(Files("hour,a\n0,1\n")), HasSubstr("under two rows"));
  EXPECT_THAT(WhyNot(Files("hour,a\n0,1\n1,1\n", "hour,a\n0,1\n1,1\n2,1\n")),
              HasSubstr("pv.csv: has other times"));
}

TEST(Profiles, BecomeOrdersThatAnExchangeTakes) {
  std::string load = "hour,a,b,c\n";
  std::string pv = "hour,a\n";
  for (int hour = 0; hour < 24; ++hour) {
    load += std::to_string(hour) + ",0.5,0.7,0.3\n";
    pv += std::to_string(hour) + (hour > 8 && hour < 17 ? ",2.5\n" : ",0\n");
  }
  const ProfileImportOptions options = Files(load, pv);
  std::ostringstream report;
  const std::string path = MakeFeed("homes.pwfeed", FeedSource::kProfiles, [&](FeedWriter& feed) {
    return ImportProfiles(options, feed, report);
  });
  EXPECT_EQ(report.str(), "3 homes, 96 slots of 15 minutes: load 36000 Wh, PV 20000 Wh\n");
  FeedReplay replay(path);
  EXPECT_TRUE(replay.refused.empty());
  EXPECT_GT(replay.traded_wh, 0u);
}

TEST(RecordedProfiles, KeepTheirYearlyTotals) {
  const std::string folder = DataFolder("citylearn2022_17homes");
  if (folder.empty()) GTEST_SKIP() << "no data: PEERWATT_DATA has no citylearn2022_17homes";
  ProfileImportOptions options;
  options.load_csv = folder + "/load_kwh_hourly.csv.gz";
  options.pv_csv = folder + "/pv_kwh_hourly.csv.gz";
  const auto measured = ReadProfiles(options);
  ASSERT_TRUE(measured.ok()) << measured.status();
  ASSERT_EQ((*measured)->span().homes, 17u);
  ASSERT_EQ((*measured)->span().slots, 8'760u * 4);
  auto csv = CsvReader::Open(options.load_csv);
  ASSERT_TRUE(csv.ok());
  std::vector<std::int64_t> totals(17);  // Millionths of a watt-hour.
  while (*csv->NextRow()) {
    for (std::size_t home = 0; home < 17; ++home) totals[home] += *csv->Decimal(home + 1, 9);
  }
  for (std::size_t home = 0; home < 17; ++home) {
    std::int64_t sum = 0;
    for (const std::int64_t wh : Loads(**measured, home)) sum += wh;
    EXPECT_EQ(sum, totals[home] / 1'000'000) << home;
  }
}

TEST(RecordedProfiles, OfOneHomeAreReadFromOneFile) {
  const std::string folder = DataFolder("ausgrid_customer12");
  if (folder.empty()) GTEST_SKIP() << "no data: PEERWATT_DATA has no ausgrid_customer12";
  ProfileImportOptions options;
  options.load_csv = folder + "/ausgrid_c12_30min_2011-07_2012-06_kw.csv";
  options.pv_csv = options.load_csv;
  options.load_column = "GC";
  options.pv_column = "GG";
  options.unit = ProfileUnit::kKw;
  options.zone = "Australia/Brisbane";
  const auto measured = ReadProfiles(options);
  ASSERT_TRUE(measured.ok()) << measured.status();
  EXPECT_EQ((*measured)->span().slots, 17'568u * 2);
}

}  // namespace
}  // namespace tools
