// The reference exchange's rounds, and what is told of them.
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/reference_exchange.h"

namespace engine {

void ReferenceExchange::Open(const CommandHeader& header, const ProductBody& body) {
  const auto market = markets_.find(body.product.market);
  if (market == markets_.end()) return Fault("a product of no market");
  ReferenceProduct product{.id = body.product, .market = market->second};
  const auto gate = [&](std::uint32_t round) {
    return ReferenceProduct::Gate(product.market, product.id.start_minute, round);
  };
  if (gate(product.market.rounds) <= header.time_ns) return;  // Too late for it.
  while (gate(product.round) <= header.time_ns) ++product.round;
  product.round_began = header.sequence;
  const ProductKey key{product.id.market, product.id.start_minute};
  if (!products_.emplace(key, std::move(product)).second) Fault("a product that is open already");
}

void ReferenceExchange::Close(const CommandHeader& header, const ProductBody& body) {
  const auto found = products_.find({body.product.market, body.product.start_minute});
  if (found == products_.end()) return Fault("a round of no product is closed");
  ReferenceProduct& product = found->second;
  if (product.clearing || product.round != body.round || header.time_ns < product.gate()) {
    return Fault("a round is closed that should not be");
  }
  product.clearing = true;
  const bool is_void = product.IsTooLate(header.time_ns);
  NaiveRound cleared;
  if (is_void) {
    ++rounds_void_;
    for (ReferenceOrder& order : product.orders) order.filled = 0;
  } else {
    ++rounds_cleared_;
    cleared = product.IsContinuous() ? product.Total() : product.Clear();
  }
  energy_wh_ += cleared.energy;
  TellRound(product, cleared, is_void);
  awaited_.push_back({.product = product.id,
                      .round = product.round,
                      .fills = product.Fills(),
                      .energy_wh = cleared.energy,
                      .price_ticks = cleared.price,
                      .digest = product.FillsDigest(cleared),
                      .rule = product.market.rule,
                      .is_void = is_void});
}

void ReferenceExchange::Confirm(const OutcomeBody& outcome) {
  if (awaited_.empty()) return Fault("an outcome of no round");
  const Awaited& awaited = awaited_.back();
  const RoundResult result = awaited.is_void         ? RoundResult::kVoid
                             : awaited.energy_wh > 0 ? RoundResult::kTraded
                                                     : RoundResult::kNoTrade;
  const bool same = outcome.product == awaited.product && outcome.round == awaited.round &&
                    outcome.energy_wh == awaited.energy_wh && outcome.result == result &&
                    outcome.buy_price_ticks == awaited.price_ticks &&
                    outcome.sell_price_ticks == awaited.price_ticks &&
                    outcome.operator_balance_units == 0 && outcome.fills == awaited.fills &&
                    outcome.digest == awaited.digest && outcome.rule == awaited.rule &&
                    outcome.no_trade == Reason::kNone;
  if (!same) {
    return Fault(absl::StrCat("the outcome of ", awaited.product.start_minute, " round ",
                              awaited.round, ": ", outcome.energy_wh, " Wh at ",
                              outcome.buy_price_ticks, " in ", outcome.fills, " fills and not ",
                              awaited.energy_wh, " at ", awaited.price_ticks, " in ", awaited.fills,
                              ", or another digest of them"));
  }
  awaited_.clear();
}

void ReferenceExchange::Finish(const CommandHeader& header, const ProductBody& body) {
  const auto found = products_.find({body.product.market, body.product.start_minute});
  if (found == products_.end() || !found->second.clearing) return Fault("nothing to finish");
  ReferenceProduct& product = found->second;
  if (product.IsLastRound()) {
    products_.erase(found);
    return;
  }
  if (!product.KeepsOrders()) {
    for (ReferenceOrder& order : product.orders) order.open = 0;
  }
  for (const ReferenceOrder* told : product.InTellingOrder()) {
    auto& order = const_cast<ReferenceOrder&>(*told);
    const auto leaves = product.leaving.find(order.account.credential);
    if (order.open == 0 || leaves == product.leaving.end()) continue;
    if (order.id >= OrderId{leaves->second * kOrderIdPlaces}) continue;
    TellCancelled(product, order, Reason::kDisconnected);
  }
  product.leaving.clear();
  product.round_orders = 0;
  for (const ReferenceOrder& order : product.orders) product.round_orders += order.open > 0 ? 1 : 0;
  product.clearing = false;
  product.changed = true;
  product.round_began = header.sequence;
  ++product.round;
}

// Events.

void ReferenceExchange::TellRound(const ReferenceProduct& product, const NaiveRound& cleared,
                                  bool is_void) {
  struct Part {
    std::uint32_t orders = 0;
    std::uint32_t fills = 0;
  };
  std::map<CredentialId, Part> parts;
  for (const ReferenceOrder& order : product.orders) {
    // Of a continuous market's end everybody is told who had an order there at all.
    const bool is_in_it = order.open > 0 || order.filled > 0;
    if (!is_in_it && !product.IsContinuous()) continue;
    Part& part = parts[order.account.credential];
    part.orders += is_in_it ? 1 : 0;
    part.fills += order.filled > 0 ? 1 : 0;
  }
  for (const auto& [credential, part] : parts) {
    Event event;
    if (is_void) {
      event.type = EventType::kRoundVoid;
      event.round_void = {.product = product.id,
                          .round = product.round,
                          .rounds = product.market.rounds,
                          .carry_over = product.KeepsOrders()};
    } else {
      const auto price = static_cast<std::int32_t>(cleared.price);
      event.type = EventType::kRoundCleared;
      event.round_cleared = {
          .product = product.id,
          .round = product.round,
          .rounds = product.market.rounds,
          .energy_wh = cleared.energy,
          .buy_price_ticks = price,
          .sell_price_ticks = price,
          .orders = part.orders,
          .fills = part.fills,
          .result = cleared.energy > 0 ? RoundResult::kTraded : RoundResult::kNoTrade,
          .carry_over = product.KeepsOrders()};
    }
    Tell(credential, event);
  }
  for (const ReferenceOrder* order : product.InTellingOrder()) {
    if (order->filled > 0) TellFill(product, *order, order->filled, cleared.price);
  }
}

void ReferenceExchange::TellFill(const ReferenceProduct& product, const ReferenceOrder& order,
                                 std::uint64_t energy, std::int64_t price) {
  Event event;
  event.type = EventType::kFill;
  event.fill = {.account = order.terms.account,
                .client_order_id = order.terms.client_order_id,
                .order = order.id,
                .product = product.id,
                .amount_units = price * static_cast<std::int64_t>(energy),
                .price_ticks = static_cast<std::int32_t>(price),
                .energy_wh = static_cast<std::uint32_t>(energy),
                .open_wh = static_cast<std::uint32_t>(order.open),
                .round = static_cast<std::uint16_t>(product.round),
                .side = order.terms.side};
  Tell(order.account.credential, event);
}

void ReferenceExchange::TellCancelled(ReferenceProduct& product, ReferenceOrder& order,
                                      Reason reason) {
  product.changed = true;
  Event event;
  event.type = EventType::kOrderCancelled;
  event.order_cancelled = {.account = order.terms.account,
                           .client_order_id = order.terms.client_order_id,
                           .order = order.id,
                           .product = product.id,
                           .open_wh = static_cast<std::uint32_t>(std::exchange(order.open, 0)),
                           .reason = reason};
  Tell(order.account.credential, event);
}

void ReferenceExchange::Tell(CredentialId credential, Event event) {
  std::vector<Event>& told = numbered_[credential];
  event.credential = credential;
  event.event_number = told.size() + 1;
  event.sequence = sequence_;
  told.push_back(event);
}

}  // namespace engine
