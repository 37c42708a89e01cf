// The thread that a follower runs in.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/status/statusor.h"
#include "engine/runtime/follower.h"

namespace engine {

// Looks for closed segments once a second, with what the order path leaves of the processor, and
// once a minute after an error; DataLoss ends it.
class FollowerThread {
 public:
  // Called in the thread with each step that did something, and with the error.
  using Report = std::function<void(const absl::StatusOr<Follower::Step>&)>;

  // Starts it. The follower belongs to it until it has ended.
  FollowerThread(Follower& follower, Report report);
  ~FollowerThread();  // Waits for the write in hand, if any; a replay is broken off.
  FollowerThread(const FollowerThread&) = delete;
  FollowerThread& operator=(const FollowerThread&) = delete;

 private:
  void Run();

  Follower& follower_;
  const Report report_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace engine
