// What is restored of a backup tells who was away what the original would have told, though the
// journal cannot make it again.
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/journal/data_directory.h"
#include "engine/runtime/backup.h"
#include "tests/engine/runtime/trimmed_world.h"
#include "tests/support/busy_disk.h"
#include "tests/support/cut_everywhere.h"
#include "tests/support/journal_folder.h"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using EventSequences = std::map<std::uint64_t, std::uint64_t>;

// A data directory on a simulated disk; its lock is a file on a real one.
class BackupOutbox : public TrimmedWorld {
 protected:
  BackupOutbox() {
    for (const std::string& path : {source_, backup_, restored_}) {
      std::filesystem::create_directories(path);
    }
    SimDisk disk;
    auto made = DataDirectory::Create(disk, source_, {.cluster_id = kWorldIdentity.cluster_id});
    EXPECT_TRUE(made.ok() && made->Commit(disk).ok()) << made.status();
    for (const auto& [path, content] : world_.disk->names()) {
      if (!path.starts_with("shard-0/")) continue;
      EXPECT_TRUE(disk.Create(source_ + "/" + path).ok());
      disk.Bytes(source_ + "/" + path) = content->now;
    }
    disk_ = std::make_unique<SimDisk>(disk, PowerCut::kKeepsUnsynced, 1);
  }

  static EventStoreOptions StoreIn(const std::string& data) {
    EventStoreOptions options = StoreOptions();
    options.folder = data + "/shard-0";
    return options;
  }
  // What a start has for home 1, by event number.
  EventSequences Start(SimDisk& disk, const std::string& data, std::uint64_t gone_to = 0) {
    const auto store = EventStore::Open(disk, StoreIn(data));
    EXPECT_TRUE(store.ok()) << store.status();
    const auto recovery = RecoverFromSnapshot(
        disk, {.folder = data + "/shard-0", .identity = kWorldIdentity}, exchange_, store->get());
    EXPECT_TRUE(recovery.ok()) << recovery.status();
    if (!recovery.ok()) return {};
    EXPECT_EQ(recovery->events_gone_to, gone_to);
    EXPECT_EQ(ToHex(recovery->digest), ToHex(Digest()));
    return SequencesByNumber(**store);
  }
  EventSequences StartOnACopy(const SimDisk& disk, const std::string& data) {
    SimDisk copy(disk, PowerCut::kKeepsUnsynced, 1);
    return Start(copy, data);
  }
  // The daemon that goes on, as far as a lock tells.
  std::optional<DataDirectory> Daemon() {
    auto daemon = DataDirectory::Open(*disk_, source_);
    EXPECT_TRUE(daemon.ok()) << daemon.status();
    return *std::move(daemon);
  }
  void Damage(std::size_t place) { disk_->Bytes(source_ + "/" + kFile).at(place) ^= std::byte{1}; }

  const TemporaryFolder folder_;
  const std::string source_ = folder_.path() + "/data";
  const std::string backup_ = folder_.path() + "/backup";
  const std::string restored_ = folder_.path() + "/restored";
  std::unique_ptr<SimDisk> disk_;
};

TEST_F(BackupOutbox, HasWhatTheOriginalHasAndSoHasWhatIsRestoredOfIt) {
  for (const bool in_use : {false, true}) {
    SimDisk disk(*disk_, PowerCut::kKeepsUnsynced, 1);
    const auto daemon = in_use ? Daemon() : std::nullopt;
    const auto copied = CopyDataDirectory(disk, source_, backup_);
    ASSERT_TRUE(copied.ok()) << copied.status();
    EXPECT_THAT(copied->front().damaged, IsEmpty());
    EXPECT_EQ(copied->front().events_gone_to, 0u);
    const auto restored = CopyDataDirectory(disk, backup_, restored_);
    ASSERT_TRUE(restored.ok()) << restored.status();
    const EventSequences whole = Start(disk, source_);
    EXPECT_EQ(whole.begin()->first, 1u);
    EXPECT_LE(whole.begin()->second, snapshots_[snapshots_.size() - 2]);
    EXPECT_EQ(Start(disk, backup_), whole);
    EXPECT_EQ(Start(disk, restored_), whole);
  }
}

// The daemon has told more when its outbox is copied than the copied journal has.
TEST_F(BackupOutbox, TellsNothingThatItsJournalDoesNotHave) {
  const EventSequences whole = StartOnACopy(*disk_, source_);
  const auto daemon = Daemon();
  const auto store = EventStore::Open(*disk_, StoreIn(source_));
  ASSERT_TRUE(store.ok());
  const std::uint64_t end = world_.shard->exchange().sequence();
  Event event;
  event.type = EventType::kFill;
  event.fill = {};
  event.credential = CredentialId{1};
  event.event_number = (*store)->KeptOf(CredentialId{1}).next;
  event.sequence = end + 1;
  BusyDisk busy(*disk_, [&] {
    (*store)->Add(event, world_.clock.NowNs());
    (*store)->Cover(event.sequence);
    (*store)->Write(world_.clock.NowNs());
    ++event.event_number;
    ++event.sequence;
  });
  const auto copied = CopyDataDirectory(busy, source_, backup_);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(copied->front().sequence, end);
  EXPECT_GT(event.sequence, end + 5);
  EXPECT_EQ(Start(*disk_, backup_), whole);
}

// As a start does, it finds out that the journal has lost its end.
TEST_F(BackupOutbox, OfADirectoryThatIsNotInUseWhoseOutboxHasMoreThanItsJournalIsNone) {
  const auto store = EventStore::Open(*disk_, StoreIn(source_));
  ASSERT_TRUE(store.ok());
  (*store)->Cover(world_.shard->exchange().sequence() + 1);
  (*store)->Sync(world_.clock.NowNs());
  const absl::Status status = CopyDataDirectory(*disk_, source_, backup_).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("the outbox knows of sequence"));
  EXPECT_TRUE(absl::IsNotFound(DataDirectory::Open(*disk_, backup_).status()));
}

TEST_F(BackupOutbox, SaysWhatOfADamagedOutboxIsMissing) {
  Damage(20);
  const auto copied = CopyDataDirectory(*disk_, source_, backup_);
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_THAT(copied->front().damaged, ElementsAre(source_ + "/" + kFile));
  const std::uint64_t older = snapshots_[snapshots_.size() - 2];
  EXPECT_EQ(copied->front().events_gone_to, older);
  // What the journal makes again is there.
  const EventSequences kept = Start(*disk_, backup_, older);
  EXPECT_GT(kept.begin()->first, 1u);
  EXPECT_GT(kept.size(), 0u);
  EXPECT_GT(kept.begin()->second, older);
}

TEST_F(BackupOutbox, OnAFailingDiskIsWholeOrNone) {
  const EventSequences whole = StartOnACopy(*disk_, source_);
  const auto daemon = Daemon();
  std::uint64_t failed = 0;
  bool met = true;
  for (std::uint64_t at = 0; met && !HasFailure(); ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(*disk_, PowerCut::kKeepsUnsynced, at);
    disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = at});
    const auto copied = CopyDataDirectory(disk, source_, backup_);
    met = !disk.failed().empty();
    failed += met ? 1 : 0;
    disk.Heal();
    // Where one snapshot cannot be read the next one is as good.
    EXPECT_TRUE(copied.ok() || met);
    // Of the last step it may not be known whether it is on disk.
    if (const auto made = DataDirectory::Open(disk, backup_); made.ok()) {
      EXPECT_EQ(Start(disk, backup_), whole);
    } else {
      EXPECT_TRUE(absl::IsNotFound(made.status())) << made.status();
      EXPECT_FALSE(copied.ok());
    }
  }
  EXPECT_GT(failed, 60u);
}

TEST_F(BackupOutbox, IsWholeOrNoneWhereverAPowerCutMeetsIt) {
  const EventSequences whole = StartOnACopy(*disk_, source_);
  std::uint64_t made = 0;
  const auto copy = [this](Disk& disk) { return CopyDataDirectory(disk, source_, backup_).ok(); };
  const auto expect_whole = [&](SimDisk& after, bool finished) {
    const auto opened = DataDirectory::Open(after, backup_);
    EXPECT_TRUE(opened.ok() || (absl::IsNotFound(opened.status()) && !finished));
    if (!opened.ok()) return;
    ++made;
    EXPECT_EQ(Start(after, backup_), whole);
  };
  EXPECT_GT(CutEverywhere(*disk_, copy, expect_whole), 20u);
  EXPECT_GE(made, 3u);
}

}  // namespace
}  // namespace engine
