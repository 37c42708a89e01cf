// An outbox and the snapshots of one shard: no start may begin behind what the outbox lacks.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/runtime/follower.h"
#include "engine/runtime/outbox.h"
#include "tests/engine/runtime/shard_world.h"
#include "tests/support/covered_event.h"

namespace engine {
namespace {

using testing::HasSubstr;

const std::atomic<bool> go_on{false};

EventStoreOptions StoreOptions() { return {.folder = "shard-0", .identity = kWorldIdentity}; }
ReadOptions JournalFolder() { return {.folder = "shard-0", .identity = kWorldIdentity}; }

// A shard whose older orders newer ones displace, over some segments: an event for each.
class OutboxRecovery : public testing::Test {
 protected:
  OutboxRecovery() {
    world_.StartWithDisplacement();
    for (std::uint64_t seq = 1; seq <= kOrders; ++seq) {
      const bool buys = seq % 2 == 0;
      EXPECT_TRUE(world_.Submit(0, seq, buys ? Bid(1, seq, 50, 100) : Ask(1, seq, 40, 100)));
      world_.Settle();
      for (const Event& event : world_.Take(0)) {
        if (event.event_number != 0) next_event_ = event.event_number + 1;
      }
    }
    EXPECT_GT(next_event_, kOrders / 2);
  }

  std::unique_ptr<EventStore> Open() {
    auto store = EventStore::Open(*world_.disk, StoreOptions());
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  absl::StatusOr<Recovery> Recover(EventStore* store) {
    return RecoverFromSnapshot(*world_.disk, JournalFolder(), exchange_, store);
  }

  static constexpr std::uint64_t kOrders = 700;
  ShardWorld world_;
  std::uint64_t next_event_ = 0;
  std::unique_ptr<Exchange> exchange_;
};

TEST_F(OutboxRecovery, BeginsSoEarlyThatTheStoreHasEveryEvent) {
  Follower follower(*world_.disk, {.folder = "shard-0", .identity = kWorldIdentity});
  const auto step = follower.Follow(go_on);
  ASSERT_TRUE(step.ok() && step->snapshot) << step.status();
  ASSERT_GT(step->snapshot->sequence, 100u);
  EXPECT_EQ(Recover(nullptr)->snapshot_sequence, step->snapshot->sequence);
  {
    const auto store = Open();
    EXPECT_EQ(Recover(store.get())->snapshot_sequence, 0u);
    EXPECT_EQ(store->KeptOf(CredentialId{1}).first, 1u);
    EXPECT_EQ(store->KeptOf(CredentialId{1}).next, next_event_);
  }
  const auto store = Open();
  EXPECT_EQ(Recover(store.get())->snapshot_sequence, step->snapshot->sequence);
  EXPECT_EQ(store->KeptOf(CredentialId{1}).first, 1u);
  EXPECT_EQ(store->KeptOf(CredentialId{1}).next, next_event_);
}

// Where the journal has everything, damage costs nothing; and nothing goes before it is known that
// it has.
TEST_F(OutboxRecovery, MakesADamagedOutboxAgainOnceTheJournalIsKnownToBeSound) {
  {
    const auto store = Open();
    ASSERT_TRUE(Recover(store.get()).ok());
    store->Sync(world_.clock.NowNs());
  }
  const std::string first = "shard-0/" + OutboxFileName(1);
  {  // A second file, so that damage of the first is no unfinished end.
    const auto store = Open();
    Event event;
    event.type = EventType::kFill;
    event.fill = {};
    event.credential = CredentialId{2};
    event.event_number = 1;
    event.sequence = 2;
    store->Add(event, 1);
    store->Write(1);
  }
  world_.disk->Bytes(first)[sizeof(OutboxFileHeader) + 9] ^= std::byte{1};
  SimDisk broken(*world_.disk, PowerCut::kKeepsUnsynced, 1);
  broken.Bytes("shard-0/" + SegmentName(1))[kBlockBytes + 9] ^= std::byte{1};
  const auto refused = EventStore::Open(broken, StoreOptions());
  ASSERT_TRUE(refused.ok());
  EXPECT_FALSE(RecoverFromSnapshot(broken, JournalFolder(), exchange_, refused->get()).ok());
  EXPECT_EQ(broken.Bytes(first), world_.disk->Bytes(first));
  const auto store = Open();
  EXPECT_EQ(store->damaged(), std::vector<std::string>{first});
  ASSERT_TRUE(Recover(store.get()).ok());
  EXPECT_FALSE(world_.disk->names().contains(first));
  EXPECT_EQ(store->KeptOf(CredentialId{1}).first, 1u);
  EXPECT_EQ(store->KeptOf(CredentialId{1}).next, next_event_);
  EXPECT_TRUE(Open()->damaged().empty());
}

// Its clients have heard what this journal does not have.
TEST_F(OutboxRecovery, RefusesAStoreThatIsAheadOfTheJournal) {
  const auto store = Open();
  store->Cover(world_.shard->exchange().sequence() + 1);
  const absl::Status status = Recover(store.get()).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("remove the outbox-*.log files"));
}

TEST_F(OutboxRecovery, NoSnapshotIsMadeBeforeTheOutboxIsOnDisk) {
  Doorbell bell;
  TapLink tap = MakeTapLink(bell, bell, 64);
  Outbox outbox(Open(), world_.clock, bell, std::move(tap.outbox), {});
  Follower follower(*world_.disk,
                    {.folder = "shard-0", .identity = kWorldIdentity, .outbox = &outbox});
  const auto early = follower.Follow(go_on);
  ASSERT_TRUE(early.ok()) << early.status();
  EXPECT_FALSE(early->snapshot);
  EXPECT_TRUE(early->snapshot_status.ok());
  tap.shard.events.Put(CoveredEvent(follower.sequence()));
  tap.shard.events.Publish();
  while (outbox.Turn()) {
  }
  const auto step = follower.Follow(go_on);
  ASSERT_TRUE(step.ok()) << step.status();
  ASSERT_TRUE(step->snapshot);
  EXPECT_EQ(step->snapshot->sequence, outbox.synced());
}

}  // namespace
}  // namespace engine
