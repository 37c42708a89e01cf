// `peerwatt controller`: one order of one home, from logon to fill. The sample for controller
// makers.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "engine/core/command.h"
#include "gateway/tls_identity.h"

namespace tools {

struct ControllerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string token;
  std::shared_ptr<const gateway::TlsIdentity> tls;  // Null: not over TLS.
  std::string tls_name;                             // As in ClientOptions.
  engine::OrderBody order;  // start_minute 0: the next product whose gate can still be reached.
  std::uint32_t theta = 0;  // Of a live bid's answers, ticks per MWh; 0: the order is not live.
  std::int64_t timeout_s = 3'600;  // For everything.
};

// Logs on, submits the order, prints its answer, answers the prices that are called, and prints its
// round and fill when they come. Ensures: an error where the order is refused or withdrawn or the
// timeout passes before its round is told; DataLossError where events were missed between two
// connections, and, once all is told or the time is up, where a lottery's secret does not hash to
// what was announced first or another hash was announced behind that.
absl::Status RunController(const ControllerOptions& options, std::ostream& out);

}  // namespace tools
