// What a gateway may be told: deadlines, rates and memory. config.h reads them from a file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gateway {

struct GatewayOptions {
  using Milliseconds = std::chrono::milliseconds;

  Milliseconds logon_timeout{5'000};         // From accept to Logon.
  Milliseconds frame_timeout{10'000};        // From a frame's first byte to its last.
  Milliseconds slow_reader_timeout{30'000};  // Without a byte taken while some wait.
  Milliseconds closing_timeout{2'000};       // For a Terminate to be read.
  Milliseconds drain_timeout{5'000};         // At a stop, for answers to what was taken.
  Milliseconds idle_slack{5'000};            // Beyond two heartbeats.
  Milliseconds tick{250};                    // How exactly all these are kept.
  std::uint32_t accepts_per_second = 2'000;  // Connections, of one gateway thread.
  std::uint32_t reconnect_after_ms = 1'000;  // Told in a Terminate that is not the client's fault.

  std::uint16_t heartbeat_default_s = 30;
  std::uint16_t heartbeat_min_s = 1;
  std::uint16_t heartbeat_max_s = 300;

  std::size_t device_output_bytes = std::size_t{256} << 10;     // That wait to be sent.
  std::size_t aggregator_output_bytes = std::size_t{64} << 20;  // Of operators too.

  // By kind, where the credential has none of its own.
  std::uint32_t device_orders_per_second = 20;
  std::uint32_t aggregator_orders_per_second = 100'000;
  std::uint32_t operator_orders_per_second = 1'000;
  std::uint32_t cancel_factor = 4;  // Cancels have a bucket of their own, so much larger.

  std::uint32_t clock_factor = 1;  // Told to clients.
};

}  // namespace gateway
