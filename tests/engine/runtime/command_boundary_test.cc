// The machine loses its power after each command and each turn of a small day.
#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/engine/runtime/sim_recovery.h"
#include "tests/engine/runtime/small_day.h"
#include "tests/support/journal_folder.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

class CommandBoundary : public testing::Test {
 protected:
  CommandBoundary() {
    SimDisk disk;
    ManualClock clock(ExchangeDriver::MinuteNs(kDayBegins));
    Homes homes;
    SimProcess process(disk, data_, clock, homes, SmallDayOptions());
    SmallDay(process, clock).Run();
    EXPECT_TRUE(process.status().ok()) << process.status();
    SimDisk after(disk, PowerCut::kLosesUnsynced, 1);
    undisturbed_ = std::make_unique<UndisturbedDay>(after, data_, homes.told);
  }

  // The same day, cut at each boundary: it goes on as if nothing had been.
  std::uint64_t CutEverywhere(PowerCut cut, WriterWay way, std::int64_t keep_ns = 0) {
    SimDisk disk;
    ManualClock clock(ExchangeDriver::MinuteNs(kDayBegins));
    Homes homes;
    SimOptions options = SmallDayOptions();
    options.way = way;
    options.keep_ns = keep_ns;
    options.archive = &archive_;
    SimProcess process(disk, data_, clock, homes, options);
    std::uint64_t boundary = 0;
    process.on_boundary = [&] {
      const bool skips = kSanitized && boundary % 5 != 0;
      if (++boundary; skips || HasFailure()) return;
      SCOPED_TRACE(testing::Message() << "boundary " << boundary);
      SimDisk after(disk, cut, boundary);
      undisturbed_->ExpectBeginningOn(after, data_, homes, clock.NowNs(), &archive_);
    };
    SmallDay(process, clock).Run();
    EXPECT_TRUE(process.status().ok()) << process.status();
    return boundary;
  }

  const TemporaryFolder folder_;
  const std::string data_ = folder_.path() + "/data";
  Archive archive_;
  std::unique_ptr<UndisturbedDay> undisturbed_;
};

TEST_F(CommandBoundary, WhatWasAnsweredIsAnsweredTheSameThoughUnsyncedSectorsAreLost) {
  EXPECT_GT(CutEverywhere(PowerCut::kLosesUnsynced, WriterWay::kDirect), 200u);
}

TEST_F(CommandBoundary, WhatWasAnsweredIsAnsweredTheSameThoughUnsyncedSectorsSurvive) {
  EXPECT_GT(CutEverywhere(PowerCut::kKeepsUnsynced, WriterWay::kDirect), 200u);
}

TEST_F(CommandBoundary, WhatWasAnsweredIsAnsweredTheSameThoughSomeSectorsAreLost) {
  EXPECT_GT(CutEverywhere(PowerCut::kMixesSectors, WriterWay::kDirect), 200u);
}

TEST_F(CommandBoundary, WhatWasAnsweredIsAnsweredTheSameWhereWritesGoThroughACache) {
  EXPECT_GT(CutEverywhere(PowerCut::kMixesSectors, WriterWay::kCached), 200u);
}

TEST_F(CommandBoundary, WhatWasAnsweredIsAnsweredTheSameWhereOldSegmentsGo) {
  constexpr std::int64_t kTenMinutesNs = std::int64_t{600} * 1'000'000'000;
  EXPECT_GT(CutEverywhere(PowerCut::kMixesSectors, WriterWay::kDirect, kTenMinutesNs), 200u);
  EXPECT_GT(archive_.size(), 2u);
}

}  // namespace
}  // namespace engine
