// The thread that turns a shard and sleeps when it has nothing to do.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "engine/runtime/doorbell.h"
#include "engine/runtime/shard.h"

namespace engine {

// Never spins: between two pieces of work it waits for the doorbell, a write's completion or the
// next time that something is due.
class ShardThread {
 public:
  // Starts it. `doorbell` is the one that the shard's links ring; both outlive the thread, and the
  // shard belongs to it until it has ended. `failed` is called in the thread, once, if the shard
  // stops with an error: the process has to end, nothing is answered any more.
  // Requires: at most 15 characters in `name`, which tools show.
  ShardThread(Shard& shard, Doorbell& doorbell, const std::string& name,
              std::function<void(const absl::Status&)> failed);
  ~ShardThread();  // Stops it.
  ShardThread(const ShardThread&) = delete;
  ShardThread& operator=(const ShardThread&) = delete;

  // Takes what is in the rings, waits until it is on disk, releases its events and ends.
  // Requires: the gateways send nothing more, and go on taking events until this returns.
  void Stop();

 private:
  void Run();
  void Finish();

  Shard& shard_;
  Doorbell& doorbell_;
  const std::function<void(const absl::Status&)> failed_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace engine
