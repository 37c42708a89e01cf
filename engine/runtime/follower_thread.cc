#include "engine/runtime/follower_thread.h"

#include <chrono>
#include <utility>

#include <pthread.h>

#include "engine/core/check.h"

namespace engine {
namespace {

constexpr std::chrono::seconds kLookAgain(1);

bool DidSomething(const Follower::Step& step) {
  return step.applied || step.snapshot.has_value() || !step.snapshot_status.ok() ||
         !step.damaged.empty();
}

}  // namespace

FollowerThread::FollowerThread(Follower& follower, Report report)
    : follower_(follower), report_(std::move(report)), thread_([this] { Run(); }) {
  CHECK(::pthread_setname_np(thread_.native_handle(), "follower") == 0);
}

FollowerThread::~FollowerThread() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_.store(true, std::memory_order_relaxed);
  }
  woken_.notify_one();
  thread_.join();
}

void FollowerThread::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const absl::StatusOr<Follower::Step> step = follower_.Follow(stop_);
    const bool stopped = stop_ && absl::IsUnavailable(step.status());
    if (!stopped && (!step.ok() || DidSomething(*step))) report_(step);
    if (!step.ok()) return;
    lock.lock();
    woken_.wait_for(lock, kLookAgain, [this] { return stop_.load(); });
  }
}

}  // namespace engine
