// After a crash, a failing disk or damage a store has what it says that it has, word for word, and
// a replay from what it covers makes it whole.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/told_stream.h"

namespace engine {
namespace {

// Some starts; in the last one the power is cut before operation `at`.
struct CutDay {
  CutDay(std::uint64_t seed, std::uint64_t at) : disk(seed), stream(seed) {
    for (int starts = 0; starts < 3; ++starts) {
      const auto store = OpenStore(disk);
      if (store == nullptr) return;
      stream.TellAgain(store->covered(), *store);
      if (starts == 2) disk.CutFrom(disk.operations() + at);
      for (int i = 0; i < 12; ++i) {
        stream.TellNext(40, *store);
        if (i % 4 == 3) store->Sync(1);
        synced = std::max(synced, store->synced());
      }
      was_cut = !store->status().ok();
    }
  }

  SimDisk disk;
  ToldStream stream;
  std::uint64_t synced = 0;
  bool was_cut = false;
};

TEST(EventStoreCrash, LosesNothingThatWasSyncedAndIsMadeWholeByAReplay) {
  for (std::uint64_t seed = 1; seed <= Repeats(kSanitized ? 2 : 4, 400); ++seed) {
    std::uint64_t at = 0;
    for (bool was_cut = true; was_cut; ++at) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(at));
      const CutDay day(seed, at);
      was_cut = day.was_cut;
      for (const PowerCut cut : {PowerCut::kLosesUnsynced, PowerCut::kMixesSectors}) {
        SimDisk after(day.disk, cut, seed * 1'000 + at);
        const auto store = OpenStore(after);
        ASSERT_NE(store, nullptr);
        ASSERT_GE(store->covered(), day.synced);
        ASSERT_TRUE(store->damaged().empty());
        day.stream.ExpectKept(*store, store->covered());
        day.stream.TellAgain(store->covered(), *store);
        day.stream.ExpectAllKept(*store);
        if (HasFailure()) return;
      }
    }
    EXPECT_GT(at, 20u);
  }
}

// Where a byte of a file is another, events are gone and none is told otherwise.
TEST(EventStoreCrash, TellsNothingThatWasDamaged) {
  SimDisk whole;
  ToldStream stream(5);
  for (int starts = 0; starts < 3; ++starts) {
    const auto store = OpenStore(whole);
    stream.TellNext(250, *store);
    store->Sync(1);
  }
  RandomSource random(9);
  std::size_t noticed = 0;
  const std::uint64_t flips = Repeats(kSanitized ? 60 : 400, 20'000);
  for (std::uint64_t i = 0; i < flips; ++i) {
    SimDisk disk(whole, PowerCut::kKeepsUnsynced, i);
    auto name = disk.names().begin();
    std::advance(name, random.Below(disk.names().size()));
    std::vector<std::byte>& bytes = disk.Bytes(name->first);
    const std::size_t place = random.Below(bytes.size());
    bytes[place] ^= static_cast<std::byte>(1 << random.Below(8));
    SCOPED_TRACE(name->first + " byte " + std::to_string(place));
    const auto store = OpenStore(disk);
    ASSERT_NE(store, nullptr);
    stream.ExpectKept(*store, 0);
    if (!store->damaged().empty()) {
      ++noticed;
      ASSERT_TRUE(store->Clear().ok());
    }
    stream.TellAgain(store->covered(), *store);
    stream.ExpectAllKept(*store);
    if (HasFailure()) return;
  }
  EXPECT_GT(noticed, flips / 4);
}

// A block that rots while it lies there is an error and not another event.
TEST(EventStoreCrash, ReadsNoBlockThatHasRotted) {
  SimDisk disk;
  ToldStream stream(6);
  const auto store = OpenStore(disk);
  stream.TellNext(200, *store);
  for (const auto& [path, content] : disk.names()) {
    for (std::size_t at = sizeof(OutboxFileHeader); at < content->now.size(); at += 512) {
      disk.Bytes(path)[at] ^= std::byte{1};
    }
  }
  Event event;
  EXPECT_TRUE(absl::IsDataLoss(store->Read(CredentialId{1}, 1, {&event, 1}).status()));
}

}  // namespace
}  // namespace engine
