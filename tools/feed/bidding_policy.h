// How homes bid for their net load: the seeded policy behind every feed that has no recorded bids.
//
// A home sends one order a slot: a bid for what it lacks, an ask for what it has over, none for
// zero. With span = retail - feed_in, its limit is
//
//   bid: retail  - span * shade / 1,000        ask: feed_in + span * shade / 1,000
//
// where shade = a part that the home always has, uniform from 0 to home_shade_permille, and a part
// of its own for each slot, uniform from 0 to slot_shade_permille. So nobody bids worse than the
// grid, and prices fall where much is offered and rise where little is.
//
// It sends the order before the gate by last_lead_s plus the product of two uniform draws of the
// rest of an hour: half of all orders come in the last twelve minutes. Of 1,000 devices and slots
// `burst_permille` wait instead until the last burst_s seconds before that, and come at any of
// them, as on an evening on which everybody waits for the last word on the weather. Of 1,000 homes
// `corrections_permille` first bid for a forecast, up to 20 % off, and replace it on the way to the
// gate by an order for their true net load. Energies that a correction cannot mend into an order of
// the same side stay as forecast.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "engine/core/market_definition.h"
#include "tools/feed/feed_file.h"
#include "tools/feed/net_load.h"

namespace tools {

struct BiddingPolicy {
  std::uint64_t seed = 1;
  std::uint32_t home_shade_permille = 500;  // With slot_shade_permille at most 1,000.
  std::uint32_t slot_shade_permille = 300;
  std::uint32_t corrections_permille = 100;
  std::uint32_t last_lead_s = 30;  // The latest order comes so long before the gate.
  std::uint32_t burst_permille = 0;
  std::uint32_t burst_s = 10;
  std::uint32_t homes_per_credential = 1;  // Above 1: aggregators.
  std::uint32_t connection_limit_w = 0;    // Import and export limit of a metering point.
};

// Writes the definitions (home h: account, party and metering point h + 1) and all orders.
// Memory: the orders of two hours.
absl::Status WriteHomeOrders(const NetLoad& loads, const engine::MarketDefinition& market,
                             const BiddingPolicy& policy, FeedWriter& feed);

}  // namespace tools
