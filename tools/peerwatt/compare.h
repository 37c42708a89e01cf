// `peerwatt compare FEED`: the same recorded orders through several round rules, bids held fixed.
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

// What the feed came to under one rule. Surpluses are measured by the limits, as if they were true.
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
  std::int64_t optimum_units = 0;  // Welfare of the efficient trades of each round.
  std::vector<RuleResult> results;
};

struct CompareOptions {
  // Each "rule" or "rule:key=value:key=value".
  std::vector<std::string> rules;
  std::optional<engine::ProductId> chosen;
};

// Each rule in place of the feed's own, through the engine of the daemon, with the feed's limits,
// energies and times. A vcg without a balance_account has one that bears all.
// Ensures: an error names the rule or the feed's record. Bids with a response are an error: what
//          they would do under another rule is not in the feed.
absl::StatusOr<Comparison> CompareRules(const std::string& feed, const CompareOptions& options);

void PrintComparison(const Comparison& comparison, std::ostream& out);

}  // namespace tools
