// The first operation of a small day's disk fails, then the second, until a day finishes untouched.
#include <cerrno>
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

using Kind = DiskFault::Kind;

// A day on a disk with a fault, as far as it came.
struct DisturbedDay {
  DisturbedDay(const std::string& data, const DiskFault& fault, std::uint64_t cut_from = UINT64_MAX)
      : disk(fault.at) {
    disk.SetFault(fault);
    disk.CutFrom(cut_from);
    SimOptions options = SmallDayOptions();
    options.space_returns = fault.kind == Kind::kIsFull;
    SimProcess process(disk, data, clock, homes, options);
    SmallDay(process, clock).Run();
    died = process.status();
    part = process.part();
    clock_ns = clock.NowNs();
  }

  SimDisk disk;
  ManualClock clock{ExchangeDriver::MinuteNs(kDayBegins)};
  Homes homes;
  absl::Status died;  // OK: it came to its end.
  SimProcess::Part part{};
  std::int64_t clock_ns = 0;
};

// Only what makes the next segment may fail, and the process goes on; and without its outbox.
bool IsPreparing(const FailedCall& failed) {
  if (failed.path.find(kOutboxPrefix) != std::string::npos) return true;
  return failed.path.ends_with(kUnfinishedSuffix) || failed.call == DiskCall::kFreeBytes ||
         (failed.call == DiskCall::kSyncFolder && failed.path.ends_with("/shard-0"));
}

class FailingDisk : public testing::Test {
 protected:
  FailingDisk() {
    const DisturbedDay day(data_, {});
    EXPECT_TRUE(day.died.ok()) << day.died;
    operations_ = day.disk.operations();
    SimDisk disk(day.disk, PowerCut::kLosesUnsynced, 1);
    undisturbed_ = std::make_unique<UndisturbedDay>(disk, data_, day.homes.told);
    EXPECT_GT(undisturbed_->told.answers(), 30u);
    EXPECT_GT(undisturbed_->told.numbered(), 10u);
    EXPECT_GT(disk.names().size(), 8u);  // Segments were changed.
  }

  // Ensures: false when the fault was never met.
  bool Disturb(const DiskFault& fault) {
    SCOPED_TRACE(testing::Message() << "fault " << static_cast<int>(fault.kind) << ", error "
                                    << fault.error << ", operation " << fault.at);
    DisturbedDay day(data_, fault);
    const bool met = !day.disk.failed().empty();
    SCOPED_TRACE(met ? day.disk.failed().front().path : "untouched");
    if (day.died.ok()) {
      ExpectWholeDay(fault, day);
    } else {
      ExpectRightToStop(fault, day);
    }
    ExpectNothingLost(day);
    return met;
  }
  void DisturbAll(Kind kind, int error) {
    constexpr std::uint64_t kStep = kSanitized ? 7 : 1;
    for (std::uint64_t at = 0; Disturb({.kind = kind, .at = at, .error = error}); at += kStep) {
      ASSERT_LE(at, operations_);
      if (HasFailure()) return;
    }
  }

  // Each recovery from `torn` fails at another operation, once or for ever after.
  void DisturbRecoveries(const DisturbedDay& day, const SimDisk& torn) {
    bool met = true;
    for (std::uint64_t at = 0; met && !HasFailure(); ++at) {
      SCOPED_TRACE(testing::Message() << "operation " << at << " of the recovery");
      SimDisk disk(torn, PowerCut::kKeepsUnsynced, at);
      disk.SetFault({.kind = at % 2 == 0 ? Kind::kFailsOnce : Kind::kFailsForEver, .at = at});
      Homes homes = day.homes;
      ManualClock clock(day.clock_ns);
      {
        SimProcess process(disk, data_, clock, homes, SmallDayOptions());
        process.Start();
        met = !disk.failed().empty();
        // A start goes on where only its outbox cannot be written.
        const bool goes_on =
            met && disk.failed().front().path.find(kOutboxPrefix) != std::string::npos;
        EXPECT_TRUE(goes_on || process.status().ok() != met);
      }
      SimDisk after(disk, PowerCut::kMixesSectors, at);
      undisturbed_->ExpectBeginningOn(after, data_, homes, day.clock_ns);
      disk.Heal();
      undisturbed_->ExpectBeginningOn(disk, data_, homes, day.clock_ns);
    }
  }

  const TemporaryFolder folder_;
  const std::string data_ = folder_.path() + "/data";
  std::uint64_t operations_ = 0;
  std::unique_ptr<UndisturbedDay> undisturbed_;

 private:
  void ExpectWholeDay(const DiskFault& fault, const DisturbedDay& day) {
    for (const FailedCall& failed : day.disk.failed()) EXPECT_TRUE(IsPreparing(failed));
    // Without space no more orders are taken.
    const bool takes_no_more = fault.kind == Kind::kFailsForEver && fault.error == ENOSPC;
    if (!takes_no_more) undisturbed_->told.ExpectPartOf(day.homes.told);
  }
  static void ExpectRightToStop(const DiskFault& fault, const DisturbedDay& day) {
    ASSERT_FALSE(day.disk.failed().empty()) << day.died;
    const bool is_survivable =
        fault.kind == Kind::kIsFull || (fault.kind == Kind::kFailsOnce && fault.error == ENOSPC &&
                                        IsPreparing(day.disk.failed().front()));
    EXPECT_FALSE(is_survivable && day.part == SimProcess::Part::kRunning) << day.died;
  }
  // The process is started again on the same machine, or after the machine lost its power.
  void ExpectNothingLost(DisturbedDay& day) {
    day.homes.told.ExpectPartOf(undisturbed_->told);
    for (const PowerCut cut : {PowerCut::kLosesUnsynced, PowerCut::kMixesSectors}) {
      SCOPED_TRACE(testing::Message() << "cut " << static_cast<int>(cut));
      SimDisk after(day.disk, cut, day.disk.operations());
      undisturbed_->ExpectBeginningOn(after, data_, day.homes, day.clock_ns);
    }
    SCOPED_TRACE("without a cut");
    day.disk.Heal();
    undisturbed_->ExpectBeginningOn(day.disk, data_, day.homes, day.clock_ns);
  }
};

TEST_F(FailingDisk, ThatFailsOnceLosesNothingThatWasTold) { DisturbAll(Kind::kFailsOnce, EIO); }

TEST_F(FailingDisk, ThatFailsForEverLosesNothingThatWasTold) {
  DisturbAll(Kind::kFailsForEver, EIO);
}

TEST_F(FailingDisk, ThatIsInterruptedLosesNothingThatWasTold) {
  DisturbAll(Kind::kFailsOnce, EINTR);
}

TEST_F(FailingDisk, ThatIsFullOnceStopsOnlyWhatIsNotThePreparingOfASegment) {
  DisturbAll(Kind::kFailsOnce, ENOSPC);
}

TEST_F(FailingDisk, ThatHasNoSpaceForEverLosesNothingThatWasTold) {
  DisturbAll(Kind::kFailsForEver, ENOSPC);
}

TEST_F(FailingDisk, ThatGetsSpaceAgainLetsTheDayGoOnToItsEnd) { DisturbAll(Kind::kIsFull, ENOSPC); }

// The machine loses its power, then the recovery's operations fail one by one.
TEST_F(FailingDisk, MayFailInTheRecoveryFromAPowerCut) {
  const std::uint64_t cuts = Repeats(kSanitized ? 2 : 12, 100);
  for (std::uint64_t i = 0; i < cuts && !HasFailure(); ++i) {
    const DisturbedDay day(data_, {}, operations_ * (i + 1) / (cuts + 1));
    ASSERT_FALSE(day.died.ok());
    if (day.part == SimProcess::Part::kInitialising) continue;
    const SimDisk torn(day.disk, PowerCut::kMixesSectors, i);
    DisturbRecoveries(day, torn);
  }
}

}  // namespace
}  // namespace engine
