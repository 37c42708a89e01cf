// While a follower removes segments the power goes or the disk fails: nothing is lost, and the next
// start comes to the same.
#include <cstdint>

#include <gtest/gtest.h>

#include "tests/engine/runtime/deletion_world.h"
#include "tests/support/cut_everywhere.h"

namespace engine {
namespace {

using DeletionCrash = Deletion;

// Whatever operation of a follower is the last one before the power goes, and also where one fails.
TEST_F(DeletionCrash, LosesNothingWhereverAPowerCutMeetsIt) {
  NextStart(Keeping(kKeepNs));
  NextStart(Keeping(kKeepNs));
  Trade();
  Restart();
  const DigestBytes digest = Digest();
  const auto remove = [](Disk& disk) {
    Follower follower(disk, Keeping(kKeepNs));
    const auto step = follower.Follow(go_on);
    return step.ok() && step->removed > 0;
  };
  const auto expect_all = [&](SimDisk& after, bool) {
    ExpectSameState(after, digest);
    Follower next(after, Keeping(kKeepNs));
    ASSERT_TRUE(next.Follow(go_on).ok());
    ExpectSameState(after, digest);
  };
  const std::uint64_t checked = CutEverywhere(*world_.disk, remove, expect_all);
  EXPECT_GE(checked, 15u);  // Of the snapshot, then of the mark, the segment and the folder.
}

TEST_F(DeletionCrash, LosesNothingWhateverOperationFails) {
  NextStart(Keeping(kKeepNs));
  NextStart(Keeping(kKeepNs));
  Trade();
  Restart();
  const DigestBytes digest = Digest();
  std::uint64_t failures = 0;
  bool met = true;
  for (std::uint64_t at = 0; met; ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(*world_.disk, PowerCut::kLosesUnsynced, at);
    disk.SetFault(
        {.kind = at % 2 == 0 ? DiskFault::Kind::kFailsOnce : DiskFault::Kind::kFailsForEver,
         .at = at});
    Follower follower(disk, Keeping(kKeepNs));
    for (int steps = 0; steps < 3; ++steps) {
      const auto step = follower.Follow(go_on);
      failures += step.ok() && !step->removal_status.ok() ? 1 : 0;
    }
    met = !disk.failed().empty();
    for (const PowerCut cut :
         {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
      SimDisk after(disk, cut, at);
      ExpectSameState(after, digest);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(failures, 10u);
}

}  // namespace
}  // namespace engine
