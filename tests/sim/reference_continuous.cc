// The reference exchange's continuous markets, where who comes trades with whoever waits; and what
// a round's outcome says of its fills.
#include <algorithm>
#include <cstdint>

#include "tests/sim/reference_exchange.h"

namespace engine {

// The newest order goes through all prices, from the best that there could be to its own limit, and
// at each through all orders, from the oldest.
void ReferenceExchange::TradeNewest(ReferenceProduct& product) {
  if (!product.IsContinuous()) return;
  const OrderBody& newest = product.orders.back().terms;
  const bool buys = newest.side == Side::kBuy;
  const std::int64_t lowest = product.market.band_low_ticks;
  const std::int64_t best = buys ? lowest : lowest + product.market.band_levels - 1;
  const std::int64_t steps = buys ? newest.limit_ticks - best : best - newest.limit_ticks;
  for (std::int64_t step = 0; step <= steps; ++step) {
    const std::int64_t price = buys ? best + step : best - step;
    for (ReferenceOrder& maker : product.orders) {
      const bool waits_here = maker.terms.side != newest.side && maker.terms.limit_ticks == price;
      if (waits_here) TradeWith(product, maker);
    }
  }
}

// The newest order with one that waits, at that one's limit; who waited is told first.
void ReferenceExchange::TradeWith(ReferenceProduct& product, ReferenceOrder& maker) {
  ReferenceOrder& taker = product.orders.back();
  const std::uint64_t energy = std::min(taker.open, maker.open);
  if (energy == 0) return;
  const std::int64_t price = maker.terms.limit_ticks;
  ++trades_;
  product.trades.push_back(
      {.taker = taker.id, .maker = maker.id, .price = price, .energy = energy});
  for (ReferenceOrder* const order : {&maker, &taker}) {
    order->open -= energy;
    product.traded_wh[{order->account.metering_point, order->terms.side}] += energy;
    TellFill(product, *order, energy, price);
  }
}

NaiveRound ReferenceProduct::Total() const {
  NaiveRound total;
  std::int64_t money = 0;
  for (const ReferenceTrade& trade : trades) {
    total.energy += trade.energy;
    money += trade.price * static_cast<std::int64_t>(trade.energy);
  }
  if (total.energy == 0) return total;
  // The greatest price at which all of it costs no more than it did, below zero too.
  total.price = market.band_low_ticks;
  while ((total.price + 1) * static_cast<std::int64_t>(total.energy) <= money) ++total.price;
  return total;
}

std::uint32_t ReferenceProduct::Fills() const {
  std::size_t fills = 2 * trades.size();
  for (const ReferenceOrder& order : orders) fills += order.filled > 0 ? 1 : 0;
  return static_cast<std::uint32_t>(fills);
}

// A round's is of its fills as they are told, and of its price on each side; where orders trade as
// they come it is a chain over the trades, each with the digest before it.
DigestBytes ReferenceProduct::FillsDigest(const NaiveRound& cleared) const {
  Digest all;
  if (cleared.energy == 0) return all.Finish();
  DigestBytes chain{};
  for (const ReferenceTrade& trade : trades) {
    Digest link;
    link.Add(chain);
    link.Add(trade.taker);
    link.Add(trade.maker);
    link.Add(static_cast<std::uint16_t>(trade.price - market.band_low_ticks));
    link.Add(static_cast<std::uint32_t>(trade.energy));
    chain = link.Finish();
  }
  if (IsContinuous()) return chain;
  for (const ReferenceOrder* order : InTellingOrder()) {
    if (order->filled == 0) continue;
    all.Add(order->id);
    all.Add(static_cast<std::uint32_t>(order->filled));
  }
  for (int side = 0; side < 2; ++side) all.Add(static_cast<std::int32_t>(cleared.price));
  return all.Finish();
}

}  // namespace engine
