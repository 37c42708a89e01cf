// What the process needs to know: ports, threads, memory, deadlines. Nothing here can change a
// fill.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/journal/batch_writer.h"
#include "gateway/options.h"
#include "gateway/tls_identity.h"

namespace gateway {

// Numbers are as wide as TOML's; ParseConfig has checked their ranges.
struct Config {
  std::string listen_address = "127.0.0.1";
  std::int64_t listen_port = 7411;
  bool listen_insecure = false;
  std::int64_t gateway_threads = 1;

  TlsFiles tls;  // All empty: none.

  std::int64_t max_connections = 20'000;
  std::int64_t max_of_an_address = 1'000;
  std::int64_t max_not_logged_on = 2'000;
  std::int64_t max_not_logged_on_of_an_address = 200;
  std::int64_t accepts_per_second = 2'000;
  std::int64_t connection_memory_mib = 256;
  std::int64_t device_output_kib = 256;
  std::int64_t aggregator_output_kib = 65'536;

  std::int64_t logon_timeout_ms = 5'000;
  std::int64_t frame_timeout_ms = 10'000;
  std::int64_t slow_reader_timeout_ms = 30'000;
  std::int64_t idle_slack_ms = 5'000;
  std::int64_t reconnect_after_ms = 1'000;
  std::int64_t heartbeat_default_s = 30;
  std::int64_t heartbeat_min_s = 1;
  std::int64_t heartbeat_max_s = 300;

  std::int64_t device_orders_per_second = 20;
  std::int64_t aggregator_orders_per_second = 100'000;
  std::int64_t operator_orders_per_second = 1'000;
  std::int64_t cancel_factor = 4;

  engine::WriterChoice journal_backend = engine::WriterChoice::kAuto;
  std::int64_t journal_segment_mib = 64;
  std::int64_t journal_batch_kib = 1'024;
  std::int64_t journal_snapshot_segments = 1;
  std::int64_t journal_keep_days = 0;

  std::int64_t outbox_keep_hours = 72;
  std::int64_t outbox_limit_mib = 1'024;
  std::int64_t ring_command_kib = 1'024;
  std::int64_t ring_events = 16'384;

  std::int64_t memory_limit_mib = 0;

  std::string log_level = "info";

  friend bool operator==(const Config&, const Config&) = default;
};

// Ensures: an error that names file, line, key and what is allowed; keys left out have the default.
absl::StatusOr<Config> ParseConfig(std::string_view text, const std::string& file);

// A file that says in comments what every key is, with the defaults.
std::string DefaultConfigText();

GatewayOptions ToGatewayOptions(const Config& config);

}  // namespace gateway
