// The reference exchange's rounds at one price: what a book comes to.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>

#include "tests/sim/reference_book.h"

namespace engine {

NaiveRound ReferenceProduct::Uniform() const {
  std::vector<NaiveOrder> naive;
  for (const ReferenceOrder& order : orders) {
    naive.push_back({order.terms.side, order.terms.limit_ticks, order.open});
  }
  NaiveRound now = NaiveClear(naive, market.rule);
  if (market.rule.price == UniformPricing::kInterval || now.energy == 0) return now;
  // The worst limit that trades of the bids, or of the asks.
  const bool is_bid = market.rule.price == UniformPricing::kLastBid;
  std::set<std::int64_t> limits;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const bool counts = (orders[i].terms.side == Side::kBuy) == is_bid && now.filled[i] > 0;
    if (counts) limits.insert(orders[i].terms.limit_ticks);
  }
  now.price = is_bid ? *limits.begin() : *limits.rbegin();
  return now;
}

std::optional<IndicativeEvent> ReferenceProduct::Indicative() const {
  std::set<PartyId> parties[2];
  for (const ReferenceOrder& order : orders) {
    if (order.open == 0) continue;
    parties[static_cast<std::size_t>(order.terms.side)].insert(order.account.party);
  }
  const std::size_t least = market.indicative_min_parties;
  if (parties[0].size() < least || parties[1].size() < least) return std::nullopt;
  const NaiveRound now = Uniform();
  IndicativeEvent event{.product = id};
  if (now.energy == 0) return event;
  event.crossing = 1;
  event.energy_wh = now.energy - now.energy % market.indicative_step_wh;
  event.price_ticks = static_cast<std::int32_t>(now.price);
  // Downwards, below zero too.
  const auto step = static_cast<std::int32_t>(market.indicative_step_ticks);
  while (event.price_ticks % step != 0) --event.price_ticks;
  return event;
}

NaiveRound ReferenceProduct::Clear() {
  NaiveRound cleared = Uniform();
  for (std::size_t i = 0; i < orders.size(); ++i) {
    orders[i].filled = cleared.filled[i];
    orders[i].open -= orders[i].filled;
    traded_wh[{orders[i].account.metering_point, orders[i].terms.side}] += orders[i].filled;
  }
  return cleared;
}

}  // namespace engine
