// `peerwatt compare FEED`: the same recorded orders through several round rules, bids held fixed or
// made anew by agents.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/core/market_definition.h"
#include "tools/peerwatt/fed_orders.h"

namespace tools {

// Who bids. kNone: the feed's orders are sent as they are. Else the limit of each order, and of
// each that replaces it, is its party's true value from then on, and kTruthful: sent as it is;
// kZip: sent with the limit that its agent makes of it then (zip_agents.h), which stays until the
// feed replaces the order. Energies, times, replaces and cancels are the feed's.
enum class Agents : std::uint8_t { kNone, kTruthful, kZip };

// What the feed came to under one rule. Surpluses are measured by the feed's limits, as if they
// were true.
struct RuleResult {
  std::string name;           // As it was asked for.
  std::uint64_t rounds = 0;   // That traded.
  std::uint64_t refused = 0;  // Orders that the rule or a book did not take.
  std::uint64_t energy_wh = 0;
  std::int64_t paid_units = 0;  // By buyers.
  std::int64_t buyers_surplus_units = 0;
  std::int64_t sellers_surplus_units = 0;
  std::int64_t operator_balance_units = 0;
  std::uint64_t unserved_wh =
      0;                        // Bids' energy that is left to the grid when their last round ends,
  std::uint64_t unsold_wh = 0;  // and asks'.
  // What was sent in all rounds, and that times how far its limits were from the feed's.
  std::uint64_t sent_wh = 0;
  std::int64_t shaded_units = 0;

  // What bidders value the energy at less what askers want for it.
  std::int64_t welfare_units() const {
    return buyers_surplus_units + sellers_surplus_units + operator_balance_units;
  }
  // Of one product that was chosen: its orders at the gate of its first round, and what it came to.
  std::vector<FedOrderState> book;
  std::uint64_t chosen_wh = 0;
  std::int32_t chosen_buy_ticks = 0;
  std::int32_t chosen_sell_ticks = 0;
};

struct Comparison {
  Agents agents = Agents::kNone;
  std::uint64_t seed = 0;
  std::int64_t optimum_units = 0;  // Welfare of the efficient trades of each round.
  std::vector<RuleResult> results;
};

struct CompareOptions {
  // Each "rule" or "rule:key=value:key=value".
  std::vector<std::string> rules;
  std::optional<engine::ProductId> chosen;
  Agents agents = Agents::kNone;
  std::uint64_t seed = 1;  // Of kZip. Each rule has agents of its own, all of this seed.
};

// Each rule in place of the feed's own, through the engine of the daemon. The optimum is that of
// the feed's limits, whoever bids. A vcg without a balance_account has one that bears all.
// Ensures: an error names the rule or the feed's record. Bids with a response are an error: what
//          they would do under another rule is not in the feed.
absl::StatusOr<Comparison> CompareRules(const std::string& feed, const CompareOptions& options);

// Headed by who bid, and that it is no forecast.
void PrintComparison(const Comparison& comparison, std::ostream& out);

}  // namespace tools
