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

constexpr std::int64_t kTenMinutesNs = std::int64_t{600} * 1'000'000'000;

// A day on a disk with a fault, as far as it came.
struct DisturbedDay {
  DisturbedDay(const std::string& data, const DiskFault& fault, std::int64_t keep_ns = 0,
               std::uint64_t cut_from = UINT64_MAX)
      : disk(fault.at) {
    disk.SetFault(fault);
    disk.CutFrom(cut_from);
    SimOptions options = SmallDayOptions();
    options.space_returns = fault.kind == Kind::kIsFull;
    options.keep_ns = keep_ns;
    options.archive = &archive;
    SimProcess process(disk, data, clock, homes, options);
    SmallDay(process, clock).Run();
    died = process.status();
    part = process.part();
    clock_ns = clock.NowNs();
  }

  SimDisk disk;
  ManualClock clock{ExchangeDriver::MinuteNs(kDayBegins)};
  Homes homes;
  Archive archive;
  absl::Status died;  // OK: it came to its end.
  SimProcess::Part part{};
  std::int64_t clock_ns = 0;
};

// Without what a follower reads and writes the process goes on too; and a start without a snapshot.
bool IsOfAFollower(const FailedCall& failed) {
  const bool is_snapshot = failed.path.find(kSnapshotPrefix) != std::string::npos;
  const bool looks = failed.call == DiskCall::kOpen || failed.call == DiskCall::kRead ||
                     failed.call == DiskCall::kSize || failed.call == DiskCall::kList ||
                     failed.call == DiskCall::kLock || failed.call == DiskCall::kRemove;
  return is_snapshot || looks;
}

// Only what makes the next segment may fail, and the process goes on; and without its outbox. A
// start that cannot name its spare again is tried again.
bool IsPreparing(const FailedCall& failed) {
  if (failed.path.find(kOutboxPrefix) != std::string::npos) return true;
  if (failed.call == DiskCall::kRename && failed.path.ends_with(".seg")) return true;
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
    DisturbedDay day(data_, fault, keep_ns_);
    removed_ += day.archive.size();
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
    // With a follower a day has ten times as many.
    const std::uint64_t step =
        keep_ns_ == 0 ? (kSanitized ? 7 : 1) : Repeats(kSanitized ? 53 : 7, 1);
    for (std::uint64_t at = 0; Disturb({.kind = kind, .at = at, .error = error}); at += step) {
      ASSERT_LE(at, keep_ns_ == 0 ? operations_ : 20 * operations_);
      if (HasFailure()) return;
    }
  }

  void DisturbRecoveriesOfADay(std::uint64_t cuts) {
    const std::uint64_t operations = DisturbedDay(data_, {}, keep_ns_).disk.operations();
    for (std::uint64_t i = 0; i < cuts && !HasFailure(); ++i) {
      const DisturbedDay day(data_, {}, keep_ns_, operations * (i + 1) / (cuts + 1));
      ASSERT_FALSE(day.died.ok());
      if (day.part == SimProcess::Part::kInitialising) continue;
      const SimDisk torn(day.disk, PowerCut::kMixesSectors, i);
      DisturbRecoveries(day, torn);
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
      Archive archive = day.archive;
      ManualClock clock(day.clock_ns);
      {
        SimOptions options = SmallDayOptions();
        options.keep_ns = keep_ns_;
        options.archive = &archive;
        SimProcess process(disk, data_, clock, homes, options);
        process.Start();
        met = !disk.failed().empty();
        // A start goes on where only its outbox cannot be written, or a snapshot not be read.
        const bool goes_on =
            met &&
            (keep_ns_ > 0 || disk.failed().front().path.find(kOutboxPrefix) != std::string::npos);
        EXPECT_TRUE(goes_on || process.status().ok() != met);
      }
      SimDisk after(disk, PowerCut::kMixesSectors, at);
      undisturbed_->ExpectBeginningOn(after, data_, homes, day.clock_ns, &archive);
      disk.Heal();
      undisturbed_->ExpectBeginningOn(disk, data_, homes, day.clock_ns, &archive);
    }
  }

  const TemporaryFolder folder_;
  const std::string data_ = folder_.path() + "/data";
  std::int64_t keep_ns_ = 0;  // Of the days that are disturbed.
  std::uint64_t removed_ = 0;
  std::uint64_t operations_ = 0;
  std::unique_ptr<UndisturbedDay> undisturbed_;

 private:
  void ExpectWholeDay(const DiskFault& fault, const DisturbedDay& day) {
    for (const FailedCall& failed : day.disk.failed()) {
      EXPECT_TRUE(IsPreparing(failed) || (keep_ns_ > 0 && IsOfAFollower(failed))) << failed.path;
    }
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
      undisturbed_->ExpectBeginningOn(after, data_, day.homes, day.clock_ns, &day.archive);
    }
    SCOPED_TRACE("without a cut");
    day.disk.Heal();
    undisturbed_->ExpectBeginningOn(day.disk, data_, day.homes, day.clock_ns, &day.archive);
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
  DisturbRecoveriesOfADay(Repeats(kSanitized ? 2 : 12, 100));
}

TEST_F(FailingDisk, ThatFailsOnceLosesNothingWhereOldSegmentsGo) {
  keep_ns_ = kTenMinutesNs;
  DisturbAll(Kind::kFailsOnce, EIO);
  EXPECT_GT(removed_, kSanitized ? 10u : 100u);
}

TEST_F(FailingDisk, ThatFailsForEverLosesNothingWhereOldSegmentsGo) {
  keep_ns_ = kTenMinutesNs;
  DisturbAll(Kind::kFailsForEver, EIO);
  EXPECT_GT(removed_, kSanitized ? 10u : 100u);
}

TEST_F(FailingDisk, MayFailInTheRecoveryFromAPowerCutWhereOldSegmentsGo) {
  keep_ns_ = kTenMinutesNs;
  DisturbRecoveriesOfADay(Repeats(kSanitized ? 2 : 12, 100));
}

}  // namespace
}  // namespace engine
