#include "engine/core/event_queue.h"

#include <algorithm>

#include "engine/core/units.h"

namespace engine {
namespace {

struct Payment {
  std::int64_t amount_units = 0;
  std::int32_t price_ticks = 0;
};

// Of the round's fill of that number, from 0.
Payment PaymentOf(const ClearedRound& cleared, std::uint32_t fill, Side side,
                  std::uint32_t energy_wh) {
  if (!cleared.amounts_units.empty()) {
    const std::int64_t amount = cleared.amounts_units[fill];
    return {amount, static_cast<std::int32_t>(DivideDown(amount, energy_wh))};
  }
  const std::int32_t price =
      side == Side::kBuy ? cleared.buy_price_ticks : cleared.sell_price_ticks;
  return {Cost(PriceTicks(price), WattHours(energy_wh)).value(), price};
}

// What an order got in the round, and whether it was in it at all.
std::uint32_t FilledIn(const Product& product, const OrderChunk& chunk, std::uint32_t at) {
  return product.has_fills() ? chunk.filled_wh[at] : 0;
}
bool IsOpenOrFilled(const Product& product, const OrderChunk& chunk, std::uint32_t at) {
  return chunk.open_wh[at] > 0 || FilledIn(product, chunk, at) > 0;
}
// Continuous trading has told its fills, and ends for everybody.
bool TookPart(const Product& product, const OrderChunk& chunk, std::uint32_t at) {
  if (product.continuous != nullptr) return chunk.account[at] != kMovedAccount;
  return IsOpenOrFilled(product, chunk, at);
}

}  // namespace

void EventQueue::TellAnswer(CredentialId credential, std::uint64_t sequence,
                            const AnswerEvent& answer, std::span<const Refusal> refusals) {
  Event event;
  event.sequence = sequence;
  event.credential = credential;
  event.type = EventType::kAnswer;
  event.answer = answer;
  Tell(event);
  event.type = EventType::kRefusals;
  while (!refusals.empty()) {
    const std::size_t count = std::min(refusals.size(), kRefusalsAnEvent);
    event.refusals = RefusalsEvent();
    event.refusals.count = static_cast<std::uint16_t>(count);
    std::copy_n(refusals.begin(), count, event.refusals.refusals);
    Tell(event);
    refusals = refusals.subspan(count);
  }
}

void EventQueue::TellNumbered(std::uint32_t credential, Event event) {
  Credential& to = registry_.credential(credential);
  event.credential = to.definition.id;
  running_.Add(event.type, event.credential, to.next_event);
  if (event.type == EventType::kFill) {
    running_.Add(event.fill.order, event.fill.energy_wh, event.fill.amount_units);
  } else if (event.type == EventType::kOrderCancelled) {
    running_.Add(event.order_cancelled.order, event.order_cancelled.open_wh);
  }
  ++to.next_event;
  Job job;
  job.event = event;
  job.credential = credential;
  jobs_.Push(job);
}

void EventQueue::TellRound(Product& product, std::uint64_t sequence) {
  numbered_.resize(registry_.credential_count(), 0);
  product.drained = false;
  const auto number = [&](const OrderChunk& chunk, std::uint32_t at) {
    if (!TookPart(product, chunk, at)) return;
    const std::uint32_t credential = registry_.account(chunk.account[at]).credential;
    Credential& to = registry_.credential(credential);
    if (numbered_[credential] != sequence) ++to.next_event;
    numbered_[credential] = sequence;
    if (FilledIn(product, chunk, at) > 0) ++to.next_event;
  };
  product.book.ForEachOrder(memory_, number, registry_.PrefetchesAccounts());
  Job job;
  job.product = &product;
  job.sequence = sequence;
  job.chunk = product.book.first_chunk(Side::kBuy);
  jobs_.Push(job);
}

std::size_t EventQueue::DrainAnswers(std::span<Event> out) {
  std::size_t count = 0;
  for (; count < out.size() && !immediate_.empty(); ++count) {
    out[count] = immediate_.front();
    immediate_.Pop();
  }
  return count;
}

std::size_t EventQueue::Drain(std::span<Event> out) {
  std::size_t count = 0;
  while (count < out.size() && !jobs_.empty()) {
    Job& job = jobs_.front();
    if (job.product != nullptr) {
      count += DrainRound(job, out.subspan(count));
      if (!job.product->drained) return count;
    } else {
      out[count] = job.event;
      out[count++].event_number = registry_.credential(job.credential).next_emitted++;
    }
    jobs_.Pop();
  }
  return count;
}

// Walks on by one order, to the next chunk, side or pass. Ensures: false at the round's end.
bool EventQueue::Step(Job& job) {
  for (;;) {
    if (job.chunk != kNoChunk) {
      const OrderChunk& chunk = memory_.orders.chunk(job.chunk);
      if (job.at < chunk.used) return true;
      job.chunk = chunk.next;
      job.at = 0;
    } else if (job.side == Side::kBuy) {
      job.side = Side::kSell;
      job.chunk = job.product->book.first_chunk(Side::kSell);
    } else if (!job.counted) {
      job.counted = true;
      job.side = Side::kBuy;
      job.chunk = job.product->book.first_chunk(Side::kBuy);
    } else {
      return false;
    }
  }
}

// Two passes: how much each credential has in the round, then the events. Bounded by out.size().
std::size_t EventQueue::DrainRound(Job& job, std::span<Event> out) {
  parts_.resize(registry_.credential_count());
  std::size_t count = 0;
  for (std::size_t visited = 0; count < out.size() && visited < 4 * out.size(); ++visited) {
    if (!Step(job)) {
      job.product->drained = true;
      return count;
    }
    const OrderChunk& chunk = memory_.orders.chunk(job.chunk);
    if (job.at == 0) registry_.PrefetchesAccounts()(chunk);
    if (!TookPart(*job.product, chunk, job.at)) {
      ++job.at;
    } else if (job.counted) {
      count += TellOrder(job, chunk, out.subspan(count));
    } else {
      CountOrder(job, chunk);
      ++job.at;
    }
  }
  return count;
}

void EventQueue::CountOrder(const Job& job, const OrderChunk& chunk) {
  Part& part = parts_[registry_.account(chunk.account[job.at]).credential];
  if (part.round != job.sequence) part = Part{.round = job.sequence};
  part.orders += IsOpenOrFilled(*job.product, chunk, job.at) ? 1 : 0;
  if (FilledIn(*job.product, chunk, job.at) > 0) ++part.fills;
}

// The order's events that fit: its credential's outcome if it is the first, its fill if it has one.
// Moves on to the next order when all are out.
std::size_t EventQueue::TellOrder(Job& job, const OrderChunk& chunk, std::span<Event> out) {
  const std::uint32_t credential = registry_.account(chunk.account[job.at]).credential;
  Credential& to = registry_.credential(credential);
  Part& part = parts_[credential];
  std::size_t count = 0;
  if (!part.told) {
    part.told = true;
    out[count] = Outcome(job, part);
    out[count].credential = to.definition.id;
    out[count++].event_number = to.next_emitted++;
  }
  if (FilledIn(*job.product, chunk, job.at) > 0) {
    if (count == out.size()) return count;
    out[count] = FillOf(job, chunk);
    out[count].credential = to.definition.id;
    out[count++].event_number = to.next_emitted++;
    ++job.fill;
  }
  ++job.at;
  return count;
}

Event EventQueue::Outcome(const Job& job, const Part& part) const {
  const Product& product = *job.product;
  Event event;
  event.sequence = job.sequence;
  if (product.result == RoundResult::kVoid) {
    event.type = EventType::kRoundVoid;
    event.round_void = {.product = product.id,
                        .round = product.round,
                        .rounds = product.definition.rounds,
                        .reason = product.cleared.no_trade,
                        .carry_over = product.keeps_orders()};
    return event;
  }
  event.type = EventType::kRoundCleared;
  event.round_cleared = {.product = product.id,
                         .round = product.round,
                         .rounds = product.definition.rounds,
                         .energy_wh = product.cleared.energy_wh,
                         .operator_balance_units = product.cleared.operator_balance_units,
                         .buy_price_ticks = product.cleared.buy_price_ticks,
                         .sell_price_ticks = product.cleared.sell_price_ticks,
                         .orders = part.orders,
                         .fills = part.fills,
                         .no_trade = product.cleared.no_trade,
                         .result = product.result,
                         .carry_over = product.keeps_orders()};
  return event;
}

Event EventQueue::FillOf(const Job& job, const OrderChunk& chunk) const {
  const Product& product = *job.product;
  const std::uint32_t at = job.at;
  const Payment payment = PaymentOf(product.cleared, job.fill, chunk.side, chunk.filled_wh[at]);
  Event event;
  event.sequence = job.sequence;
  event.type = EventType::kFill;
  event.fill = {.account = registry_.account(chunk.account[at]).definition.id,
                .client_order_id = chunk.client_order_id[at],
                .order = chunk.order_id[at],
                .product = product.id,
                .amount_units = payment.amount_units,
                .price_ticks = payment.price_ticks,
                .energy_wh = chunk.filled_wh[at],
                .open_wh = chunk.open_wh[at],
                .round = static_cast<std::uint16_t>(product.round),
                .side = chunk.side};
  return event;
}

}  // namespace engine
