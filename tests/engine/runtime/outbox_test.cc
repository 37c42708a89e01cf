#include "engine/runtime/outbox.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/covered_event.h"
#include "tests/support/manual_clock.h"
#include "tests/support/told_stream.h"

namespace engine {
namespace {

using Kind = MissedEvent::Kind;

// An outbox turned by hand, between a shard and a gateway that a test plays.
class OutboxWorld {
 public:
  explicit OutboxWorld(
      const std::function<void(EventStore&)>& prepare = [](EventStore&) {},
      std::size_t answer_room = 64) {
    TapLink tap = MakeTapLink(shard_bell_, outbox_bell_, 1 << 10);
    MissedLink missed = MakeMissedLink(gateway_bell_, outbox_bell_, 16, answer_room);
    shard_.emplace(std::move(tap.shard));
    gateway_.emplace(std::move(missed.gateway));
    std::vector<MissedOutboxEnd> ends;
    ends.push_back(std::move(missed.outbox));
    std::unique_ptr<EventStore> store = OpenStore(disk);
    prepare(*store);
    outbox.emplace(std::move(store), clock_, outbox_bell_, std::move(tap.outbox), std::move(ends));
  }

  void Tell(const std::vector<Event>& events) {
    for (const Event& event : events) shard_->events.Put(event);
    shard_->events.Put(CoveredEvent(stream.sequence()));
    shard_->events.Publish();
  }
  void TellSome(std::size_t commands) {
    for (std::size_t i = 0; i < commands; ++i) {
      Tell(stream.NextCommand());
      Settle();
    }
  }
  void Ask(std::uint32_t credential, std::uint64_t from, std::uint32_t most,
           std::uint64_t session = 1) {
    gateway_->queries.Put(
        {.session = session, .credential = CredentialId{credential}, .most = most, .from = from});
    gateway_->queries.Publish();
  }
  void Settle() {
    while (outbox->Turn()) {
    }
  }
  std::vector<MissedEvent> Hear() {
    Settle();
    std::vector<MissedEvent> heard;
    for (auto ready = gateway_->events.Ready(); !ready.empty(); ready = gateway_->events.Ready()) {
      heard.insert(heard.end(), ready.begin(), ready.end());
      gateway_->events.Consume(ready.size());
      Settle();
    }
    return heard;
  }
  void PassASecond() { clock_.Advance(1'000'000'000); }
  std::size_t ToldTo(std::uint32_t credential) const {
    return stream.told().at(CredentialId{credential}).size();
  }

  SimDisk disk;
  ToldStream stream{3};
  std::optional<Outbox> outbox;

 private:
  ManualClock clock_{1};
  Doorbell shard_bell_;
  Doorbell outbox_bell_;
  Doorbell gateway_bell_;
  std::optional<EventTap> shard_;
  std::optional<MissedGatewayEnd> gateway_;
};

void ExpectEvents(const std::vector<MissedEvent>& heard, std::uint64_t from, std::size_t count) {
  ASSERT_EQ(heard.size(), count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(heard[i].kind, Kind::kEvent);
    EXPECT_EQ(heard[i].event.event_number, from + i);
  }
  EXPECT_EQ(heard[count].kind, Kind::kEnd);
}

TEST(Outbox, TellsAPieceOfWhatWasMissed) {
  OutboxWorld world;
  world.TellSome(100);
  world.Ask(4, 3, 10, /*session=*/77);
  const std::vector<MissedEvent> heard = world.Hear();
  ExpectEvents(heard, 3, 10);
  EXPECT_EQ(heard.back().session, 77u);
}

TEST(Outbox, TellsNoMoreThanThereIs) {
  OutboxWorld world;
  world.TellSome(100);
  world.Ask(4, world.ToldTo(4) - 1, 10);
  ExpectEvents(world.Hear(), world.ToldTo(4) - 1, 2);
}

// The gateway has heard of it by its own ring, and that one may be the quicker.
TEST(Outbox, WaitsForAnEventThatIsAboutToBeTold) {
  OutboxWorld world;
  world.TellSome(50);
  const std::uint64_t next = world.ToldTo(2) + 1;
  world.Ask(2, next, 10);
  EXPECT_TRUE(world.Hear().empty());
  EXPECT_TRUE(world.outbox->waits());
  while (world.ToldTo(2) < next) world.Tell(world.stream.NextCommand());
  ExpectEvents(world.Hear(), next, 1);
  EXPECT_FALSE(world.outbox->waits());
}

TEST(Outbox, SaysWhatIsGoneAndWhereTheRestBegins) {
  OutboxWorld world;
  world.TellSome(50);
  Event later = world.stream.told().at(CredentialId{1}).back();
  later.event_number += 5;  // A hole: what was before is not told any more.
  world.Tell({later});
  world.Ask(1, 1, 10);
  const std::vector<MissedEvent> heard = world.Hear();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].kind, Kind::kGone);
  EXPECT_EQ(heard[0].first, later.event_number);
}

TEST(Outbox, AnswersEachInPiecesAsTheRingHasRoom) {
  OutboxWorld world([](EventStore&) {}, /*answer_room=*/8);
  world.TellSome(200);
  for (std::uint64_t session = 1; session <= 9; ++session) {
    world.Ask(static_cast<std::uint32_t>(session), 1, 20, session);
  }
  std::vector<std::size_t> events(10);
  std::vector<std::size_t> ends(10);
  for (const MissedEvent& missed : world.Hear()) {
    if (missed.kind == Kind::kEnd) {
      ++ends[missed.session];
      continue;
    }
    ASSERT_EQ(missed.kind, Kind::kEvent);
    EXPECT_EQ(missed.event.event_number, ++events[missed.session]);
    EXPECT_EQ(ends[missed.session], 0u);
  }
  for (std::uint64_t session = 1; session <= 9; ++session) {
    EXPECT_GE(events[session], 1u);
    EXPECT_EQ(ends[session], 1u);
  }
}

TEST(Outbox, SyncsWhatASnapshotIsToCoverAndNoMore) {
  OutboxWorld world;
  world.TellSome(20);
  world.outbox->WantSynced(world.stream.sequence() + 1);
  world.Settle();
  EXPECT_EQ(world.outbox->synced(), 0u);
  world.TellSome(1);
  EXPECT_EQ(world.outbox->synced(), world.stream.sequence());
  const SimDisk after(world.disk, PowerCut::kLosesUnsynced, 1);
  SimDisk found(after, PowerCut::kKeepsUnsynced, 1);
  world.stream.ExpectAllKept(*OpenStore(found));
}

TEST(Outbox, SaysNotNowOnceItCannotWrite) {
  OutboxWorld world;
  world.TellSome(20);
  world.disk.SetFault(
      {.kind = DiskFault::Kind::kFailsForEver, .at = world.disk.operations(), .error = EIO});
  world.TellSome(20);
  EXPECT_TRUE(world.outbox->gone_bad());
  world.disk.Heal();
  world.Ask(1, 1, 10);
  const std::vector<MissedEvent> heard = world.Hear();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].kind, Kind::kNotNow);
}

// No event need come for it to go on.
TEST(Outbox, TellsWhatAFullDiskHasNoSpaceForAndWritesItOnceThereIs) {
  OutboxWorld world;
  world.TellSome(20);
  world.disk.SetFault({.kind = DiskFault::Kind::kIsFull, .at = world.disk.operations()});
  world.TellSome(100);
  world.outbox->WantSynced(world.stream.sequence());
  world.Settle();
  EXPECT_EQ(world.outbox->synced(), 0u);
  EXPECT_FALSE(world.outbox->gone_bad());
  EXPECT_TRUE(world.outbox->waits());
  world.Ask(4, 3, 10);
  ExpectEvents(world.Hear(), 3, 10);
  world.disk.Heal();
  world.Settle();
  EXPECT_TRUE(world.outbox->waits());
  world.PassASecond();
  world.Settle();
  EXPECT_FALSE(world.outbox->waits());
  EXPECT_EQ(world.outbox->synced(), world.stream.sequence());
  SimDisk after(world.disk, PowerCut::kLosesUnsynced, 1);
  world.stream.ExpectAllKept(*OpenStore(after));
}

// One error of the disk is not the end of what is kept.
TEST(Outbox, SaysNotNowWhereItCannotRead) {
  OutboxWorld world;
  world.TellSome(20);
  world.disk.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = world.disk.operations()});
  world.Ask(1, 1, 1);
  std::vector<MissedEvent> heard = world.Hear();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].kind, Kind::kNotNow);
  EXPECT_FALSE(world.outbox->read_status().ok());
  world.Ask(1, 1, 1);
  ExpectEvents(world.Hear(), 1, 1);
}

// Nothing of it is kept and nothing of it is to come: it must not wait.
TEST(Outbox, SaysThatAllIsGoneOfACredentialWhoseEventsAre) {
  OutboxWorld world([](EventStore& store) { store.Expect(CredentialId{77}, 9); });
  world.TellSome(20);
  world.Ask(77, 5, 10);
  const std::vector<MissedEvent> heard = world.Hear();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].kind, Kind::kGone);
  EXPECT_EQ(heard[0].first, 9u);
}

TEST(Outbox, ForgetsTheQueriesOfASessionThatHasEnded) {
  OutboxWorld world;
  world.TellSome(20);
  world.Ask(2, world.ToldTo(2) + 1, 10, /*session=*/5);
  world.Ask(3, world.ToldTo(3) + 1, 10, /*session=*/6);
  world.Settle();
  world.Ask(2, 0, 0, /*session=*/5);
  world.Settle();
  world.TellSome(50);
  for (const MissedEvent& missed : world.Hear()) EXPECT_EQ(missed.session, 6u);
  EXPECT_FALSE(world.outbox->waits());
}

}  // namespace
}  // namespace engine
