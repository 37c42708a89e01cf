// What of an outbox a start keeps and makes again whose journal has no beginning any more.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/own_command.h"
#include "tests/engine/runtime/trimmed_world.h"
#include "tests/support/cut_everywhere.h"

namespace engine {
namespace {

using DeletionOutbox = Deletion;

TEST_F(DeletionOutbox, LetsAnOutboxBeMadeAgainAsFarAsTheJournalGoes) {
  const EventStoreOptions options = StoreOptions();
  const auto displace_of_home_2 = [this](std::uint64_t client_seq) {
    ASSERT_TRUE(world_.Submit(0, client_seq, Bid(2, client_seq, 50, 100)));
    ASSERT_TRUE(world_.Submit(0, client_seq + 1, Ask(2, client_seq + 1, 40, 100)));
    world_.Settle();
  };
  displace_of_home_2(1);
  for (int starts = 0; starts < 2; ++starts) NextStart(Keeping(0));
  SimDisk whole(*world_.disk, PowerCut::kKeepsUnsynced, 1);
  const auto early = EventStore::Open(whole, options);
  ASSERT_TRUE(early.ok() && Recover(whole, early->get()).ok());
  const std::uint64_t next_early = (*early)->KeptOf(CredentialId{1}).next;
  EXPECT_EQ((*early)->KeptOf(CredentialId{2}).next, 2u);
  displace_of_home_2(3);
  for (int starts = 0; starts < 2; ++starts) NextStart(Keeping(0));
  Trade();
  SimDisk all(*world_.disk, PowerCut::kKeepsUnsynced, 1);
  const auto all_events = EventStore::Open(all, options);
  ASSERT_TRUE(all_events.ok());
  EXPECT_EQ(Recover(all, all_events->get())->events_gone_to, 0u);
  const auto told = SequencesByNumber(**all_events);
  ASSERT_GT(told.size(), 5u);

  NextStart(Keeping(kKeepNs));
  ASSERT_FALSE(Segments(*world_.disk).contains(1));
  const std::uint64_t older = snapshots_[snapshots_.size() - 2];
  std::map<std::uint64_t, std::uint64_t> due;
  for (const auto& [number, sequence] : told) {
    if (sequence > older) due[number] = sequence;
  }
  ASSERT_GT(due.size(), 0u);
  ASSERT_GT(due.begin()->first, next_early + 1);
  // Of none, and of an older one with a hole behind its last event, which nobody is ever told.
  for (const bool is_empty : {true, false}) {
    SCOPED_TRACE(is_empty);
    SimDisk disk(*world_.disk, PowerCut::kKeepsUnsynced, 1);
    for (const auto& [path, content] : whole.names()) {
      if (is_empty || path.find("/outbox-") == std::string::npos) continue;
      ASSERT_TRUE(disk.Create(path).ok());
      disk.Bytes(path) = content->now;
    }
    for (int opens = 0; opens < 2; ++opens) {
      const auto store = EventStore::Open(disk, options);
      ASSERT_TRUE(store.ok()) << store.status();
      const auto recovery = Recover(disk, store->get());
      ASSERT_TRUE(recovery.ok()) << recovery.status();
      EXPECT_EQ(recovery->events_gone_to, opens == 0 ? older : 0u);
      const EventStore::Kept kept = (*store)->KeptOf(CredentialId{1});
      EXPECT_EQ(kept.first, due.begin()->first);
      const auto sequences = SequencesByNumber(**store);
      for (const auto& [number, sequence] : due) EXPECT_EQ(sequences.at(number), sequence);
      // Of home 2 all is gone, but not where it goes on.
      const EventStore::Kept none = (*store)->KeptOf(CredentialId{2});
      EXPECT_EQ(none.next, (*all_events)->KeptOf(CredentialId{2}).next);
      EXPECT_GT(none.next, 2u);
      EXPECT_EQ(none.first, none.next);
      EXPECT_EQ(recovery->sequence, world_.shard->exchange().sequence());
      (*store)->Sync(world_.clock.NowNs());
    }
  }
}

// The disk only has to be asked again.
TEST_F(TrimmedWorld, GivesNoEventUpForAReadThatFails) {
  SimDisk damaged(*world_.disk, PowerCut::kKeepsUnsynced, 1);
  damaged.Bytes(kFile)[20] ^= std::byte{1};
  SimDisk untouched(damaged, PowerCut::kKeepsUnsynced, 1);
  Recovery whole;
  StartOn(untouched, whole);
  ASSERT_GT(whole.events_gone_to, 0u);
  std::size_t refused = 0;
  for (std::uint64_t at = 0;; ++at) {
    SCOPED_TRACE(at);
    SimDisk disk(damaged, PowerCut::kKeepsUnsynced, 1);
    disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = at, .error = EIO});
    const auto store = EventStore::Open(disk, StoreOptions());
    const auto recovery =
        store.ok() ? Recover(disk, store->get()) : absl::StatusOr<Recovery>(store.status());
    refused += recovery.ok() ? 0 : 1;
    if (recovery.ok()) {
      ASSERT_EQ(recovery->events_gone_to, whole.events_gone_to);
    }
    if (disk.failed().empty()) break;
  }
  EXPECT_GT(refused, 10u);
}

TEST_F(TrimmedWorld, SetsAsideANewestFileWhoseHeaderIsDamaged) {
  SimDisk disk(*world_.disk, PowerCut::kKeepsUnsynced, 1);
  for (const char* aside : {".damaged-1", ".damaged-2"}) {
    SCOPED_TRACE(aside);
    disk.Bytes(kFile)[20] ^= std::byte{1};
    const auto before = OutboxFiles(disk);
    Recovery recovery;
    std::vector<std::string> set_aside;
    const EventStore::Kept kept = StartOn(disk, recovery, &set_aside);
    EXPECT_GT(recovery.events_gone_to, 0u);
    EXPECT_GT(kept.first, 1u);
    EXPECT_EQ(set_aside, std::vector{kFile + std::string(aside)});
    EXPECT_EQ(disk.Bytes(kFile + std::string(aside)), before.at(kFile));
    // The next start has nothing to complain of.
    EXPECT_EQ(StartOn(disk, recovery, &set_aside).first, kept.first);
    EXPECT_EQ(recovery.events_gone_to, 0u);
    EXPECT_TRUE(set_aside.empty());
  }
}

TEST_F(TrimmedWorld, SetsAsideAnOlderFileThatIsDamaged) {
  Trade();
  Restart();
  Recovery recovery;
  StartOn(*world_.disk, recovery);  // Goes on in another file.
  ASSERT_EQ(OutboxFiles(*world_.disk).size(), 2u);
  world_.disk->Bytes(kFile)[sizeof(OutboxFileHeader) + 9] ^= std::byte{1};
  const auto before = OutboxFiles(*world_.disk);
  std::vector<std::string> set_aside;
  StartOn(*world_.disk, recovery, &set_aside);
  EXPECT_GT(recovery.events_gone_to, 0u);
  EXPECT_EQ(set_aside, std::vector{kFile + std::string(".damaged-1")});
  EXPECT_EQ(world_.disk->Bytes(kFile + std::string(".damaged-1")), before.at(kFile));
  EXPECT_FALSE(world_.disk->names().contains(kFile));
  StartOn(*world_.disk, recovery, &set_aside);
  EXPECT_EQ(recovery.events_gone_to, 0u);
  EXPECT_TRUE(set_aside.empty());
}

// Wherever the power goes, the damaged bytes are there under one name or the other.
TEST_F(TrimmedWorld, LosesNoDamagedFileWhereverAPowerCutMeetsAStart) {
  world_.disk->Bytes(kFile)[20] ^= std::byte{1};
  const SimDisk damaged(*world_.disk, PowerCut::kKeepsUnsynced, 1);
  const std::vector<std::byte> bytes = world_.disk->Bytes(kFile);
  const auto start = [this](Disk& disk) {
    const auto store = EventStore::Open(disk, StoreOptions());
    return store.ok() && Recover(disk, store->get()).ok();
  };
  const auto expect_bytes = [&](SimDisk& after, bool) {
    Recovery recovery;
    StartOn(after, recovery);
    EXPECT_EQ(after.Bytes(kFile + std::string(".damaged-1")), bytes);
    EXPECT_FALSE(after.names().contains(kFile + std::string(".damaged-2")));
  };
  EXPECT_GT(CutEverywhere(damaged, start, expect_bytes), 3u);
}

// Where all can be made again nothing is left lying about.
TEST_F(DeletionOutbox, MakesANewestFileAnewWhoseHeaderIsDamagedWhereTheJournalHasAll) {
  for (int starts = 0; starts < 2; ++starts) NextStart(Keeping(0));
  for (const bool damages : {false, true}) {
    if (damages) world_.disk->Bytes("shard-0/outbox-0000000000000001.log")[20] ^= std::byte{1};
    const auto store = EventStore::Open(*world_.disk, StoreOptions());
    ASSERT_TRUE(store.ok() && Recover(*world_.disk, store->get()).ok());
    (*store)->Sync(world_.clock.NowNs());
    EXPECT_TRUE((*store)->set_aside().empty());
    EXPECT_EQ((*store)->KeptOf(CredentialId{1}).first, 1u);
    EXPECT_EQ(OutboxFiles(*world_.disk).size(), 1u);
  }
}

// An operator starts the wrong version once: it comes to something else than the journal.
TEST_F(DeletionOutbox, ARefusedStartLeavesTheOutboxAsItWas) {
  const EventStoreOptions options = StoreOptions();
  for (int starts = 0; starts < 2; ++starts) NextStart(Keeping(0));
  {
    const auto store = EventStore::Open(*world_.disk, options);
    ASSERT_TRUE(store.ok() && Recover(*world_.disk, store->get()).ok());
    (*store)->Sync(world_.clock.NowNs());
  }
  NextStart(Keeping(kKeepNs));
  ASSERT_FALSE(Segments(*world_.disk).contains(1));
  SimDisk before(*world_.disk, PowerCut::kKeepsUnsynced, 1);
  CommandHeader header;
  header.time_ns = world_.shard->exchange().time_ns();
  header.sequence = world_.shard->exchange().sequence() + 1;
  header.type = CommandType::kRunningDigest;
  RunningDigestBody body{world_.shard->exchange().running_digest()};
  body.digest[5] ^= std::byte{1};
  world_.Kill(PowerCut::kKeepsUnsynced);
  std::vector<OwnedCommand> wrong;
  wrong.emplace_back(header, std::span<const RunningDigestBody>(&body, 1));
  world_.Append(wrong);
  for (int starts = 0; starts < 2; ++starts) {
    const auto store = EventStore::Open(*world_.disk, options);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE(absl::IsDataLoss(Recover(*world_.disk, store->get()).status()));
  }
  std::size_t files = 0;
  for (const auto& [path, content] : before.names()) {
    if (path.find("/outbox-") == std::string::npos) continue;
    ASSERT_TRUE(world_.disk->names().contains(path));
    EXPECT_EQ(world_.disk->Bytes(path), content->now);
    ++files;
  }
  EXPECT_GT(files, 0u);
  // The right version, which the journal does not contradict, has all of it.
  const auto store = EventStore::Open(before, options);
  ASSERT_TRUE(store.ok());
  const auto recovery = Recover(before, store->get());
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  EXPECT_EQ(recovery->events_gone_to, 0u);
  EXPECT_EQ((*store)->KeptOf(CredentialId{1}).first, 1u);
}

}  // namespace
}  // namespace engine
