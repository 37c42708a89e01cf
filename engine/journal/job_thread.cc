#include "engine/journal/job_thread.h"

#include <utility>

#include <pthread.h>

#include "engine/core/check.h"

namespace engine {

JobThread::JobThread(const std::string& name, std::function<void()> job, std::function<void()> done)
    : job_(std::move(job)), done_(std::move(done)), thread_([this] { Run(); }) {
  CHECK(pthread_setname_np(thread_.native_handle(), name.c_str()) == 0);
}

JobThread::~JobThread() {
  while (state_.load(std::memory_order_acquire) == State::kStarted) state_.wait(State::kStarted);
  state_.store(State::kStopped, std::memory_order_release);
  state_.notify_one();
  thread_.join();
}

void JobThread::Start() {
  CHECK(state_.load(std::memory_order_relaxed) == State::kIdle);
  state_.store(State::kStarted, std::memory_order_release);
  state_.notify_one();
}

bool JobThread::Finished() {
  if (state_.load(std::memory_order_acquire) != State::kDone) return false;
  state_.store(State::kIdle, std::memory_order_relaxed);
  return true;
}

void JobThread::Run() {
  while (true) {
    const State state = state_.load(std::memory_order_acquire);
    if (state == State::kStopped) return;
    if (state != State::kStarted) {
      state_.wait(state);
      continue;
    }
    job_();
    state_.store(State::kDone, std::memory_order_release);
    state_.notify_one();
    done_();
  }
}

}  // namespace engine
