#include "gateway/client_codec.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/core/check.h"
#include "gateway/flat_frame.h"
#include "schemas/peerwatt_generated.h"

namespace gateway {
namespace {

using engine::Reason;

// Header, root offset, vtable, table, and padding as if a struct had to be aligned to its size.
constexpr std::size_t kRequestOverheadBytes = 128;

engine::ProductId Product(std::uint32_t market, std::uint32_t start_minute) {
  return {engine::MarketId(market), start_minute};
}

bool DeliverLogonAnswer(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::LogonAnswer>(frame);
  if (table == nullptr) return false;
  std::vector<engine::MarketId> markets;
  if (table->markets() != nullptr) {
    for (const std::uint32_t id : *table->markets()) markets.push_back(engine::MarketId(id));
  }
  handler.OnLogonAnswer({.reason = Reason(table->reason()),
                         .kind = engine::CredentialKind(table->kind()),
                         .heartbeat_s = table->heartbeat_s(),
                         .max_frame_bytes = table->max_frame_bytes(),
                         .orders_per_second = table->orders_per_second(),
                         .clock_factor = table->clock_factor(),
                         .next_client_seq = table->next_client_seq(),
                         .next_event = table->next_event(),
                         .server_time_ns = table->server_time_ns(),
                         .markets = markets});
  return true;
}

bool DeliverAnswer(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::Answer>(frame);
  if (table == nullptr || !Aligned(table->refused(), alignof(wire::Refusal))) return false;
  std::vector<engine::Refusal> refused;
  if (table->refused() != nullptr) {
    refused.reserve(table->refused()->size());
    for (const wire::Refusal* refusal : *table->refused()) {
      refused.push_back({.index = refusal->index(), .reason = Reason(refusal->reason())});
    }
  }
  handler.OnAnswer({.answer = {.client_seq = table->client_seq(),
                               .time_ns = table->time_ns(),
                               .command_sequence = table->command_sequence(),
                               .expected_client_seq = table->expected_client_seq(),
                               .command = engine::CommandType(table->message_type()),
                               .reason = Reason(table->reason()),
                               .items = table->items(),
                               .refused = static_cast<std::uint16_t>(refused.size())},
                    .message = MessageType(table->message_type()),
                    .sequenced = table->sequenced(),
                    .retry_after_ms = table->retry_after_ms(),
                    .refused = refused});
  return true;
}

bool DeliverOpenOrders(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::OpenOrders>(frame);
  if (table == nullptr || !Aligned(table->orders(), alignof(wire::OpenOrder))) return false;
  std::vector<engine::OpenOrderEvent> orders;
  if (table->orders() != nullptr) {
    orders.reserve(table->orders()->size());
    for (const wire::OpenOrder* order : *table->orders()) {
      orders.push_back({.account = engine::AccountId(order->account()),
                        .client_order_id = engine::ClientOrderId(order->client_order_id()),
                        .order = engine::OrderId(order->order()),
                        .product = Product(order->market(), order->start_minute_utc()),
                        .limit_ticks = order->limit_ticks(),
                        .open_wh = order->open_wh(),
                        .side = engine::Side(order->side())});
    }
  }
  handler.OnOpenOrders(
      {.query = table->query(), .end = table->end(), .total = table->total(), .orders = orders});
  return true;
}

bool DeliverFills(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::Fills>(frame);
  if (table == nullptr || table->fills() == nullptr) return false;
  if (!Aligned(table->fills(), alignof(wire::Fill))) return false;
  std::vector<engine::FillEvent> fills;
  fills.reserve(table->fills()->size());
  for (const wire::Fill* fill : *table->fills()) {
    fills.push_back({.account = engine::AccountId(fill->account()),
                     .client_order_id = engine::ClientOrderId(fill->client_order_id()),
                     .order = engine::OrderId(fill->order()),
                     .product = Product(fill->market(), fill->start_minute_utc()),
                     .amount_units = fill->amount_units(),
                     .price_ticks = fill->price_ticks(),
                     .energy_wh = fill->energy_wh(),
                     .open_wh = fill->open_wh(),
                     .round = fill->round(),
                     .side = engine::Side(fill->side())});
  }
  handler.OnFills(table->first_event(), fills);
  return true;
}

bool DeliverRoundCleared(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::RoundCleared>(frame);
  if (table == nullptr) return false;
  handler.OnRoundCleared(table->event(),
                         {.product = Product(table->market(), table->start_minute_utc()),
                          .round = table->round(),
                          .rounds = table->rounds(),
                          .energy_wh = table->energy_wh(),
                          .operator_balance_units = table->operator_balance_units(),
                          .buy_price_ticks = table->buy_price_ticks(),
                          .sell_price_ticks = table->sell_price_ticks(),
                          .orders = table->orders(),
                          .fills = table->fills(),
                          .no_trade = engine::Reason(table->no_trade()),
                          .result = engine::RoundResult(table->result()),
                          .carry_over = static_cast<std::uint8_t>(table->carry_over() ? 1 : 0)});
  return true;
}

bool DeliverRoundVoid(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::RoundVoid>(frame);
  if (table == nullptr) return false;
  handler.OnRoundVoid(table->event(),
                      {.product = Product(table->market(), table->start_minute_utc()),
                       .round = table->round(),
                       .rounds = table->rounds(),
                       .reason = Reason(table->reason()),
                       .carry_over = static_cast<std::uint8_t>(table->carry_over() ? 1 : 0)});
  return true;
}

bool DeliverOrderCancelled(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::OrderCancelled>(frame);
  if (table == nullptr) return false;
  handler.OnOrderCancelled(table->event(),
                           {.account = engine::AccountId(table->account()),
                            .client_order_id = engine::ClientOrderId(table->client_order_id()),
                            .order = engine::OrderId(table->order()),
                            .product = Product(table->market(), table->start_minute_utc()),
                            .open_wh = table->open_wh(),
                            .reason = Reason(table->reason())});
  return true;
}

bool DeliverProductOpened(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::ProductOpened>(frame);
  if (table == nullptr) return false;
  handler.OnProductOpened({.product = Product(table->market(), table->start_minute_utc()),
                           .gate_ns = table->gate_ns(),
                           .round = table->round(),
                           .rounds = table->rounds(),
                           .slot_minutes = table->slot_minutes(),
                           .band_low_ticks = table->band_low_ticks(),
                           .band_levels = table->band_levels()});
  return true;
}

bool DeliverProductsEnd(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::ProductsEnd>(frame);
  if (table == nullptr) return false;
  handler.OnProductsEnd({.query = table->query(), .told = table->products()});
  return true;
}

bool DeliverIndicative(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::Indicative>(frame);
  if (table == nullptr) return false;
  handler.OnIndicative({.product = Product(table->market(), table->start_minute_utc()),
                        .energy_wh = table->energy_wh(),
                        .price_ticks = table->price_ticks(),
                        .crossing = static_cast<std::uint8_t>(table->crossing() ? 1 : 0)});
  return true;
}

bool DeliverLottery(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::Lottery>(frame);
  engine::LotteryEvent lottery;
  if (table == nullptr || table->bytes() == nullptr ||
      table->bytes()->size() != lottery.bytes.size()) {
    return false;
  }
  lottery.product = Product(table->market(), table->start_minute_utc());
  lottery.round = table->round();
  lottery.part = table->revealed() ? engine::LotteryEvent::Part::kRevealed
                                   : engine::LotteryEvent::Part::kCommitted;
  std::memcpy(lottery.bytes.data(), table->bytes()->data(), lottery.bytes.size());
  handler.OnLottery(lottery);
  return true;
}

bool DeliverPriceCall(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::PriceCall>(frame);
  if (table == nullptr || table->orders() == nullptr) return false;
  if (!Aligned(table->orders(), alignof(wire::CalledOrder))) return false;
  std::vector<engine::PriceCallEvent> calls;
  calls.reserve(table->orders()->size());
  for (const wire::CalledOrder* order : *table->orders()) {
    calls.push_back({.account = engine::AccountId(order->account()),
                     .client_order_id = engine::ClientOrderId(order->client_order_id()),
                     .product = Product(table->market(), table->start_minute_utc()),
                     .deadline_ns = table->deadline_ns(),
                     .round = table->round(),
                     .step = table->step(),
                     .price_ticks = table->price_ticks()});
  }
  handler.OnPriceCalls(calls);
  return true;
}

bool DeliverTerminate(const Frame& frame, MessageHandler& handler) {
  const auto* table = Verified<wire::Terminate>(frame);
  if (table == nullptr) return false;
  std::string_view text;
  if (table->text() != nullptr) text = {table->text()->data(), table->text()->size()};
  handler.OnTerminate({.reason = TerminateReason(table->reason()),
                       .reconnect_after_ms = table->reconnect_after_ms(),
                       .text = text});
  return true;
}

}  // namespace

std::size_t OrdersAFrame(std::uint32_t max_frame_bytes) {
  return std::min<std::size_t>(engine::kFrameOrdersMax,
                               (max_frame_bytes - kRequestOverheadBytes) / sizeof(wire::Order));
}
std::size_t KeysAFrame(std::uint32_t max_frame_bytes) {
  return std::min<std::size_t>(engine::kFrameOrdersMax,
                               (max_frame_bytes - kRequestOverheadBytes) / sizeof(wire::OrderKey));
}

std::size_t QuantitiesAFrame(std::uint32_t max_frame_bytes) {
  return std::min<std::size_t>(engine::kFrameOrdersMax, (max_frame_bytes - kRequestOverheadBytes) /
                                                            sizeof(wire::QuantityAnswer));
}

class RequestBuilder::Impl : public FlatFrame {};

RequestBuilder::RequestBuilder() : impl_(std::make_unique<Impl>()) {}
RequestBuilder::~RequestBuilder() = default;

void RequestBuilder::Logon(const LogonRequest& logon, Bytes& out) {
  auto& builder = impl_->builder();
  const auto token = builder.CreateString(logon.token.data(), logon.token.size());
  impl_->Finish(MessageType::kLogon,
                wire::CreateLogon(builder, token, logon.next_client_seq, logon.next_event,
                                  logon.heartbeat_s, logon.cancel_on_disconnect),
                out);
}

void RequestBuilder::Logout(Bytes& out) {
  impl_->Finish(MessageType::kLogout, wire::CreateLogout(impl_->builder()), out);
}

void RequestBuilder::Heartbeat(Bytes& out) {
  impl_->Finish(MessageType::kHeartbeat, wire::CreateHeartbeat(impl_->builder()), out);
}

void RequestBuilder::Orders(engine::CommandType type, std::uint64_t client_seq,
                            std::span<const engine::OrderBody> orders, Bytes& out) {
  CHECK(orders.size() <= engine::kFrameOrdersMax);
  auto& builder = impl_->builder();
  wire::Order* to = nullptr;
  const auto vector = builder.CreateUninitializedVectorOfStructs(orders.size(), &to);
  for (const engine::OrderBody& order : orders) {
    *to++ = wire::Order(Number(order.account), Number(order.client_order_id),
                        Number(order.product.market), order.product.start_minute, order.limit_ticks,
                        order.energy_wh, 0, order.response_param, 0, Number(order.side),
                        Number(order.response), Number(order.time_in_force), 0, 0, 0);
  }
  if (type == engine::CommandType::kReplaceOrders) {
    impl_->Finish(MessageType::kReplaceOrders,
                  wire::CreateReplaceOrders(builder, client_seq, vector), out);
  } else {
    impl_->Finish(MessageType::kSubmitOrders, wire::CreateSubmitOrders(builder, client_seq, vector),
                  out);
  }
}

void RequestBuilder::CancelOrders(std::uint64_t client_seq,
                                  std::span<const engine::OrderKeyBody> keys, Bytes& out) {
  CHECK(keys.size() <= engine::kFrameOrdersMax);
  auto& builder = impl_->builder();
  wire::OrderKey* to = nullptr;
  const auto vector = builder.CreateUninitializedVectorOfStructs(keys.size(), &to);
  for (const engine::OrderKeyBody& key : keys) {
    *to++ = wire::OrderKey(Number(key.account), Number(key.client_order_id),
                           Number(key.product.market), key.product.start_minute);
  }
  impl_->Finish(MessageType::kCancelOrders, wire::CreateCancelOrders(builder, client_seq, vector),
                out);
}

void RequestBuilder::CancelAll(std::uint64_t client_seq, const engine::OrderScopeBody& scope,
                               Bytes& out) {
  impl_->Finish(MessageType::kCancelAll,
                wire::CreateCancelAll(impl_->builder(), client_seq, Number(scope.account),
                                      Number(scope.market)),
                out);
}

void RequestBuilder::QuantityReply(std::uint64_t client_seq,
                                   std::span<const engine::QuantityBody> answers, Bytes& out) {
  CHECK(answers.size() <= engine::kFrameOrdersMax);
  auto& builder = impl_->builder();
  wire::QuantityAnswer* to = nullptr;
  const auto vector = builder.CreateUninitializedVectorOfStructs(answers.size(), &to);
  for (const engine::QuantityBody& answer : answers) {
    *to++ = wire::QuantityAnswer(Number(answer.account), Number(answer.client_order_id),
                                 answer.demand_nwh, Number(answer.product.market),
                                 answer.product.start_minute, answer.round, answer.step);
  }
  impl_->Finish(MessageType::kQuantityReply, wire::CreateQuantityReply(builder, client_seq, vector),
                out);
}

void RequestBuilder::ListOpenOrders(std::uint64_t query, const engine::OrderScopeBody& scope,
                                    Bytes& out) {
  impl_->Finish(MessageType::kListOpenOrders,
                wire::CreateListOpenOrders(impl_->builder(), query, Number(scope.account),
                                           Number(scope.market)),
                out);
}

void RequestBuilder::ListProducts(std::uint64_t query, engine::MarketId market, Bytes& out) {
  impl_->Finish(MessageType::kListProducts,
                wire::CreateListProducts(impl_->builder(), query, Number(market)), out);
}

bool Deliver(const Frame& frame, MessageHandler& handler) {
  if (frame.version != kWireVersion) return true;
  switch (frame.type) {
    case MessageType::kLogonAnswer:
      return DeliverLogonAnswer(frame, handler);
    case MessageType::kAnswer:
      return DeliverAnswer(frame, handler);
    case MessageType::kOpenOrders:
      return DeliverOpenOrders(frame, handler);
    case MessageType::kRoundCleared:
      return DeliverRoundCleared(frame, handler);
    case MessageType::kFills:
      return DeliverFills(frame, handler);
    case MessageType::kRoundVoid:
      return DeliverRoundVoid(frame, handler);
    case MessageType::kOrderCancelled:
      return DeliverOrderCancelled(frame, handler);
    case MessageType::kProductOpened:
      return DeliverProductOpened(frame, handler);
    case MessageType::kProductsEnd:
      return DeliverProductsEnd(frame, handler);
    case MessageType::kIndicative:
      return DeliverIndicative(frame, handler);
    case MessageType::kPriceCall:
      return DeliverPriceCall(frame, handler);
    case MessageType::kLottery:
      return DeliverLottery(frame, handler);
    case MessageType::kTerminate:
      return DeliverTerminate(frame, handler);
    case MessageType::kHeartbeat: {
      const auto* table = Verified<wire::Heartbeat>(frame);
      if (table != nullptr) handler.OnHeartbeat(table->server_time_ns());
      return table != nullptr;
    }
    default:
      return true;
  }
}

}  // namespace gateway
