#include "engine/runtime/command_ring.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/doorbell.h"

namespace engine {
namespace {

constexpr std::uint32_t kHeader = sizeof(CommandHeader);

// A command whose every byte behind the header follows from `number`.
bool Send(CommandSender& sender, std::uint64_t number, std::uint32_t length) {
  CommandHeader* command = sender.Claim(length);
  if (command == nullptr) return false;
  command->client_seq = number;
  command->type = CommandType::kSubmitOrders;
  std::memset(reinterpret_cast<std::byte*>(command) + kHeader, static_cast<int>(number % 251),
              length - kHeader);
  sender.Commit();
  return true;
}

bool Is(const CommandHeader& command, std::uint64_t number, std::uint32_t length) {
  if (command.client_seq != number || command.length != length) return false;
  for (const std::byte byte : CommandView(&command).body()) {
    if (byte != static_cast<std::byte>(number % 251)) return false;
  }
  return true;
}

// Sends one command through an empty ring. Ensures: it came out as it went in.
bool Pass(CommandRing& ring, std::uint64_t number, std::uint32_t length) {
  if (!Send(ring.sender, number, length)) return false;
  ring.sender.Publish();
  const CommandHeader* front = ring.receiver.Front();
  const bool same = front != nullptr && Is(*front, number, length);
  if (front != nullptr) ring.receiver.Pop();
  ring.receiver.Release();
  return same;
}

// An empty ring whose next command begins at `offset`: 0, or 40 and more.
CommandRing MakeRingAt(std::size_t bytes, std::uint32_t offset) {
  CommandRing ring = MakeCommandRing(bytes);
  for (std::uint32_t place = 0; place < offset;) {
    const std::uint32_t rest = offset - place;
    const std::uint32_t step = rest >= 2 * kHeader ? kHeader : rest;
    EXPECT_TRUE(Pass(ring, 0, step));
    place += step;
  }
  return ring;
}

template <typename Ready>
void SleepUnless(Doorbell& doorbell, Ready ready) {
  doorbell.PrepareToSleep();
  if (!ready()) doorbell.Sleep(-1);
  doorbell.WakeUp();
}

TEST(CommandRing, GivesBackWhatWasPutInInOrder) {
  auto [sender, receiver] = MakeCommandRing(4'096);
  ASSERT_TRUE(Send(sender, 1, kHeader));
  ASSERT_TRUE(Send(sender, 2, kHeader + 80));
  EXPECT_EQ(receiver.Front(), nullptr);
  sender.Publish();
  ASSERT_NE(receiver.Front(), nullptr);
  EXPECT_TRUE(Is(*receiver.Front(), 1, kHeader));
  receiver.Pop();
  ASSERT_NE(receiver.Front(), nullptr);
  EXPECT_TRUE(Is(*receiver.Front(), 2, kHeader + 80));
  receiver.Pop();
  EXPECT_EQ(receiver.Front(), nullptr);
}

TEST(CommandRing, IsFullUntilItsReceiverReleases) {
  auto [sender, receiver] = MakeCommandRing(1'024);
  std::uint64_t sent = 0;
  while (Send(sender, sent, 64)) ++sent;
  EXPECT_EQ(sent, 16u);
  sender.Publish();
  ASSERT_NE(receiver.Front(), nullptr);
  receiver.Pop();
  EXPECT_FALSE(Send(sender, sent, 64));
  receiver.Release();
  EXPECT_TRUE(Send(sender, sent, 64));
  EXPECT_FALSE(Send(sender, sent, 64));
}

TEST(CommandRing, WrapsAtEveryOffset) {
  constexpr std::size_t kBytes = 512;
  for (std::uint32_t offset = kHeader; offset < kBytes + kHeader; offset += 8) {
    for (std::uint32_t length = kHeader; length <= kBytes / 2; length += 24) {
      CommandRing ring = MakeRingAt(kBytes, offset);
      bool same = true;
      for (std::uint64_t i = 1; i < 6; ++i) same = Pass(ring, i, length) && same;
      ASSERT_TRUE(same) << offset << ' ' << length;
    }
  }
}

TEST(CommandRing, AnEmptyRingTakesHalfItsSizeAtAnyOffset) {
  CommandRing ring = MakeCommandRing(1'024);
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const bool small = i % 2 == 0;
    const std::uint32_t length = small ? kHeader + static_cast<std::uint32_t>(i % 60) * 8 : 512;
    ASSERT_TRUE(Pass(ring, i, length));
  }
}

TEST(CommandRing, ForgetsAClaimThatIsNotCommitted) {
  auto [sender, receiver] = MakeCommandRing(256);
  for (int i = 0; i < 100; ++i) ASSERT_NE(sender.Claim(kHeader + 64), nullptr);
  ASSERT_TRUE(Send(sender, 7, kHeader));
  sender.Publish();
  ASSERT_NE(receiver.Front(), nullptr);
  EXPECT_TRUE(Is(*receiver.Front(), 7, kHeader));
}

TEST(CommandRing, ACommandMayEndShorterThanItWasClaimed) {
  auto [sender, receiver] = MakeCommandRing(512);
  CommandHeader* command = sender.Claim(kHeader + 200);
  ASSERT_NE(command, nullptr);
  command->client_seq = 1;
  command->length = kHeader;
  sender.Commit();
  ASSERT_TRUE(Send(sender, 2, kHeader));
  sender.Publish();
  ASSERT_NE(receiver.Front(), nullptr);
  EXPECT_TRUE(Is(*receiver.Front(), 1, kHeader));
  receiver.Pop();
  ASSERT_NE(receiver.Front(), nullptr);
  EXPECT_TRUE(Is(*receiver.Front(), 2, kHeader));
}

// A ring beside the two queues that it stands for.
class Twins {
 public:
  explicit Twins(std::uint64_t seed) : random_(seed) {}

  void Step() {
    const std::uint64_t choice = random_() % 8;
    if (choice < 4) return Put();
    if (choice < 6) return Publish();
    for (std::uint64_t i = random_() % 4; i > 0; --i) Take();
    ring_.receiver.Release();
  }

  std::uint64_t sent() const { return next_; }
  std::uint64_t refused() const { return refused_; }
  std::uint64_t wrong() const { return wrong_; }

 private:
  struct Sent {
    std::uint64_t number;
    std::uint32_t length;
  };

  void Put() {
    const auto length = kHeader + static_cast<std::uint32_t>(random_() % 100) * 8;
    if (!Send(ring_.sender, next_, length)) {
      ++refused_;
      return;
    }
    hidden_.push_back({next_++, length});
  }
  void Publish() {
    ring_.sender.Publish();
    visible_.insert(visible_.end(), hidden_.begin(), hidden_.end());
    hidden_.clear();
  }
  void Take() {
    const CommandHeader* front = ring_.receiver.Front();
    if (front == nullptr || visible_.empty()) {
      wrong_ += (front == nullptr) != visible_.empty() ? 1 : 0;
      return;
    }
    wrong_ += Is(*front, visible_.front().number, visible_.front().length) ? 0 : 1;
    ring_.receiver.Pop();
    visible_.pop_front();
  }

  std::mt19937_64 random_;
  CommandRing ring_ = MakeCommandRing(2'048);
  std::deque<Sent> hidden_;
  std::deque<Sent> visible_;
  std::uint64_t next_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t wrong_ = 0;
};

TEST(CommandRing, DoesWhatADequeDoes) {
  constexpr std::uint64_t kSeed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  Twins twins(kSeed);
  for (int step = 0; step < 50'000; ++step) twins.Step();
  EXPECT_EQ(twins.wrong(), 0u);
  EXPECT_GT(twins.refused(), 100u);
  EXPECT_GT(twins.sent(), 1'000u);
}

// Commands of many lengths from one thread to another through a ring that is often full.
class Traffic {
 public:
  void SendAll() {
    for (std::uint64_t next = 0; next < kCommands;) {
      const bool sent = Send(ring_.sender, next, LengthOf(next));
      next += sent ? 1 : 0;
      if (sent && next % 5 != 0 && next != kCommands) continue;
      ring_.sender.Publish();
      filled_.Ring();
      if (sent) continue;
      SleepUnless(emptied_, [this, next] { return ring_.sender.Claim(LengthOf(next)) != nullptr; });
    }
  }
  // Ensures: returns how many were not what was sent.
  std::uint64_t TakeAll() {
    const auto some = [this] { return ring_.receiver.Front() != nullptr; };
    std::uint64_t wrong = 0;
    for (std::uint64_t expected = 0; expected < kCommands;) {
      const CommandHeader* front = ring_.receiver.Front();
      if (front == nullptr) {
        ring_.receiver.Release();
        emptied_.Ring();
        SleepUnless(filled_, some);
        continue;
      }
      wrong += Is(*front, expected, LengthOf(expected)) ? 0 : 1;
      ++expected;
      ring_.receiver.Pop();
    }
    return wrong;
  }

 private:
  static constexpr std::uint64_t kCommands = 50'000;
  static std::uint32_t LengthOf(std::uint64_t number) {
    return kHeader + static_cast<std::uint32_t>(number * 7'919 % 64) * 8;
  }

  Doorbell filled_;
  Doorbell emptied_;
  CommandRing ring_ = MakeCommandRing(8'192);
};

TEST(CommandRing, KeepsOrderAndContentBetweenTwoThreads) {
  Traffic traffic;
  std::thread writer([&traffic] { traffic.SendAll(); });
  const std::uint64_t wrong = traffic.TakeAll();
  writer.join();
  EXPECT_EQ(wrong, 0u);
}

TEST(CommandRingDeathTest, RefusesACommandThatNoEmptyRingCouldHold) {
  auto ring = MakeCommandRing(1'024);
  EXPECT_DEATH(ring.sender.Claim(520), "CHECK failed");
  EXPECT_DEATH(ring.sender.Claim(kHeader + 4), "CHECK failed");
}

}  // namespace
}  // namespace engine
