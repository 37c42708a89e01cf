#include "engine/outbox/event_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/told_stream.h"

namespace engine {
namespace {

using testing::HasSubstr;

std::size_t FilesOn(const SimDisk& disk) { return disk.names().size(); }

TEST(EventStore, TellsAgainWhatItWasTold) {
  SimDisk disk;
  const auto store = OpenStore(disk);
  ToldStream stream(1);
  for (int i = 0; i < 20; ++i) {
    stream.TellNext(100, *store);
    stream.ExpectAllKept(*store);
  }
  EXPECT_GT(FilesOn(disk), 3u);
  EXPECT_EQ(store->covered(), stream.sequence());
}

TEST(EventStore, HasAllOfItAfterAStartToo) {
  SimDisk disk;
  ToldStream stream(2);
  for (int starts = 0; starts < 5; ++starts) {
    const auto store = OpenStore(disk);
    if (starts > 0) stream.ExpectAllKept(*store);
    stream.TellNext(700, *store);
    store->Sync(1);
    EXPECT_EQ(store->synced(), stream.sequence());
  }
  const auto store = OpenStore(disk);
  stream.ExpectAllKept(*store);
  EXPECT_EQ(store->covered(), stream.sequence());
  EXPECT_TRUE(store->damaged().empty());
}

TEST(EventStore, KeepsNothingTwiceThatAReplayTellsAgain) {
  SimDisk disk;
  ToldStream stream(3);
  stream.TellNext(500, *OpenStore(disk));
  const auto store = OpenStore(disk);
  const std::uint64_t bytes = store->bytes();
  stream.TellAgain(store->covered() / 2, *store);
  EXPECT_EQ(store->bytes(), bytes);
  stream.TellNext(500, *store);
  stream.ExpectAllKept(*store);
}

TEST(EventStore, StartsThatWriteNothingAddNoFile) {
  SimDisk disk;
  ToldStream stream(4);
  stream.TellNext(10, *OpenStore(disk));
  OpenStore(disk);
  const std::size_t files = FilesOn(disk);
  for (int i = 0; i < 3; ++i) OpenStore(disk);
  EXPECT_EQ(FilesOn(disk), files);
  stream.ExpectAllKept(*OpenStore(disk));
}

TEST(EventStore, LetsTheOldestGoWhereThereIsTooMuch) {
  SimDisk disk;
  EventStoreOptions options = SmallStore();
  options.bytes_max = 5 * options.file_bytes;
  ToldStream stream(5);
  const auto store = OpenStore(disk, options);
  stream.TellNext(4'000, *store);
  EXPECT_LE(store->bytes(), options.bytes_max);
  EXPECT_GT(store->bytes(), options.bytes_max / 2);
  stream.ExpectKept(*store, stream.sequence());
  for (const auto& [credential, events] : stream.told()) {
    EXPECT_GT(store->KeptOf(credential).first, 1u);
  }
  stream.ExpectKept(*OpenStore(disk, options), stream.sequence());
}

TEST(EventStore, LetsTheOldGo) {
  SimDisk disk;
  EventStoreOptions options = SmallStore();
  options.keep_ns = 1'000;
  ToldStream stream(6);
  const auto store = OpenStore(disk, options);
  stream.TellNext(3'000, *store);
  stream.ExpectKept(*store, stream.sequence());
  const std::uint64_t bytes = store->bytes();
  store->Write(1'000'000);
  EXPECT_LT(store->bytes(), bytes);
  EXPECT_EQ(store->KeptOf(CredentialId{1}).next, stream.told().at(CredentialId{1}).size() + 1);
}

TEST(EventStore, KnowsNothingOfACredentialThatHasHeardNothing) {
  SimDisk disk;
  const auto store = OpenStore(disk);
  EXPECT_EQ(store->KeptOf(CredentialId{5}).next, 0u);
}

// Behind a hole only what comes after it is kept: a client would not know that something is
// missing.
TEST(EventStore, KeepsNothingBeforeAHole) {
  SimDisk disk;
  ToldStream stream(7);
  const auto store = OpenStore(disk);
  stream.TellNext(100, *store);
  Event event = stream.told().at(CredentialId{1}).back();
  event.event_number += 2;
  store->Add(event, 1);
  store->Write(1);
  EXPECT_EQ(store->KeptOf(CredentialId{1}).first, event.event_number);
  EXPECT_EQ(store->KeptOf(CredentialId{1}).next, event.event_number + 1);
  const auto again = OpenStore(disk);
  EXPECT_EQ(again->KeptOf(CredentialId{1}).first, event.event_number);
}

// What fails otherwise may have taken more than the outbox.
TEST(EventStore, IsRefusedWhereItsFirstFileCannotBeMadeForAnotherReason) {
  for (std::uint64_t step = 0; step < 3; ++step) {  // Create, write, sync the folder.
    SimDisk disk;
    const auto store = OpenStore(disk);
    disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = disk.operations() + step});
    EXPECT_FALSE(store->Begin().ok());
  }
  SimDisk disk;
  const auto store = OpenStore(disk);
  disk.SetFault(
      {.kind = DiskFault::Kind::kFailsOnce, .at = disk.operations() + 2, .error = ENOSPC});
  EXPECT_FALSE(store->Begin().ok()) << "the folder";
}

TEST(EventStore, LetsTheOldGoThatAReplayTells) {
  SimDisk disk;
  EventStoreOptions options = SmallStore();
  options.bytes_max = 3 * options.file_bytes;
  ToldStream stream(12);
  for (int i = 0; i < 4'000; ++i) stream.NextCommand();
  const auto store = OpenStore(disk, options);
  for (const auto& [credential, events] : stream.told()) {
    for (const Event& event : events) store->Add(event, 1);
    EXPECT_LE(store->bytes(), options.bytes_max + options.file_bytes);
  }
}

TEST(EventStore, ClearedItTakesOtherEventsUnderTheSameNumbers) {
  SimDisk disk;
  ToldStream wrong(13);
  const auto store = OpenStore(disk);
  wrong.TellNext(900, *store);
  ASSERT_TRUE(store->Clear().ok());
  EXPECT_EQ(store->covered(), 0u);
  ToldStream right(14);
  right.TellNext(900, *store);
  right.ExpectAllKept(*store);
  right.ExpectAllKept(*OpenStore(disk));
}

TEST(EventStore, KeepsNothingMoreOnceSomethingCannotBeWritten) {
  SimDisk disk;
  ToldStream stream(9);
  const auto store = OpenStore(disk);
  stream.TellNext(200, *store);
  store->Sync(1);
  const std::uint64_t synced = store->synced();
  disk.SetFault({.kind = DiskFault::Kind::kFailsForEver, .at = disk.operations(), .error = EIO});
  stream.TellNext(200, *store);
  store->Sync(1);
  EXPECT_FALSE(store->status().ok());
  EXPECT_EQ(store->synced(), synced);
  disk.Heal();
  stream.TellNext(200, *store);
  EXPECT_FALSE(store->status().ok());
  const auto again = OpenStore(disk);
  EXPECT_GE(again->covered(), synced);
  stream.TellAgain(again->covered(), *again);
  stream.ExpectAllKept(*again);
}

TEST(EventStore, RefusesTheFilesOfAnotherDirectoryAndOfANewerProgram) {
  SimDisk disk;
  ToldStream stream(10);
  stream.TellNext(10, *OpenStore(disk));
  EventStoreOptions other = SmallStore();
  other.identity.cluster_id[0] = std::byte{8};
  EXPECT_THAT(std::string(EventStore::Open(disk, other).status().message()),
              HasSubstr("of another data directory"));
  OutboxFileHeader header;
  std::vector<std::byte>& bytes = disk.Bytes("shard-0/" + OutboxFileName(1));
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.format_version = 2;
  SealFileHeader(header);
  std::memcpy(bytes.data(), &header, sizeof(header));
  EXPECT_THAT(
      std::string(EventStore::Open(disk, SmallStore()).status().message()),
      HasSubstr("format 2, but this program reads format 1: run the program that wrote it"));
}

}  // namespace
}  // namespace engine
