// What a start makes of files whose checksums hold, and which say what cannot be.
#include <cstring>
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

// What a file says of the one before it is not so: something is missing, and all begins anew.
TEST(EventStoreOpen, BeginsAnewWhereAFileIsNotAsLongAsTheNextOneSays) {
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
    EXPECT_EQ(store->KeptOf(CredentialId{1}).next, 0u);
    EXPECT_EQ(store->covered(), 0u);
  }
}

TEST(EventStoreOpen, TakesNoFileThatCoversWhatCannotBe) {
  SimDisk disk;
  TellThree(disk);
  ChangeSecondHeader(disk, [](OutboxFileHeader& header) { header.covered = kSequenceMax + 1; });
  ExpectOnlyTheFirst(disk);
}

}  // namespace
}  // namespace engine
