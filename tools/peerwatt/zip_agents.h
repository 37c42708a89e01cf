// Zero-intelligence-plus traders: simulated parties that learn by how much to shade their bids.
//
// An agent is one side of a party in one market. It has a margin: what it would keep for itself of
// a unit's value, as a share of that value. An order of value v is sent with the limit
//
//   bid: v - floor(s)        ask: v + floor(s)        s = margin * max(|v|, 1 tick)
//
// kept within the market's band, so never beyond v. Each agent draws its first margin uniformly
// from 0.05 to 0.35, its learning rate beta from 0.1 to 0.5 and its momentum gamma from 0 to 0.1.
//
// After each round it learns from one of its orders there, the one of the value nearest to the
// round's price q of its side, as the exchange tells it; where nothing traded, the best. Let p be
// the price at which it would send that order now.
//
//   wholly filled, p better than q for the others   target = q: it could have had more
//   not wholly filled                               target = q * (1 +/- R) +/- A past q towards the
//                                                   others, no less than p: it asked for too much
//   nothing traded                                  the same with q = p
//   else                                            it stays
//
// with R uniform from 0 to 0.05 and A from 0 to 5 ticks, each drawn anew. Then Widrow-Hoff with
// momentum: g = gamma * g + (1 - gamma) * beta * (target - p), p = p + g, and the margin is that of
// the new p for the order's value, at least 0 and at most 10.
//
// Source: D. Cliff, "Minimal-intelligence agents for bargaining behaviors in market-based
// environments", HP Labs HPL-97-91 (1997), made for continuous trading. Two things differ in a
// call: one price is learnt from in a round, not each shout; and R and A move the target of those
// who went without only. In a call nobody can come back in the same round: traders who aim past the
// price keep missing rounds, and the price of a stationary market stays where first margins put it.
//
// All is in integers (margins in millionths, prices in thousandths of a tick, products rounded
// towards zero), so that a seed gives the same on every build.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "engine/core/event.h"
#include "engine/core/market_definition.h"
#include "tools/peerwatt/fed_orders.h"

namespace tools {

class ZipAgents {
 public:
  explicit ZipAgents(std::uint64_t seed) : seed_(seed) {}

  // The limit that an order is sent with. A value outside the band is sent as it is.
  std::int32_t Shade(const engine::MarketDefinition& market, engine::PartyId party,
                     engine::Side side, std::int32_t value_ticks);

  // `orders` are those that were in the round. Requires: the round was not void.
  void Learn(const engine::MarketDefinition& market, const engine::OutcomeBody& outcome,
             const std::vector<FedOrderState>& orders);

 private:
  struct Agent {
    std::uint64_t seed = 0;     // Of its own draws.
    std::uint64_t lessons = 0;  // For which R and A were drawn.
    std::int64_t margin = 0;    // Millionths.
    std::int64_t beta = 0;      // Thousandths, as gamma.
    std::int64_t gamma = 0;
    std::int64_t change = 0;  // g, thousandths of a tick.
  };
  using Key = std::tuple<engine::MarketId, engine::PartyId, engine::Side>;

  Agent& AgentOf(const Key& key);
  static void LearnFrom(Agent& agent, const FedOrderState& order,
                        const engine::OutcomeBody& outcome);

  const std::uint64_t seed_;
  std::map<Key, Agent> agents_;
};

}  // namespace tools
