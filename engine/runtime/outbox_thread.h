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
  // that is not what it was the time before; `space` when the disk is full, and with OK when what
  // waited for space is written.
  using Told = std::function<void(const absl::Status&)>;
  OutboxThread(Outbox& outbox, Told failed, Told space);
  ~OutboxThread();  // Takes what is in its rings and ends.
  OutboxThread(const OutboxThread&) = delete;
  OutboxThread& operator=(const OutboxThread&) = delete;

 private:
  void Run();
  void Report(const absl::Status& status);
  void ReportSpace();

  Outbox& outbox_;
  const Told failed_;
  const Told space_;
  absl::Status reported_;
  bool has_space_ = true;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace engine
