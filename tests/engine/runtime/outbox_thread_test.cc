// An outbox in its thread, between a shard's thread and a gateway's: what a thread sanitizer looks
// at.
#include "engine/runtime/outbox_thread.h"

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/covered_event.h"
#include "tests/support/manual_clock.h"
#include "tests/support/told_stream.h"

namespace engine {
namespace {

constexpr CredentialId kClient{4};
constexpr std::uint32_t kPiece = 20;
constexpr auto kFails = [](const absl::Status& status) { FAIL() << status; };

class OutboxThreadTest : public testing::Test {
 protected:
  OutboxThreadTest() {
    TapLink tap = MakeTapLink(shard_bell_, outbox_bell_, 1 << 10);
    MissedLink missed = MakeMissedLink(gateway_bell_, outbox_bell_, 16, 64);
    shard_.emplace(std::move(tap.shard));
    gateway_.emplace(std::move(missed.gateway));
    std::vector<MissedOutboxEnd> ends;
    ends.push_back(std::move(missed.outbox));
    outbox_.emplace(OpenStore(disk_), clock_, outbox_bell_, std::move(tap.outbox), std::move(ends));
    for (int i = 0; i < 2'000; ++i) {
      commands_.push_back({stream_.NextCommand(), 0});
      commands_.back().sequence = stream_.sequence();
    }
  }

  // As a shard does: waits where the ring is full, and rings.
  void TellAll() {
    const auto put = [this](const Event& event) {
      while (shard_->events.Room() == 0) std::this_thread::yield();
      shard_->events.Put(event);
    };
    for (const Told& told : commands_) {
      for (const Event& event : told.events) put(event);
      put(CoveredEvent(told.sequence));
      shard_->events.Publish();
      shard_->outbox_doorbell->Ring();
    }
  }

  // As a gateway does for a client that has missed all: piece by piece.
  void HearAll(std::size_t events) {
    std::uint64_t next = 1;
    while (next <= events) {
      gateway_->queries.Put({.session = 9, .credential = kClient, .most = kPiece, .from = next});
      gateway_->queries.Publish();
      gateway_->outbox_doorbell->Ring();
      for (bool ended = false; !ended;) {
        const auto ready = gateway_->events.Ready();
        if (ready.empty()) std::this_thread::yield();
        for (const MissedEvent& missed : ready) {
          ended = missed.kind != MissedEvent::Kind::kEvent;
          ASSERT_TRUE(!ended || missed.kind == MissedEvent::Kind::kEnd);
          if (ended) continue;
          ASSERT_EQ(missed.event.event_number, next);
          ++next;
        }
        gateway_->events.Consume(ready.size());
      }
    }
  }

  struct Told {
    std::vector<Event> events;
    std::uint64_t sequence;
  };

  SimDisk disk_;
  ManualClock clock_{1};
  ToldStream stream_{5};
  std::vector<Told> commands_;
  std::optional<Outbox> outbox_;
  std::optional<EventTap> shard_;
  std::optional<MissedGatewayEnd> gateway_;

 private:
  Doorbell shard_bell_;
  Doorbell outbox_bell_;
  Doorbell gateway_bell_;
};

TEST_F(OutboxThreadTest, TellsAClientAllWhileMoreIsTold) {
  const std::size_t events = stream_.told().at(kClient).size();
  ASSERT_GT(events, 10 * kPiece);
  absl::Status failed;
  {
    const auto fails = [&failed](const absl::Status& status) { failed = status; };
    const OutboxThread thread(*outbox_, fails, fails);
    std::thread gateway([&] { HearAll(events); });
    TellAll();
    gateway.join();
  }
  EXPECT_TRUE(failed.ok()) << failed;
}

TEST_F(OutboxThreadTest, IsSyncedSoFarAsItIsAskedTo) {
  const OutboxThread thread(*outbox_, kFails, kFails);
  TellAll();
  outbox_->WantSynced(stream_.sequence());
  while (outbox_->synced() < stream_.sequence()) std::this_thread::yield();
  EXPECT_FALSE(outbox_->gone_bad());
}

// Nobody rings when there is space again.
TEST_F(OutboxThreadTest, SaysThatTheDiskIsFullAndThatItGoesOn) {
  disk_.SetFault({.kind = DiskFault::Kind::kFailsOnce, .at = disk_.operations(), .error = ENOSPC});
  std::atomic<int> full{0};
  std::atomic<int> goes_on{0};
  const auto space = [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
    ++(status.ok() ? goes_on : full);
  };
  {
    const OutboxThread thread(*outbox_, kFails, space);
    TellAll();
    while (full == 0) std::this_thread::yield();
    EXPECT_EQ(goes_on, 0);
    clock_.Advance(1'000'000'000);
    while (goes_on == 0) std::this_thread::yield();
  }
  EXPECT_EQ(full, 1);
  EXPECT_EQ(goes_on, 1);
  EXPECT_EQ(outbox_->synced(), stream_.sequence());
}

TEST_F(OutboxThreadTest, KeepsWhatWasInItsRingsWhenItEnds) {
  {
    const OutboxThread thread(*outbox_, kFails, kFails);
    TellAll();
  }
  outbox_.reset();
  const std::unique_ptr<EventStore> store = OpenStore(disk_);
  while (commands_.back().events.empty()) commands_.pop_back();
  EXPECT_EQ(store->newest_sequence(), commands_.back().sequence);
  EXPECT_EQ(store->covered(), stream_.sequence());
}

}  // namespace
}  // namespace engine
