// A power cut at each operation of something, the first, the second and so on.
#pragma once

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/support/sim_disk.h"

namespace engine {

// Runs act(disk) on copies of what is on disk in `before`, each with the cut one operation later,
// until act says that it came to its end. Wherever it had changed something more check(after,
// finished) gets what each kind of cut leaves. Ensures: how often that was so.
template <typename Act, typename Check>
std::uint64_t CutEverywhere(const SimDisk& before, Act act, Check check) {
  std::uint64_t changes = UINT64_MAX;
  std::uint64_t checked = 0;
  bool finished = false;
  for (std::uint64_t cut_from = 0; !finished && !testing::Test::HasFailure(); ++cut_from) {
    SCOPED_TRACE(cut_from);
    SimDisk disk(before, PowerCut::kLosesUnsynced, 1);
    disk.CutFrom(cut_from);
    finished = act(disk);
    if (disk.changes() == changes && !finished) continue;  // It had only read on.
    changes = disk.changes();
    ++checked;
    for (const PowerCut cut :
         {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
      SimDisk after(disk, cut, cut_from);
      check(after, finished);
    }
  }
  return checked;
}

}  // namespace engine
