#include "gateway/event_stream.h"

#include "engine/core/check.h"

namespace gateway {
namespace {

// Empties it; an idle session among thousands keeps no buffer of its busiest moment.
template <typename T>
void Release(std::vector<T>& items) {
  std::vector<T>().swap(items);
}

// For what only postpones.
std::uint32_t RetryAfterMs(engine::Reason reason) {
  if (reason == engine::Reason::kBusy) return kBusyRetryMs;
  return reason == engine::Reason::kDiskFull ? kDiskFullRetryMs : 0;
}

}  // namespace

void EventStream::Add(const engine::Event& event, FrameBuilder& builder, Bytes& out) {
  using engine::EventType;
  switch (event.type) {
    case EventType::kAnswer:
      Flush(builder, out);
      answer_ = event.answer;
      if (answer_.refused == 0) builder.Answer(answer_, {}, RetryAfterMs(answer_.reason), out);
      return;
    case EventType::kRefusals:
      AddRefusals(event.refusals, builder, out);
      return;
    case EventType::kOpenOrder:
      AddOpenOrder(event.open_order, builder, out);
      return;
    case EventType::kOpenOrdersEnd:
      builder.OpenOrders({.query = event.list_end.query,
                          .end = true,
                          .total = event.list_end.told,
                          .orders = open_orders_},
                         out);
      Release(open_orders_);
      return;
    case EventType::kFill:
      AddFill(event, builder, out);
      return;
    case EventType::kPriceCall:
      AddPriceCall(event.price_call, builder, out);
      return;
    case EventType::kLogonMarket:
    case EventType::kLogonAnswer:
      CHECK(false);
      return;  // The session's own.
    default:
      Flush(builder, out);
      builder.Single(event, out);
  }
}

void EventStream::Flush(FrameBuilder& builder, Bytes& out) {
  if (!fills_.empty()) builder.Fills(first_fill_, fills_, out);
  Release(fills_);
  if (!calls_.empty()) builder.PriceCalls(calls_, out);
  Release(calls_);
  if (!open_orders_.empty()) {
    builder.OpenOrders({.query = 0, .end = false, .total = 0, .orders = open_orders_}, out);
  }
  Release(open_orders_);
}

void EventStream::AddRefusals(const engine::RefusalsEvent& refusals, FrameBuilder& builder,
                              Bytes& out) {
  CHECK(refusals.count <= engine::kRefusalsAnEvent);
  // Of an answer whose first event went to the session before this one: a resend hears it again.
  if (answer_.refused == 0) return;
  refused_.insert(refused_.end(), refusals.refusals, refusals.refusals + refusals.count);
  if (refused_.size() < answer_.refused) return;
  builder.Answer(answer_, refused_, 0, out);
  answer_.refused = 0;
  Release(refused_);
}

void EventStream::AddFill(const engine::Event& event, FrameBuilder& builder, Bytes& out) {
  if (!open_orders_.empty() || !calls_.empty() ||
      event.event_number != first_fill_ + fills_.size() ||
      fills_.size() == FillsAFrame(max_frame_bytes_)) {
    Flush(builder, out);
  }
  if (fills_.empty()) first_fill_ = event.event_number;
  fills_.push_back(event.fill);
}

void EventStream::AddPriceCall(const engine::PriceCallEvent& call, FrameBuilder& builder,
                               Bytes& out) {
  const bool same_step = !calls_.empty() && calls_.front().product == call.product &&
                         calls_.front().round == call.round && calls_.front().step == call.step;
  if (!same_step || calls_.size() == PriceCallsAFrame(max_frame_bytes_)) Flush(builder, out);
  calls_.push_back(call);
}

void EventStream::AddOpenOrder(const engine::OpenOrderEvent& order, FrameBuilder& builder,
                               Bytes& out) {
  if (!fills_.empty() || !calls_.empty() ||
      open_orders_.size() == OpenOrdersAFrame(max_frame_bytes_)) {
    Flush(builder, out);
  }
  open_orders_.push_back(order);
}

}  // namespace gateway
