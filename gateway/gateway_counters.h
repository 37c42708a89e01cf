// What a gateway has done so far, in numbers that any thread may read while it runs.
#pragma once

#include "engine/runtime/counters.h"
#include "gateway/last_words.h"

namespace gateway {

// Since the process started, if not said otherwise. Thread: the gateway's writes, any reads.
struct GatewayCounters {
  engine::Counter sessions;  // Now.
  engine::Counter accepted;  // Connections.
  engine::Counter refused;   // Connections over a limit.
  engine::Counter accept_errors;
  engine::Counter handshakes;  // Done.
  engine::Counter handshakes_failed;
  LastWords handshake_why;       // Who failed last, and why.
  engine::Counter frames_bad;    // Not a frame at all; their connections were ended.
  engine::Counter slow_readers;  // Ended for it.
};

}  // namespace gateway
