// The thread that turns an outbox and sleeps when it has nothing to do.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "engine/runtime/outbox.h"

namespace engine {

class OutboxThread {
 public:
  // Starts it. The outbox outlives it, and belongs to it until it has ended. `failed` is called in
  // the thread, once, when nothing can be kept any more, and when something cannot be read, where
  // that is not what it was the time before.
  OutboxThread(Outbox& outbox, std::function<void(const absl::Status&)> failed);
  ~OutboxThread();  // Takes what is in its rings and ends.
  OutboxThread(const OutboxThread&) = delete;
  OutboxThread& operator=(const OutboxThread&) = delete;

 private:
  void Run();
  void Report(const absl::Status& status);

  Outbox& outbox_;
  const std::function<void(const absl::Status&)> failed_;
  absl::Status reported_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace engine
