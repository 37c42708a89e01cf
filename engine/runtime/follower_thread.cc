#include "engine/runtime/follower_thread.h"

#include <chrono>
#include <utility>

#include <pthread.h>
#include <sys/resource.h>

#include "engine/core/check.h"

namespace engine {
namespace {

constexpr std::chrono::seconds kLookAgain(1);
constexpr std::chrono::seconds kTryAgain(60);
constexpr int kNice = 10;

bool DidSomething(const Follower::Step& step) {
  return step.applied || step.snapshot.has_value() || !step.snapshot_status.ok() ||
         !step.damaged.empty() || step.removed > 0 || !step.removal_status.ok() ||
         !step.held_by.empty();
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
  // On Linux of this thread alone. Where it is refused, the follower competes with the order path.
  (void)::setpriority(PRIO_PROCESS, 0, kNice);
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const absl::StatusOr<Follower::Step> step = follower_.Follow(stop_);
    const bool stopped = stop_ && absl::IsUnavailable(step.status());
    if (!stopped && (!step.ok() || DidSomething(*step))) report_(step);
    if (absl::IsDataLoss(step.status())) return;
    lock.lock();
    woken_.wait_for(lock, step.ok() ? kLookAgain : kTryAgain, [this] { return stop_.load(); });
  }
}

}  // namespace engine
