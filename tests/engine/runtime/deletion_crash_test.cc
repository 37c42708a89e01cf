// While a follower removes segments the power goes or the disk fails: nothing is lost, and the next
// start comes to the same.
#include <cstdint>

#include <gtest/gtest.h>

#include "tests/engine/runtime/deletion_world.h"

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
  std::uint64_t changes = UINT64_MAX;
  std::uint64_t checked = 0;
  bool finished = false;
  for (std::uint64_t cut_from = 0; !finished; ++cut_from) {
    SCOPED_TRACE(cut_from);
    SimDisk disk(*world_.disk, PowerCut::kLosesUnsynced, 1);
    disk.CutFrom(cut_from);
    Follower follower(disk, Keeping(kKeepNs));
    const auto step = follower.Follow(go_on);
    finished = step.ok() && step->removed > 0;
    if (disk.changes() == changes) continue;  // It had only read on.
    changes = disk.changes();
    ++checked;
    for (const PowerCut cut :
         {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
      SimDisk after(disk, cut, cut_from);
      ExpectSameState(after, digest);
      Follower next(after, Keeping(kKeepNs));
      ASSERT_TRUE(next.Follow(go_on).ok());
      ExpectSameState(after, digest);
      if (HasFailure()) return;
    }
  }
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
