// What a start makes of files whose checksums hold, and which say what cannot be.
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/limits.h"
#include "tests/support/told_stream.h"

namespace engine {
namespace {

std::string PathOfFile(std::uint64_t number) { return "shard-0/" + OutboxFileName(number); }

// Two files with a block each; credential 1 was told of event 1 in the first, of 2 and 3 in the
// second.
void TellThree(SimDisk& disk) {
  Event event;
  event.type = EventType::kFill;
  event.fill = {};
  event.credential = CredentialId{1};
  for (std::uint64_t start = 0; start < 2; ++start) {
    const auto store = OpenStore(disk);
    for (std::uint64_t i = 0; i <= start; ++i) {
      event.sequence = event.event_number = event.event_number + 1;
      store->Add(event, 1);
    }
    store->Cover(event.sequence);
    store->Sync(1);
  }
}

// Of the second file. `change` gets the block's header and its two records.
template <typename Change>
void ChangeSecondBlock(SimDisk& disk, Change change) {
  const auto block = std::span(disk.Bytes(PathOfFile(2))).subspan(sizeof(OutboxFileHeader));
  constexpr std::size_t kFirst = sizeof(EventBlockHeader);
  constexpr std::size_t kSecond = kFirst + kEventRecordBytesMax;
  ASSERT_EQ(block.size(), kFirst + 2 * kEventRecordBytesMax);
  EventBlockHeader header;
  EventRecord records[2];
  std::memcpy(&header, block.data(), sizeof(header));
  std::memcpy(&records[0], &block[kFirst], sizeof(EventRecord));
  std::memcpy(&records[1], &block[kSecond], sizeof(EventRecord));
  change(header, records[0], records[1]);
  std::memcpy(&block[kFirst], &records[0], sizeof(EventRecord));
  std::memcpy(&block[kSecond], &records[1], sizeof(EventRecord));
  SealBlock(BlockSeed(SmallStore().identity, 2), header, block);
}

void ChangeSecondHeader(SimDisk& disk, void (*change)(OutboxFileHeader&)) {
  std::vector<std::byte>& bytes = disk.Bytes(PathOfFile(2));
  OutboxFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  change(header);
  SealFileHeader(header);
  std::memcpy(bytes.data(), &header, sizeof(header));
}

// Event 1 is kept, and what follows is told again and kept.
void ExpectOnlyTheFirst(SimDisk& disk) {
  const auto store = OpenStore(disk);
  EXPECT_EQ(store->KeptOf(CredentialId{1}).first, 1u);
  ASSERT_EQ(store->KeptOf(CredentialId{1}).next, 2u);
  EXPECT_EQ(store->covered(), 1u);
  Event event;
  event.type = EventType::kFill;
  event.fill = {};
  event.fill.energy_wh = 77;
  event.credential = CredentialId{1};
  event.sequence = event.event_number = 2;
  store->Add(event, 1);
  store->Write(1);
  Event read[2];
  const auto count = store->Read(CredentialId{1}, 1, read);
  ASSERT_TRUE(count.ok()) << count.status();
  ASSERT_EQ(*count, 2u);
  EXPECT_EQ(read[1].fill.energy_wh, 77u);
}

TEST(EventStoreOpen, TakesNoEventOfABlockInWhichOneCannotBe) {
  void (*const changes[])(EventBlockHeader&, EventRecord&, EventRecord&) = {
      [](auto&, auto&, EventRecord& second) { second.type = EventType::kAnswer; },
      [](auto&, auto&, EventRecord& second) { second.bytes += 8; },
      [](auto&, auto&, EventRecord& second) { second.credential = {}; },
      [](auto&, auto&, EventRecord& second) { second.event_number = 0; },
      [](auto&, auto&, EventRecord& second) { second.event_number = UINT64_MAX; },
      [](auto&, auto&, EventRecord& second) { second.sequence = kSequenceMax + 1; },
      [](EventBlockHeader& header, auto&, auto&) { header.covered = kSequenceMax + 1; },
      [](EventBlockHeader& header, auto&, auto&) { header.file = 1; },
      [](EventBlockHeader& header, auto&, auto&) { header.offset += 8; },
  };
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    SCOPED_TRACE(i);
    SimDisk disk;
    TellThree(disk);
    ChangeSecondBlock(disk, changes[i]);
    ExpectOnlyTheFirst(disk);
  }
}

TEST(EventStoreOpen, TakesABlockWhoseRecordsMayBe) {
  SimDisk disk;
  TellThree(disk);
  ChangeSecondBlock(disk, [](auto& header, auto&, EventRecord& second) {
    second.sequence = header.covered = kSequenceMax;
  });
  const auto store = OpenStore(disk);
  EXPECT_EQ(store->KeptOf(CredentialId{1}).next, 4u);
  EXPECT_EQ(store->covered(), kSequenceMax);
}

// What a file says of the one before it is not so: something is missing, and what lies behind
// stays.
TEST(EventStoreOpen, LeavesOutAFileThatIsNotAsLongAsTheNextOneSays) {
  for (const auto change : {+[](OutboxFileHeader& header) { header.previous = 0; },
                            +[](OutboxFileHeader& header) { header.previous = 63; },
                            +[](OutboxFileHeader& header) { header.previous -= 1; },
                            +[](OutboxFileHeader& header) { header.previous += 1; },
                            +[](OutboxFileHeader& header) { header.previous = UINT64_MAX; }}) {
    SimDisk disk;
    TellThree(disk);
    ChangeSecondHeader(disk, change);
    const auto store = OpenStore(disk);
    EXPECT_EQ(store->damaged(), std::vector<std::string>{PathOfFile(1)});
    EXPECT_EQ(store->KeptOf(CredentialId{1}).first, 2u);
    EXPECT_EQ(store->KeptOf(CredentialId{1}).next, 4u);
    EXPECT_EQ(store->covered(), 3u);
  }
}

std::set<std::string> NamesOn(const SimDisk& disk) {
  std::set<std::string> names;
  for (const auto& [path, content] : disk.names()) names.insert(path);
  return names;
}

// A start that is refused has cost nothing.
TEST(EventStoreOpen, ChangesNothingOnDiskBeforeTheRecoveryHasSucceeded) {
  SimDisk disk;
  ToldStream stream(3);
  stream.TellNext(3'000, *OpenStore(disk));
  const std::set<std::string> names = NamesOn(disk);
  ASSERT_GT(names.size(), 4u);
  disk.Bytes(PathOfFile(2))[100] ^= std::byte{1};
  const std::uint64_t changes = disk.changes();
  disk.SetFreeBytes(0);
  for (int opens = 0; opens < 2; ++opens) {
    const auto store = OpenStore(disk);
    EXPECT_EQ(store->damaged(), std::vector<std::string>{PathOfFile(2)});
  }
  EXPECT_EQ(NamesOn(disk), names);
  EXPECT_LE(disk.changes(), changes + 2);  // The newest file's sync, each time.
}

// One damaged byte costs what lies before it and no more, wherever it is.
TEST(EventStoreOpen, KeepsWhatLiesBehindTheLastDamagedFileOrGap) {
  for (const bool is_gap : {false, true}) {
    for (std::uint64_t at = 2; at <= 4; ++at) {
      SCOPED_TRACE(at);
      SimDisk disk;
      ToldStream stream(4);
      stream.TellNext(3'000, *OpenStore(disk));
      ASSERT_GT(NamesOn(disk).size(), 5u);
      disk.Bytes(PathOfFile(1))[100] ^= std::byte{1};
      if (is_gap) {
        ASSERT_TRUE(disk.Remove(PathOfFile(at)).ok());
      } else {
        disk.Bytes(PathOfFile(at))[sizeof(OutboxFileHeader) + 9] ^= std::byte{1};
      }
      const auto store = OpenStore(disk);
      EXPECT_EQ(store->covered(), stream.sequence());
      stream.ExpectKept(*store, stream.sequence());
      for (const auto& [credential, events] : stream.told()) {
        EXPECT_LT(store->KeptOf(credential).first + 50, store->KeptOf(credential).next);
      }
      ASSERT_TRUE(store->GoOn().ok());
      for (std::uint64_t number = 1; number <= at; ++number) {
        EXPECT_FALSE(disk.names().contains(PathOfFile(number)));
      }
      const auto again = OpenStore(disk);
      EXPECT_TRUE(again->damaged().empty());
      stream.ExpectKept(*again, stream.sequence());
    }
  }
}

// Else a crash would leave a gap, which looks as if something were missing.
TEST(EventStoreOpen, FindsNoGapWhereverACrashOrAFailureMeetsARemoval) {
  EventStoreOptions options = SmallStore();
  options.keep_ns = 1'000'000;
  std::size_t removed = 0;
  std::size_t kept = 0;
  for (std::uint64_t at = 0; at < 24; ++at) {
    for (const bool fails : {false, true}) {
      SCOPED_TRACE(at);
      SimDisk disk(at);
      ToldStream stream(5);
      const auto store = OpenStore(disk, options);
      stream.TellNext(3'000, *store);
      store->Sync(1);
      const std::size_t files = disk.names().size();
      if (fails) {
        disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = disk.operations() + at});
      } else {
        disk.CutFrom(disk.operations() + at);
      }
      store->Write(std::int64_t{1} << 40);
      (disk.names().size() == 1 ? removed : kept) += 1;
      const bool sync_failed =
          !disk.failed().empty() && disk.failed().front().call == DiskCall::kSyncFolder;
      EXPECT_LE(disk.names().size(), files);
      for (const auto cut : {PowerCut::kLosesUnsynced, PowerCut::kMixesSectors}) {
        SimDisk after(disk, cut, at);
        const auto found = OpenStore(after, options);
        // A sync that fails may keep a removal for ever from the disk: of a file that was to go.
        EXPECT_TRUE(found->damaged().empty() || sync_failed);
        stream.ExpectKept(*found, stream.sequence());
      }
      disk.Heal();
      store->Write(std::int64_t{1} << 40);
      EXPECT_EQ(disk.names().size(), 1u);
    }
  }
  EXPECT_GT(removed, 2u);
  EXPECT_GT(kept, 8u);
}

TEST(EventStoreOpen, TakesNoFileThatCoversWhatCannotBe) {
  SimDisk disk;
  TellThree(disk);
  ChangeSecondHeader(disk, [](OutboxFileHeader& header) { header.covered = kSequenceMax + 1; });
  ExpectOnlyTheFirst(disk);
}

}  // namespace
}  // namespace engine
