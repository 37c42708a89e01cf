// A copy of an outbox has what the outbox has of the commands to its end, and nothing behind.
#include "engine/outbox/event_copy.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/limits.h"
#include "tests/support/busy_disk.h"
#include "tests/support/told_stream.h"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kCopy[] = "copy";

std::string PathIn(const std::string& folder, std::uint64_t number) {
  return folder + "/" + OutboxFileName(number);
}

EventStoreOptions StoreOfCopy() {
  EventStoreOptions options = SmallStore();
  options.folder = kCopy;
  return options;
}

absl::StatusOr<CopiedEvents> Copy(Disk& disk, std::uint64_t end = kSequenceMax) {
  return CopyEvents(disk, "shard-0", SmallStore().identity, end, kCopy);
}

std::map<std::string, std::vector<std::byte>> FilesIn(const SimDisk& disk,
                                                      const std::string& folder) {
  std::map<std::string, std::vector<std::byte>> files;
  for (const auto& [path, content] : disk.names()) {
    if (path.starts_with(folder + "/")) files[path.substr(folder.size() + 1)] = content->now;
  }
  return files;
}

// Some starts, and what each of them told: files that were cut short by the next, and full ones.
void TellSome(SimDisk& disk, ToldStream& stream, int starts = 3) {
  for (; starts > 0; --starts) {
    const auto store = OpenStore(disk);
    stream.TellNext(900, *store);
    store->Sync(1);
  }
}

// All that was told of the commands to `end`, from its first file on, and no more.
void ExpectToTheEnd(SimDisk& disk, const ToldStream& stream, std::uint64_t end, bool has_all) {
  const auto store = OpenStore(disk, StoreOfCopy());
  EXPECT_THAT(store->damaged(), IsEmpty());
  EXPECT_LE(store->covered(), end);
  EXPECT_LE(store->newest_sequence(), end);
  stream.ExpectKept(*store, 0);
  for (const auto& [credential, events] : stream.told()) {
    const auto due =
        std::ranges::count_if(events, [&](const Event& event) { return event.sequence <= end; });
    const EventStore::Kept kept = store->KeptOf(credential);
    if (kept.next == 0 && (due == 0 || !has_all)) continue;  // All of them were too old.
    EXPECT_EQ(kept.next, static_cast<std::uint64_t>(due) + 1);
    EXPECT_TRUE(!has_all || kept.first == 1u);
  }
}

TEST(EventCopy, IsByteForByteWhatTheOutboxIsWhereAllOfItIsCopied) {
  SimDisk disk;
  ToldStream stream(1);
  TellSome(disk, stream);
  const auto copied = Copy(disk);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(copied->covered, stream.sequence());
  EXPECT_EQ(copied->newest, stream.sequence());
  EXPECT_GT(FilesIn(disk, kCopy).size(), 5u);
  EXPECT_EQ(FilesIn(disk, kCopy), FilesIn(disk, "shard-0"));
}

TEST(EventCopy, HasNoEventBehindItsEndAndEveryOneBefore) {
  SimDisk disk;
  ToldStream stream(2);
  TellSome(disk, stream);
  RandomSource random(2);
  for (std::uint64_t i = 0; i < Repeats(kSanitized ? 6 : 40, 600); ++i) {
    const std::uint64_t end = random.Below(stream.sequence() + 2);
    SCOPED_TRACE(end);
    SimDisk copy(disk, PowerCut::kKeepsUnsynced, 1);
    const auto copied = Copy(copy, end);
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_EQ(copied->covered, std::min(end, stream.sequence()));
    EXPECT_EQ(copied->newest, stream.sequence());
    ExpectToTheEnd(copy, stream, end, /*has_all=*/true);
    // And it goes on: a replay tells what is behind.
    const auto store = OpenStore(copy, StoreOfCopy());
    EXPECT_EQ(store->covered(), copied->covered);
    stream.TellAgain(store->covered(), *store);
    stream.ExpectAllKept(*store);
    if (HasFailure()) return;
  }
}

// Begins a file, fills it, lets old ones go, whenever the copy looks.
TEST(EventCopy, OfAnOutboxThatIsWrittenAndShortenedMeanwhileHasNoHole) {
  std::size_t shortened = 0;
  for (std::uint64_t seed = 1; seed <= Repeats(kSanitized ? 8 : 40, 500); ++seed) {
    SCOPED_TRACE(seed);
    RandomSource random(seed);
    SimDisk disk;
    ToldStream stream(seed);
    EventStoreOptions options = SmallStore();
    options.bytes_max = 4 * options.file_bytes;
    const auto store = OpenStore(disk, options);
    stream.TellNext(500 + random.Below(2'500), *store);
    const std::uint64_t end = stream.sequence() - random.Below(20);
    const std::uint64_t most = seed % 8 == 0 ? 700 : 60;
    BusyDisk busy(disk, [&] { stream.TellNext(random.Below(most), *store); });
    const auto copied = Copy(busy, end);
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_THAT(copied->damaged, IsEmpty());
    EXPECT_EQ(copied->covered, end);
    ExpectToTheEnd(disk, stream, end, /*has_all=*/false);
    shortened += FilesIn(disk, kCopy).size() < 3 ? 1 : 0;
    if (HasFailure()) return;
  }
  EXPECT_GT(shortened, kSanitized ? 0u : 3u);
}

TEST(EventCopy, LeavesOutADamagedFileAndThoseBeforeItAndSaysSo) {
  SimDisk whole;
  ToldStream stream(3);
  TellSome(whole, stream);
  const std::size_t files = whole.names().size();
  for (std::uint64_t at = 1; at < files; ++at) {
    for (const std::size_t place : {std::size_t{20}, sizeof(OutboxFileHeader) + 9}) {
      SCOPED_TRACE(at);
      SimDisk disk(whole, PowerCut::kKeepsUnsynced, 1);
      disk.Bytes(PathIn("shard-0", at))[place] ^= std::byte{1};
      const auto copied = Copy(disk);
      ASSERT_TRUE(copied.ok()) << copied.status();
      // Without its header it does not say either how long the one before is.
      if (at > 1 && place == 20) {
        EXPECT_THAT(copied->damaged, ElementsAre(PathIn("shard-0", at - 1), PathIn("shard-0", at)));
      } else {
        EXPECT_THAT(copied->damaged, ElementsAre(PathIn("shard-0", at)));
      }
      EXPECT_EQ(copied->covered, 0u);
      EXPECT_EQ(OpenStore(disk, StoreOfCopy())->covered(), 0u);
      EXPECT_EQ(FilesIn(disk, kCopy).size(), files - at);
      ExpectToTheEnd(disk, stream, stream.sequence(), /*has_all=*/false);
    }
  }
}

TEST(EventCopy, LeavesOutTheNewestFileAloneWhereItsHeaderIsDamaged) {
  SimDisk disk;
  ToldStream stream(4);
  TellSome(disk, stream);
  const std::string newest = disk.names().rbegin()->first;
  disk.Bytes(newest)[20] ^= std::byte{1};
  const std::size_t files = disk.names().size();
  const auto copied = Copy(disk);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_THAT(copied->damaged, ElementsAre(newest));
  EXPECT_EQ(FilesIn(disk, kCopy).size(), files - 1);
  ExpectToTheEnd(disk, stream, copied->covered, /*has_all=*/true);
}

TEST(EventCopy, OfAnothersOutboxIsRefused) {
  SimDisk disk;
  ToldStream stream(5);
  TellSome(disk, stream, 1);
  JournalIdentity other = SmallStore().identity;
  other.shard = 1;
  const absl::Status status = CopyEvents(disk, "shard-0", other, 10, kCopy).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

TEST(EventCopy, OfNoOutboxIsNone) {
  SimDisk disk;
  const auto copied = Copy(disk);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(copied->covered, 0u);
  EXPECT_THAT(disk.names(), IsEmpty());
}

TEST(EventCopy, OnAFailingDiskIsWholeOrAnError) {
  SimDisk whole;
  ToldStream stream(6);
  TellSome(whole, stream);
  std::uint64_t failed = 0;
  bool met = true;
  for (std::uint64_t at = 0; met && !HasFailure(); ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(whole, PowerCut::kKeepsUnsynced, at);
    disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = at});
    const auto copied = Copy(disk);
    met = !disk.failed().empty();
    EXPECT_EQ(copied.ok(), !met);
    failed += met ? 1 : 0;
    disk.Heal();
    if (copied.ok()) ExpectToTheEnd(disk, stream, stream.sequence(), /*has_all=*/true);
  }
  EXPECT_GT(failed, 20u);
}

TEST(EventCopy, IsOnDiskWhenItIsSaidToBe) {
  SimDisk disk;
  ToldStream stream(7);
  TellSome(disk, stream);
  ASSERT_TRUE(Copy(disk).ok());
  SimDisk after(disk, PowerCut::kLosesUnsynced, 1);
  ExpectToTheEnd(after, stream, stream.sequence(), /*has_all=*/true);
}

}  // namespace
}  // namespace engine
