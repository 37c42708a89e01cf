#include "engine/runtime/ring.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "engine/runtime/doorbell.h"

namespace engine {
namespace {

struct Item {
  std::uint64_t number = 0;
  std::uint64_t check = 0;
  std::uint64_t filling[6] = {};
};

Item MakeItem(std::uint64_t number) { return {number, number * 0x9E3779B97F4A7C15, {}}; }

TEST(Ring, HoldsItsCapacityAndNoMore) {
  auto [sender, receiver] = MakeRing<Item>(8);
  EXPECT_EQ(sender.capacity(), 8u);
  EXPECT_EQ(sender.Room(), 8u);
  for (std::uint64_t i = 0; i < 8; ++i) sender.Put(MakeItem(i));
  EXPECT_EQ(sender.Room(), 0u);
  sender.Publish();
  EXPECT_EQ(receiver.Ready().size(), 8u);
  receiver.Consume(3);
  EXPECT_EQ(sender.Room(), 3u);
}

TEST(Ring, ShowsNothingBeforePublish) {
  auto [sender, receiver] = MakeRing<Item>(8);
  sender.Put(MakeItem(1));
  EXPECT_TRUE(receiver.Ready().empty());
  sender.Publish();
  ASSERT_EQ(receiver.Ready().size(), 1u);
  EXPECT_EQ(receiver.Ready()[0].number, 1u);
}

TEST(Ring, RoomIsExactWhereLessThanWantedIsLeft) {
  auto [sender, receiver] = MakeRing<Item>(8);
  for (std::uint64_t i = 0; i < 6; ++i) sender.Put(MakeItem(i));
  sender.Publish();
  receiver.Consume(receiver.Ready().size());
  EXPECT_GE(sender.Room(), 1u);  // The last known position still leaves two.
  EXPECT_EQ(sender.Room(8), 8u);
}

TEST(Ring, AnItemOfAnySizeWrapsAtEveryPlace) {
  struct Odd {
    std::uint8_t bytes[13];
  };
  auto [sender, receiver] = MakeRing<Odd>(4);
  for (std::uint8_t i = 0; i < 100; ++i) {
    Odd item{};
    item.bytes[12] = i;
    sender.Put(item);
    sender.Publish();
    ASSERT_EQ(receiver.Ready().size(), 1u);
    EXPECT_EQ(receiver.Ready()[0].bytes[12], i);
    receiver.Consume(1);
  }
}

// A ring beside the two queues that it stands for.
class Twins {
 public:
  explicit Twins(std::uint64_t seed) : random_(seed) {}

  void Step() {
    switch (random_() % 3) {
      case 0:
        return Put();
      case 1:
        return Publish();
      default:
        return Take();
    }
  }
  bool RoomIsRight() {
    return ring_.sender.Room(kCapacity) == kCapacity - hidden_.size() - visible_.size();
  }
  std::uint64_t taken() const { return taken_; }
  std::uint64_t wrong() const { return wrong_; }

 private:
  static constexpr std::size_t kCapacity = 16;

  void Put() {
    if (ring_.sender.Room() == 0) return;
    ring_.sender.Put(MakeItem(next_));
    hidden_.push_back(next_++);
  }
  void Publish() {
    ring_.sender.Publish();
    visible_.insert(visible_.end(), hidden_.begin(), hidden_.end());
    hidden_.clear();
  }
  void Take() {
    const auto ready = ring_.receiver.Ready();
    if (ready.empty() || ready.size() > visible_.size()) {
      wrong_ += ready.empty() && visible_.empty() ? 0 : 1;
      return;
    }
    const std::size_t taken = random_() % ready.size() + 1;
    for (const Item& item : ready.first(taken)) {
      wrong_ += item.number == visible_.front() ? 0 : 1;
      visible_.pop_front();
    }
    ring_.receiver.Consume(taken);
    taken_ += taken;
  }

  std::mt19937_64 random_;
  Ring<Item> ring_ = MakeRing<Item>(kCapacity);
  std::deque<std::uint64_t> hidden_;
  std::deque<std::uint64_t> visible_;
  std::uint64_t next_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t wrong_ = 0;
};

TEST(Ring, DoesWhatADequeDoes) {
  constexpr std::uint64_t kSeed = 20261123;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  Twins twins(kSeed);
  for (int step = 0; step < 50'000; ++step) {
    twins.Step();
    ASSERT_TRUE(twins.RoomIsRight());
  }
  EXPECT_EQ(twins.wrong(), 0u);
  EXPECT_GT(twins.taken(), 1'000u);
}

template <typename Ready>
void SleepUnless(Doorbell& doorbell, Ready ready) {
  doorbell.PrepareToSleep();
  if (!ready()) doorbell.Sleep(-1);
  doorbell.WakeUp();
}

// Items from one thread to another through a ring that is often full.
class Traffic {
 public:
  void SendAll() {
    const auto room_again = [this] { return ring_.sender.Room() > 0; };
    for (std::uint64_t next = 0; next < kItems;) {
      const std::size_t room = ring_.sender.Room();
      if (room == 0) {
        SleepUnless(emptied_, room_again);
        continue;
      }
      for (std::size_t i = 0; i < room && next < kItems; ++i) ring_.sender.Put(MakeItem(next++));
      ring_.sender.Publish();
      filled_.Ring();
    }
  }
  // Ensures: returns how many were not what was sent.
  std::uint64_t TakeAll() {
    const auto some = [this] { return !ring_.receiver.Ready().empty(); };
    std::uint64_t wrong = 0;
    for (std::uint64_t expected = 0; expected < kItems;) {
      const auto ready = ring_.receiver.Ready();
      if (ready.empty()) {
        SleepUnless(filled_, some);
        continue;
      }
      for (const Item& item : ready) {
        const Item right = MakeItem(expected++);
        wrong += item.number != right.number || item.check != right.check ? 1 : 0;
      }
      ring_.receiver.Consume(ready.size());
      emptied_.Ring();
    }
    return wrong;
  }

 private:
  static constexpr std::uint64_t kItems = 200'000;

  Doorbell filled_;
  Doorbell emptied_;
  Ring<Item> ring_ = MakeRing<Item>(64);
};

TEST(Ring, KeepsOrderAndContentBetweenTwoThreads) {
  Traffic traffic;
  std::thread writer([&traffic] { traffic.SendAll(); });
  const std::uint64_t wrong = traffic.TakeAll();
  writer.join();
  EXPECT_EQ(wrong, 0u);
}

TEST(Ring, LivesAsLongAsEitherEnd) {
  auto ring = std::make_unique<Ring<Item>>(MakeRing<Item>(4));
  RingSender<Item> sender = std::move(ring->sender);
  ring.reset();
  sender.Put(MakeItem(1));
  sender.Publish();
  EXPECT_EQ(sender.Room(), 3u);
}

}  // namespace
}  // namespace engine
