// A home that plays the buyer's side of a game: what it takes at a price.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/core/clearing/response.h"
#include "engine/core/command.h"
#include "engine/core/event.h"

namespace tools {

// The best answer of a utility limit * x - theta x^2 / 2 to a price, with theta in ticks per MWh:
// the daemon never hears theta. Requires: theta > 0.
inline engine::QuantityBody AnswerTo(const engine::PriceCallEvent& call,
                                     const engine::OrderBody& order, std::uint32_t theta) {
  const auto below = std::max<std::int64_t>(std::int64_t{order.limit_ticks} - call.price_ticks, 0);
  return {.account = call.account,
          .client_order_id = call.client_order_id,
          .product = call.product,
          .demand_nwh = engine::QuadraticDemand(engine::QuadraticSlope(theta),
                                                static_cast<std::uint64_t>(below),
                                                order.energy_wh * engine::kNanoPerWh),
          .round = call.round,
          .step = call.step};
}

}  // namespace tools
