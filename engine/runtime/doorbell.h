// How a thread that has found nothing to do sleeps until one of its rings has something.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/runtime/ring_storage.h"

namespace engine {

// One owner sleeps; any number of threads ring. Ringing costs a syscall only while the owner is
// going to sleep or asleep. Owner:
//
//   if (nothing to do) {
//     doorbell.PrepareToSleep();
//     if (still nothing to do) doorbell.Sleep(timeout_ns);   // or wait for fd() in a reactor
//     doorbell.WakeUp();
//   }
//
// Why none is lost: the ringer publishes (P), then loads asleep_ (L); the owner stores asleep_ (S),
// then loads the ring's position (R). Store-then-load of two places is the one order that
// release/acquire does not keep, so each side has a seq_cst fence between. The two fences have an
// order: if the ringer's is first, R sees P; else L sees S and the ringer writes the eventfd. The
// eventfd is a counter: a write before poll() makes poll() return at once.
class Doorbell {
 public:
  Doorbell();  // Stops the process where the system has no file descriptor left.
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Call after Publish(). Thread: any. Cost: a fence, and a syscall only if the owner sleeps.
  void Ring() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_relaxed)) Signal();
  }

  // From now on ringing signals. The owner must look at all of its rings once more before it
  // sleeps, and call WakeUp() whether it sleeps or not. Thread: owner.
  void PrepareToSleep() {
    asleep_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  // Waits until it is rung, `other_fd` is readable or the time has passed; may return earlier.
  // Requires: PrepareToSleep() before. timeout_ns < 0: no timeout; other_fd < 0: none.
  void Sleep(std::int64_t timeout_ns, int other_fd = -1);

  // Ringing is free again, and fd() no longer readable. Cost: one syscall.
  void WakeUp();

  // Readable while it was rung in the sleep; for a reactor to wait on, not to read or close.
  int fd() const { return fd_; }

 private:
  void Signal();

  alignas(kCacheLineBytes) std::atomic<bool> asleep_{false};
  const int fd_;
};

}  // namespace engine
