// `peerwatt replay FEED --to HOST:PORT`: a feed against a daemon, and what its clients saw.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "engine/core/product.h"
#include "engine/core/reason.h"
#include "engine/runtime/latency_histogram.h"
#include "tools/peerwatt/client_tls.h"
#include "tools/peerwatt/replay_plan.h"

namespace tools {

// When an order is sent.
enum class ReplayRate : std::uint8_t {
  kClock,  // At its own time on the daemon's clock: open loop.
  kFixed,  // At a fixed number a second, whatever the answers: open loop.
  kMax,    // As soon as the daemon has answered enough of those before: closed loop.
};

// How the homes behind a replay's bids play, where the market's rounds are games. A home is live,
// slow or silent by its account, in these proportions.
struct ReplayPlay {
  std::uint32_t theta = 0;  // Ticks per MWh; 0: the bids are as the feed has them.
  std::uint32_t live = 100;
  std::uint32_t slow = 0;
  std::uint32_t silent = 0;
  std::int64_t slow_ms = 500;
};

struct NetworkReplayOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  ReplayRate rate = ReplayRate::kClock;
  double orders_per_second = 0;  // kFixed.
  std::size_t batch = 64;        // Orders in one frame at most.
  std::uint32_t window = 32;     // Unanswered frames a connection.
  std::int64_t timeout_s = 600;  // The whole replay, but for wait_s.
  std::int64_t wait_s = 30;      // kFixed, kMax: rounds with a gate so soon after the last answer
                                 // are waited for; kClock: all are.
  // Orders that are due so short a time before a gate of their product, on the exchange's clock,
  // are told of apart; 0: none are.
  std::int64_t burst_s = 0;
  ReplayPlay play;
  ClientTls tls;             // But for the certificate: each credential has its own.
  std::string certificates;  // Over TLS: a folder with N.pem, certificate and key of credential N.
  std::string acks;          // A file that gets a line an answer; empty: none.
};

// What a product came to, as its clients heard it.
struct ProductReport {
  bool traded = false;
  bool is_void = false;
  bool is_told = false;         // Its last round was.
  std::uint64_t energy_wh = 0;  // Of the round, told to everyone.
  std::uint64_t bid_wh = 0;     // Accepted of this replay's orders.
  std::uint64_t ask_wh = 0;
  std::uint64_t bought_wh = 0;  // Filled of this replay's orders.
  std::uint64_t sold_wh = 0;
  std::int64_t paid_units = 0;    // For what was bought, and
  std::int64_t got_units = 0;     // got for what was sold.
  std::int64_t last_fill_ns = 0;  // When it was heard, on the steady clock; 0: none was.
};

// What became of the orders that were due shortly before a gate, and of those gates.
struct BurstReport {
  std::uint64_t orders = 0;
  std::uint64_t late = 0;  // Refused since the gate was over, though they were due before it.
  engine::LatencyHistogram answer_ns;
  engine::LatencyHistogram last_fill_ns;  // By product: from its last gate to its last fill.
};

struct NetworkReplayResult {
  std::uint64_t orders = 0;  // Answered, refused ones too.
  std::uint64_t accepted = 0;
  std::uint64_t fills = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t rounds_not_heard = 0;  // By clients that were disconnected when they were told.
  std::uint64_t rounds_to_come = 0;    // Products with gates beyond the wait: no fills of them.
  std::map<engine::Reason, std::uint64_t> refused;
  std::uint64_t prices_called = 0;  // To homes; and what they said:
  std::uint64_t quantities_counted = 0;
  std::map<engine::Reason, std::uint64_t> quantities_refused;
  std::int64_t elapsed_ns = 0;  // From the first order sent to the last answer.
  std::uint32_t clock_factor = 1;
  engine::LatencyHistogram answer_ns;  // From the time an order was due to be sent to its answer.
  std::map<engine::ProductId, ProductReport> products;
  BurstReport burst;
};

// Ensures: an error where no daemon is there, a logon is refused, or the timeout passes before
// every
//          order is answered.
absl::StatusOr<NetworkReplayResult> ReplayOverNetwork(const ReplayPlan& plan,
                                                      const NetworkReplayOptions& options);

void PrintReplayJson(const NetworkReplayResult& result, std::ostream& out);
void PrintReplayText(const NetworkReplayResult& result, std::ostream& out);

}  // namespace tools
