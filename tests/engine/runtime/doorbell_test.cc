#include "engine/runtime/doorbell.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

namespace engine {
namespace {

bool Readable(const Doorbell& doorbell) {
  pollfd wait{doorbell.fd(), POLLIN, 0};
  return ::poll(&wait, 1, 0) == 1;
}

TEST(Doorbell, IsSilentWhileItsOwnerIsAwake) {
  Doorbell doorbell;
  doorbell.Ring();
  EXPECT_FALSE(Readable(doorbell));
}

TEST(Doorbell, SignalsAnOwnerThatPreparesToSleep) {
  Doorbell doorbell;
  doorbell.PrepareToSleep();
  EXPECT_FALSE(Readable(doorbell));
  doorbell.Ring();
  EXPECT_TRUE(Readable(doorbell));
  doorbell.Sleep(-1);
  doorbell.WakeUp();
  EXPECT_FALSE(Readable(doorbell));
}

TEST(Doorbell, EndsItsSleepWhenTheTimeHasPassed) {
  Doorbell doorbell;
  doorbell.PrepareToSleep();
  doorbell.Sleep(1'000);
  doorbell.WakeUp();
}

TEST(Doorbell, EndsItsSleepWhenTheOtherDescriptorIsReadable) {
  Doorbell doorbell;
  Doorbell other;
  other.PrepareToSleep();
  other.Ring();
  doorbell.PrepareToSleep();
  doorbell.Sleep(-1, other.fd());
  doorbell.WakeUp();
  EXPECT_TRUE(Readable(other));
}

template <typename Ready>
void SleepUnless(Doorbell& doorbell, Ready ready) {
  doorbell.PrepareToSleep();
  if (!ready()) doorbell.Sleep(-1);
  doorbell.WakeUp();
}

// Threads that ask and one that answers, each asleep whenever it finds nothing.
class Conversation {
 public:
  static constexpr std::size_t kAskers = 3;
  static constexpr std::uint64_t kRounds = 5'000;

  void Ask(std::size_t asker) {
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      asked_[asker].store(round, std::memory_order_release);
      doorbell_.Ring();
      const auto answered = [this, asker, round] {
        return done_[asker].load(std::memory_order_acquire) == round;
      };
      while (!answered()) SleepUnless(answered_[asker], answered);
    }
  }
  void AnswerAll() {
    while (!Finished()) {
      if (!Answer()) SleepUnless(doorbell_, [this] { return Answer(); });
    }
  }
  bool Finished() const {
    return std::all_of(std::begin(done_), std::end(done_),
                       [](const auto& done) { return done.load() == kRounds; });
  }

 private:
  bool Answer() {
    bool any = false;
    for (std::size_t i = 0; i < kAskers; ++i) {
      const std::uint64_t round = asked_[i].load(std::memory_order_acquire);
      if (round == done_[i].load(std::memory_order_relaxed)) continue;
      done_[i].store(round, std::memory_order_release);
      answered_[i].Ring();
      any = true;
    }
    return any;
  }

  Doorbell doorbell_;
  Doorbell answered_[kAskers];
  std::atomic<std::uint64_t> asked_[kAskers] = {};
  std::atomic<std::uint64_t> done_[kAskers] = {};
};

// Nobody sleeps with a timeout, so one lost ring is a hang.
TEST(Doorbell, LosesNoRingOfManyThreads) {
  Conversation conversation;
  std::vector<std::thread> askers;
  askers.reserve(Conversation::kAskers);
  for (std::size_t i = 0; i < Conversation::kAskers; ++i) {
    askers.emplace_back([&conversation, i] { conversation.Ask(i); });
  }
  conversation.AnswerAll();
  for (std::thread& asker : askers) asker.join();
  EXPECT_TRUE(conversation.Finished());
}

}  // namespace
}  // namespace engine
