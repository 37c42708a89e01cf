#include "gateway/frame_builder.h"

#include <string_view>

#include "engine/core/check.h"
#include "gateway/flat_frame.h"
#include "schemas/peerwatt_generated.h"

namespace gateway {
namespace {

using engine::Event;
using engine::EventType;

static_assert(sizeof(wire::Fill) == 56 && sizeof(wire::OpenOrder) == 48);
static_assert(sizeof(wire::Refusal) == sizeof(engine::Refusal));

// More than header, root offset, vtable, table and padding of any message with a vector; the
// builder of FlatBuffers 2.0 pads as if a struct had to be aligned to its size.
constexpr std::size_t kOverheadBytes = 192;

constexpr std::uint32_t Market(const engine::ProductId& product) { return Number(product.market); }

}  // namespace

std::size_t FillsAFrame(std::uint32_t max_frame_bytes) {
  return (max_frame_bytes - kOverheadBytes) / sizeof(wire::Fill);
}
std::size_t OpenOrdersAFrame(std::uint32_t max_frame_bytes) {
  return (max_frame_bytes - kOverheadBytes) / sizeof(wire::OpenOrder);
}

std::size_t PriceCallsAFrame(std::uint32_t max_frame_bytes) {
  return (max_frame_bytes - kOverheadBytes) / sizeof(wire::CalledOrder);
}

class FrameBuilder::Impl : public FlatFrame {};

FrameBuilder::FrameBuilder() : impl_(std::make_unique<Impl>()) {}
FrameBuilder::~FrameBuilder() = default;

void FrameBuilder::LogonAnswer(const LogonAnswerMessage& message, Bytes& out) {
  auto& builder = impl_->builder();
  const auto markets = builder.CreateVector(
      reinterpret_cast<const std::uint32_t*>(message.markets.data()), message.markets.size());
  impl_->Finish(MessageType::kLogonAnswer,
                wire::CreateLogonAnswer(
                    builder, Number(message.reason), Number(message.kind), message.heartbeat_s,
                    message.max_frame_bytes, message.orders_per_second, message.clock_factor,
                    message.next_client_seq, message.next_event, message.server_time_ns, markets),
                out);
}

void FrameBuilder::Heartbeat(std::int64_t server_time_ns, Bytes& out) {
  impl_->Finish(MessageType::kHeartbeat, wire::CreateHeartbeat(impl_->builder(), server_time_ns),
                out);
}

void FrameBuilder::Terminate(TerminateReason reason, std::uint32_t reconnect_after_ms, Bytes& out) {
  auto& builder = impl_->builder();
  const std::string_view name = TerminateReasonName(reason);
  const auto text = builder.CreateString(name.data(), name.size());
  impl_->Finish(MessageType::kTerminate,
                wire::CreateTerminate(builder, Number(reason), reconnect_after_ms, text), out);
}

void FrameBuilder::Answer(const engine::AnswerEvent& answer,
                          std::span<const engine::Refusal> refused, std::uint32_t retry_after_ms,
                          Bytes& out) {
  auto& builder = impl_->builder();
  flatbuffers::Offset<flatbuffers::Vector<const wire::Refusal*>> refusals;
  if (!refused.empty()) {
    wire::Refusal* to = nullptr;
    refusals = builder.CreateUninitializedVectorOfStructs(refused.size(), &to);
    for (const engine::Refusal& refusal : refused) {
      *to++ = wire::Refusal(refusal.index, Number(refusal.reason));
    }
  }
  impl_->Finish(
      MessageType::kAnswer,
      wire::CreateAnswer(builder, answer.client_seq, answer.command_sequence, answer.time_ns,
                         answer.expected_client_seq, Number(answer.reason), Number(answer.command),
                         answer.items, answer.command_sequence != 0, retry_after_ms, refusals),
      out);
}

void FrameBuilder::OpenOrders(const OpenOrdersMessage& message, Bytes& out) {
  auto& builder = impl_->builder();
  wire::OpenOrder* to = nullptr;
  const auto orders = builder.CreateUninitializedVectorOfStructs(message.orders.size(), &to);
  for (const engine::OpenOrderEvent& order : message.orders) {
    *to++ = wire::OpenOrder(Number(order.account), Number(order.client_order_id),
                            Number(order.order), Market(order.product), order.product.start_minute,
                            order.limit_ticks, order.open_wh, Number(order.side), 0, 0, 0);
  }
  impl_->Finish(MessageType::kOpenOrders,
                wire::CreateOpenOrders(builder, message.query, message.end, message.total, orders),
                out);
}

void FrameBuilder::Fills(std::uint64_t first_event, std::span<const engine::FillEvent> fills,
                         Bytes& out) {
  auto& builder = impl_->builder();
  wire::Fill* to = nullptr;
  const auto vector = builder.CreateUninitializedVectorOfStructs(fills.size(), &to);
  for (const engine::FillEvent& fill : fills) {
    *to++ = wire::Fill(Number(fill.account), Number(fill.client_order_id), Number(fill.order),
                       fill.amount_units, Market(fill.product), fill.product.start_minute,
                       fill.price_ticks, fill.energy_wh, fill.open_wh, fill.round,
                       Number(fill.side), 0);
  }
  impl_->Finish(MessageType::kFills, wire::CreateFills(builder, first_event, vector), out);
}

void FrameBuilder::PriceCalls(std::span<const engine::PriceCallEvent> calls, Bytes& out) {
  auto& builder = impl_->builder();
  wire::CalledOrder* to = nullptr;
  const auto vector = builder.CreateUninitializedVectorOfStructs(calls.size(), &to);
  for (const engine::PriceCallEvent& call : calls) {
    *to++ = wire::CalledOrder(Number(call.account), Number(call.client_order_id));
  }
  const engine::PriceCallEvent& first = calls.front();
  impl_->Finish(
      MessageType::kPriceCall,
      wire::CreatePriceCall(builder, Market(first.product), first.product.start_minute, first.round,
                            first.step, first.price_ticks, first.deadline_ns, vector),
      out);
}

void FrameBuilder::Lottery(const engine::LotteryEvent& lottery, Bytes& out) {
  auto& builder = impl_->builder();
  const auto bytes = builder.CreateVector(
      reinterpret_cast<const std::uint8_t*>(lottery.bytes.data()), lottery.bytes.size());
  impl_->Finish(MessageType::kLottery,
                wire::CreateLottery(builder, Market(lottery.product), lottery.product.start_minute,
                                    lottery.round,
                                    lottery.part == engine::LotteryEvent::Part::kRevealed, bytes),
                out);
}

void FrameBuilder::Single(const Event& event, Bytes& out) {
  auto& builder = impl_->builder();
  switch (event.type) {
    case EventType::kRoundCleared: {
      const auto& e = event.round_cleared;
      impl_->Finish(MessageType::kRoundCleared,
                    wire::CreateRoundCleared(builder, event.event_number, Market(e.product),
                                             e.product.start_minute, e.round, e.rounds,
                                             Number(e.result), e.carry_over != 0, e.buy_price_ticks,
                                             e.sell_price_ticks, e.operator_balance_units,
                                             e.energy_wh, e.orders, e.fills, Number(e.no_trade)),
                    out);
      return;
    }
    case EventType::kRoundVoid: {
      const auto& e = event.round_void;
      impl_->Finish(MessageType::kRoundVoid,
                    wire::CreateRoundVoid(builder, event.event_number, Market(e.product),
                                          e.product.start_minute, e.round, e.rounds,
                                          e.carry_over != 0, Number(e.reason)),
                    out);
      return;
    }
    case EventType::kOrderCancelled: {
      const auto& e = event.order_cancelled;
      impl_->Finish(
          MessageType::kOrderCancelled,
          wire::CreateOrderCancelled(builder, event.event_number, Number(e.account),
                                     Number(e.client_order_id), Number(e.order), Market(e.product),
                                     e.product.start_minute, e.open_wh, Number(e.reason)),
          out);
      return;
    }
    case EventType::kProductOpened: {
      const auto& e = event.product_opened;
      impl_->Finish(MessageType::kProductOpened,
                    wire::CreateProductOpened(builder, Market(e.product), e.product.start_minute,
                                              e.slot_minutes, e.round, e.rounds, e.gate_ns,
                                              e.band_low_ticks, e.band_levels),
                    out);
      return;
    }
    case EventType::kProductsEnd:
      impl_->Finish(MessageType::kProductsEnd,
                    wire::CreateProductsEnd(builder, event.list_end.query, event.list_end.told),
                    out);
      return;
    case EventType::kIndicative: {
      const auto& e = event.indicative;
      impl_->Finish(MessageType::kIndicative,
                    wire::CreateIndicative(builder, Market(e.product), e.product.start_minute,
                                           e.crossing != 0, e.price_ticks, e.energy_wh),
                    out);
      return;
    }
    case EventType::kLottery:
      return Lottery(event.lottery, out);
    default:
      CHECK(false);  // The others are not frames by themselves.
  }
}

}  // namespace gateway
