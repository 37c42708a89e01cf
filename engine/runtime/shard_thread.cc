#include "engine/runtime/shard_thread.h"

#include <utility>

#include <pthread.h>

#include "engine/core/check.h"

namespace engine {
namespace {

// A gateway that takes no more events does not keep the process from ending.
constexpr int kLastWaitsMax = 2'000;
constexpr std::int64_t kLastWaitNs = 1'000'000;

}  // namespace

ShardThread::ShardThread(Shard& shard, Doorbell& doorbell, const std::string& name,
                         std::function<void(const absl::Status&)> failed)
    : shard_(shard), doorbell_(doorbell), failed_(std::move(failed)), thread_([this] { Run(); }) {
  CHECK(::pthread_setname_np(thread_.native_handle(), name.c_str()) == 0);
}

ShardThread::~ShardThread() { Stop(); }

void ShardThread::Stop() {
  stop_.store(true, std::memory_order_release);
  doorbell_.Ring();
  if (thread_.joinable()) thread_.join();
}

void ShardThread::Run() {
  while (!stop_.load(std::memory_order_acquire)) {
    if (shard_.Turn()) continue;
    if (!shard_.status().ok()) break;
    doorbell_.PrepareToSleep();
    if (!shard_.Turn() && !stop_.load(std::memory_order_acquire)) {
      doorbell_.Sleep(shard_.IdleNs(), shard_.completion_fd());
    }
    doorbell_.WakeUp();
    shard_.WokenUp();
  }
  if (shard_.status().ok()) Finish();
  if (!shard_.status().ok()) failed_(shard_.status());
}

void ShardThread::Finish() {
  int waits = 0;
  while (shard_.status().ok() && !shard_.AtRest() && waits < kLastWaitsMax) {
    if (shard_.Turn()) continue;
    ++waits;
    doorbell_.PrepareToSleep();
    doorbell_.Sleep(kLastWaitNs, shard_.completion_fd());
    doorbell_.WakeUp();
    shard_.WokenUp();
  }
  if (shard_.status().ok()) (void)shard_.Settle();  // status() has it.
}

}  // namespace engine
