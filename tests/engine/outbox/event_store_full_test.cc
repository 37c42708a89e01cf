// A store whose disk is full: it holds what it cannot write, tells it, and writes it once there is
// space.
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "engine/outbox/event_store.h"
#include "tests/support/told_stream.h"

namespace engine {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

void Fill(SimDisk& disk) {
  disk.SetFault({.kind = DiskFault::Kind::kIsFull, .at = disk.operations()});
}
void IsFullOnce(SimDisk& disk, std::uint64_t operation) {
  disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = operation, .error = ENOSPC});
}

EventStoreOptions HoldsNothing() {
  EventStoreOptions options = SmallStore();
  options.held_bytes_max = 0;
  return options;
}

// As it is found after its power was cut.
void ExpectOnDisk(const SimDisk& disk, const ToldStream& stream) {
  SimDisk after(disk, PowerCut::kLosesUnsynced, 1);
  const auto store = OpenStore(after);
  EXPECT_TRUE(store->damaged().empty());
  EXPECT_EQ(store->covered(), stream.sequence());
  stream.ExpectAllKept(*store);
}

TEST(FullEventStore, TellsWhatItHoldsAndWritesItOnceThereIsSpace) {
  SimDisk disk;
  ToldStream stream(1);
  const auto store = OpenStore(disk);
  stream.TellNext(700, *store);
  store->Sync(1);
  const std::uint64_t synced = store->synced();
  Fill(disk);
  for (int i = 0; i < 5; ++i) {
    stream.TellNext(300, *store);
    store->Sync(static_cast<std::int64_t>(stream.sequence()));
    EXPECT_TRUE(absl::IsResourceExhausted(store->space())) << store->space();
    EXPECT_EQ(store->synced(), synced);
    stream.ExpectAllKept(*store);
  }
  disk.Heal();
  store->Write(2 * kSecondNs);
  EXPECT_TRUE(store->space().ok()) << store->space();
  EXPECT_TRUE(store->status().ok()) << store->status();
  stream.ExpectAllKept(*store);
  store->Sync(2 * kSecondNs);
  EXPECT_EQ(store->synced(), stream.sequence());
  ExpectOnDisk(disk, stream);
}

TEST(FullEventStore, TriesAgainOnceASecond) {
  SimDisk disk;
  ToldStream stream(2);
  const auto store = OpenStore(disk);
  stream.TellNext(20, *store);
  Fill(disk);
  stream.TellNext(1, *store);
  while (store->space().ok()) stream.TellNext(1, *store);
  const std::int64_t tried_ns = static_cast<std::int64_t>(stream.sequence());
  const std::uint64_t operations = disk.operations();
  stream.TellNext(100, *store);
  store->Write(tried_ns + kSecondNs - 1);
  EXPECT_EQ(disk.operations(), operations);
  store->Write(tried_ns + kSecondNs);
  EXPECT_EQ(disk.operations(), operations + 1);
  store->Write(tried_ns);  // The clock may have gone back by any time.
  EXPECT_EQ(disk.operations(), operations + 2);
}

// The first file, and one behind a full one.
TEST(FullEventStore, BeginsAFileOnceThereIsSpace) {
  SimDisk disk;
  ToldStream stream(3);
  Fill(disk);
  {
    const auto store = OpenStore(disk);
    EXPECT_TRUE(store->Begin().ok());
    EXPECT_TRUE(absl::IsResourceExhausted(store->space())) << store->space();
    stream.TellNext(2'000, *store);
    EXPECT_TRUE(store->GoOn().ok());
    store->Sync(1);
    EXPECT_EQ(store->synced(), 0u);
    stream.ExpectAllKept(*store);
    disk.Heal();
    store->Write(2 * kSecondNs);
    EXPECT_GT(disk.names().size(), 2u);
    store->Sync(2 * kSecondNs);
  }
  ExpectOnDisk(disk, stream);
}

// With a disk that says so at every operation in turn, once or until there is space. Only a sync is
// not tried again.
TEST(FullEventStore, LosesNothingWhereverTheDiskWasFull) {
  for (const bool once : {true, false}) {
    std::uint64_t held = 0;
    for (std::uint64_t at = 0; at < 60; ++at) {
      SCOPED_TRACE((once ? "once, operation " : "operation ") + std::to_string(at));
      SimDisk disk(at);
      ToldStream stream(4);
      const auto store = OpenStore(disk);
      if (once) {
        IsFullOnce(disk, disk.operations() + at);
      } else {
        disk.SetFault({.kind = DiskFault::Kind::kIsFull, .at = disk.operations() + at});
      }
      if (!store->Begin().ok()) {
        ASSERT_EQ(disk.failed().back().call, DiskCall::kSyncFolder);
        continue;
      }
      for (int i = 0; i < 6; ++i) {
        stream.TellNext(100, *store);
        if (i % 3 == 2) store->Sync(static_cast<std::int64_t>(stream.sequence()));
        if (!once && store->status().ok()) stream.ExpectAllKept(*store);
      }
      held += store->space().ok() ? 0 : 1;
      disk.Heal();
      store->Write(2 * kSecondNs);
      store->Sync(2 * kSecondNs);
      const DiskCall failed = disk.failed().empty() ? DiskCall::kList : disk.failed().back().call;
      const bool no_sync = failed != DiskCall::kSync && failed != DiskCall::kSyncFolder;
      ASSERT_EQ(store->status().ok(), no_sync) << store->status();
      if (no_sync) ExpectOnDisk(disk, stream);
      SimDisk after(disk, PowerCut::kMixesSectors, at);
      const auto again = OpenStore(after);
      ASSERT_GE(again->covered(), store->synced());
      stream.TellAgain(again->covered(), *again);
      stream.ExpectAllKept(*again);
      if (HasFailure()) return;
    }
    EXPECT_GT(held, 10u);
  }
}

// While it holds something, and at every operation on the way back.
TEST(FullEventStore, LosesNothingThatWasSyncedToACrash) {
  for (std::uint64_t at = 0; at < 40; ++at) {
    SCOPED_TRACE("operation " + std::to_string(at));
    SimDisk disk(at);
    ToldStream stream(5);
    const auto store = OpenStore(disk);
    stream.TellNext(100 + at, *store);
    store->Sync(1);
    Fill(disk);
    stream.TellNext(1'200, *store);
    disk.Heal();
    disk.CutFrom(disk.operations() + at);
    store->Write(2 * kSecondNs);
    store->Sync(2 * kSecondNs);
    for (const PowerCut cut :
         {PowerCut::kLosesUnsynced, PowerCut::kKeepsUnsynced, PowerCut::kMixesSectors}) {
      SimDisk after(disk, cut, at);
      const auto again = OpenStore(after);
      ASSERT_TRUE(again->damaged().empty());
      ASSERT_GE(again->covered(), store->synced());
      stream.ExpectKept(*again, again->covered());
      stream.TellAgain(again->covered(), *again);
      stream.ExpectAllKept(*again);
    }
    if (HasFailure()) return;
  }
}

TEST(FullEventStore, MakesRoomOfItsOldestWhereItMayHoldNoMore) {
  SimDisk disk;
  ToldStream stream(8);
  const auto store = OpenStore(disk, HoldsNothing());
  stream.TellNext(2'000, *store);
  const std::size_t files = disk.names().size();
  for (std::size_t removed = 1; removed <= 2; ++removed) {
    IsFullOnce(disk, disk.operations());
    stream.TellNext(10, *store);
    ASSERT_TRUE(store->status().ok()) << store->status();
    EXPECT_EQ(disk.names().size(), files - removed);
    EXPECT_GT(store->KeptOf(CredentialId{1}).first, 1u);
    stream.ExpectKept(*store, stream.sequence());
  }
}

// Of the only file too: what comes is worth more than what was.
TEST(FullEventStore, BeginsAnewWhereItsOnlyFileFillsTheDisk) {
  SimDisk disk;
  ToldStream stream(11);
  const auto store = OpenStore(disk, HoldsNothing());
  stream.TellNext(20, *store);
  ASSERT_EQ(disk.names().size(), 1u);
  IsFullOnce(disk, disk.operations());
  stream.TellNext(20, *store);
  ASSERT_TRUE(store->status().ok()) << store->status();
  EXPECT_GT(store->KeptOf(CredentialId{1}).first, 1u);
  stream.ExpectKept(*store, stream.sequence());
}

// Which tells why, and the next start makes again what is missing.
TEST(FullEventStore, KeepsNothingMoreWhereItMayHoldNoMoreAndNothingMakesRoom) {
  SimDisk disk;
  ToldStream stream(15);
  EventStoreOptions options = SmallStore();
  options.held_bytes_max = kEventBlockBytesMax;
  {
    const auto store = OpenStore(disk, options);
    Fill(disk);
    EXPECT_TRUE(store->Begin().ok());
    stream.TellNext(100, *store);
    stream.ExpectAllKept(*store);
    stream.TellNext(1'000, *store);
    EXPECT_TRUE(absl::IsResourceExhausted(store->status())) << store->status();
    EXPECT_TRUE(store->GoOn().ok());
    disk.Heal();
    store->Sync(2 * kSecondNs);
    EXPECT_EQ(store->synced(), 0u);
  }
  const auto again = OpenStore(disk, options);
  EXPECT_EQ(again->covered(), 0u);
  stream.TellAgain(0, *again);
  stream.ExpectAllKept(*again);
}

TEST(FullEventStore, LetsGoOfWhatItHoldsWhereItBeginsAnew) {
  SimDisk disk;
  ToldStream wrong(16);
  const auto store = OpenStore(disk);
  Fill(disk);
  wrong.TellNext(300, *store);
  ASSERT_TRUE(store->Clear().ok());
  disk.Heal();
  ToldStream right(17);
  right.TellNext(900, *store);
  right.ExpectAllKept(*store);
  store->Sync(2 * kSecondNs);
  ExpectOnDisk(disk, right);
}

}  // namespace
}  // namespace engine
