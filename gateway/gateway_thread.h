// The thread that turns a gateway.
#pragma once

#include <atomic>
#include <thread>

#include "gateway/gateway.h"

namespace gateway {

class GatewayThread {
 public:
  // Starts it. Requires: `gateway` outlives it and nobody else turns it.
  explicit GatewayThread(Gateway& gateway);
  ~GatewayThread();  // Ends the sessions, then the thread.
  GatewayThread(const GatewayThread&) = delete;
  GatewayThread& operator=(const GatewayThread&) = delete;

  // Takes no more connections and ends the sessions. Blocks until the last one is closed; the
  // thread goes on taking events, so that the shard can end behind it.
  void EndSessions();

 private:
  void Run();

  Gateway& gateway_;
  std::atomic<bool> ended_{false};
  std::atomic<bool> finish_{false};
  std::thread thread_;
};

}  // namespace gateway
