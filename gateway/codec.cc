#include "gateway/codec.h"

#include <cstring>

#include "engine/core/limits.h"
#include "gateway/flat_frame.h"
#include "schemas/peerwatt_generated.h"

namespace gateway {
namespace {

using engine::CommandHeader;
using engine::CommandType;
using engine::Reason;

static_assert(sizeof(wire::Order) == 64 && alignof(wire::Order) == 8);
static_assert(sizeof(wire::OrderKey) == 24 && sizeof(wire::QuantityAnswer) == 40);
static_assert(kFrameBytesMax / sizeof(wire::Order) > engine::kFrameOrdersMax);

// The vector whose items become bodies.
template <typename Table>
const auto* ItemsOf(const Table& table) {
  return table.orders();
}
template <>
const auto* ItemsOf<wire::QuantityReply>(const wire::QuantityReply& table) {
  return table.answers();
}

template <typename Table, typename Body>
Reason ReadItems(const Frame& frame, Request& request) {
  const auto* table = Verified<Table>(frame);
  if (table == nullptr || table->client_seq() == 0) return Reason::kMalformed;
  request.client_seq = table->client_seq();
  const auto* items = ItemsOf(*table);
  if (items == nullptr || items->size() == 0) return Reason::kNoOrders;
  if (items->size() > engine::kFrameOrdersMax) return Reason::kTooManyOrders;
  if (!Aligned(items, 8)) return Reason::kMalformed;
  request.items = items->size();
  request.command_bytes =
      static_cast<std::uint32_t>(sizeof(CommandHeader) + request.items * sizeof(Body));
  request.wire = reinterpret_cast<const std::byte*>(items->Data());
  return Reason::kNone;
}

constexpr std::uint32_t kScopeBytes = sizeof(CommandHeader) + sizeof(engine::OrderScopeBody);

Reason ReadCancelAll(const Frame& frame, Request& request) {
  const auto* table = Verified<wire::CancelAll>(frame);
  if (table == nullptr || table->client_seq() == 0) return Reason::kMalformed;
  request.client_seq = table->client_seq();
  request.items = 1;
  request.command_bytes = kScopeBytes;
  request.wire = reinterpret_cast<const std::byte*>(table);
  return Reason::kNone;
}

template <typename Table>
Reason ReadQuestion(const Frame& frame, Request& request) {
  const auto* table = Verified<Table>(frame);
  if (table == nullptr) return Reason::kMalformed;
  request.client_seq = table->query();
  request.items = 1;
  request.command_bytes = kScopeBytes;
  request.wire = reinterpret_cast<const std::byte*>(table);
  return Reason::kNone;
}

constexpr auto kResponseMax = static_cast<std::uint8_t>(engine::Response::kInteractive);

Reason Judge(const wire::Order& order) {
  if (order.side() > static_cast<std::uint8_t>(engine::Side::kSell)) return Reason::kBadSide;
  if (order.response() > kResponseMax) return Reason::kBadResponse;
  if (order.time_in_force() != static_cast<std::uint8_t>(engine::TimeInForce::kProduct)) {
    return Reason::kBadTimeInForce;
  }
  return Reason::kReservedNotZero;
}

// Not zero where something is wrong with the order: one branch for all that can be.
std::uint64_t Faults(const wire::Order& order) {
  const std::uint32_t unused_param = order.response() == 0 ? order.response_param() : 0;
  return (order.side() >> 1) | (order.response() > kResponseMax ? 1 : 0) | order.time_in_force() |
         order.reserved0() | order.reserved1() | order.reserved2() | order.min_energy_wh() |
         unused_param | order.group();
}

FrameRefusal WriteOrders(const Request& request, std::byte* out) {
  const auto* orders = reinterpret_cast<const wire::Order*>(request.wire);
  for (std::uint32_t i = 0; i < request.items; ++i) {
    const wire::Order& order = orders[i];
    if (Faults(order) != 0) {
      return {.reason = Judge(order), .index = static_cast<std::uint16_t>(i)};
    }
    const engine::OrderBody body{
        .account = engine::AccountId(order.account()),
        .client_order_id = engine::ClientOrderId(order.client_order_id()),
        .product = {engine::MarketId(order.market()), order.start_minute_utc()},
        .limit_ticks = order.limit_ticks(),
        .energy_wh = order.energy_wh(),
        .response_param = order.response_param(),
        .side = static_cast<engine::Side>(order.side()),
        .response = static_cast<engine::Response>(order.response()),
        .time_in_force = engine::TimeInForce::kProduct,
        .zero = 0};
    std::memcpy(out + i * sizeof(body), &body, sizeof(body));
  }
  return {};
}

void WriteKeys(const Request& request, std::byte* out) {
  const auto* keys = reinterpret_cast<const wire::OrderKey*>(request.wire);
  for (std::uint32_t i = 0; i < request.items; ++i) {
    const engine::OrderKeyBody body{
        .account = engine::AccountId(keys[i].account()),
        .client_order_id = engine::ClientOrderId(keys[i].client_order_id()),
        .product = {engine::MarketId(keys[i].market()), keys[i].start_minute_utc()}};
    std::memcpy(out + i * sizeof(body), &body, sizeof(body));
  }
}

void WriteAnswers(const Request& request, std::byte* out) {
  const auto* answers = reinterpret_cast<const wire::QuantityAnswer*>(request.wire);
  for (std::uint32_t i = 0; i < request.items; ++i) {
    const wire::QuantityAnswer& answer = answers[i];
    const engine::QuantityBody body{
        .account = engine::AccountId(answer.account()),
        .client_order_id = engine::ClientOrderId(answer.client_order_id()),
        .product = {engine::MarketId(answer.market()), answer.start_minute_utc()},
        .demand_nwh = answer.demand_nwh(),
        .round = answer.round(),
        .step = answer.step()};
    std::memcpy(out + i * sizeof(body), &body, sizeof(body));
  }
}

void WriteScope(std::uint64_t account, std::uint32_t market, std::byte* out) {
  const engine::OrderScopeBody body{
      .account = engine::AccountId(account), .market = engine::MarketId(market), .zero = 0};
  std::memcpy(out, &body, sizeof(body));
}

template <typename Table>
void WriteAccountScope(const Request& request, std::byte* out) {
  const auto* table = reinterpret_cast<const Table*>(request.wire);
  WriteScope(table->account(), table->market(), out);
}

}  // namespace

Reason Read(const Frame& frame, Request& request) {
  if (frame.version != kWireVersion) return Reason::kUnknownMessage;
  request.type = static_cast<CommandType>(frame.type);
  switch (frame.type) {
    case MessageType::kSubmitOrders:
      return ReadItems<wire::SubmitOrders, engine::OrderBody>(frame, request);
    case MessageType::kReplaceOrders:
      return ReadItems<wire::ReplaceOrders, engine::OrderBody>(frame, request);
    case MessageType::kCancelOrders:
      return ReadItems<wire::CancelOrders, engine::OrderKeyBody>(frame, request);
    case MessageType::kCancelAll:
      return ReadCancelAll(frame, request);
    case MessageType::kQuantityReply:
      return ReadItems<wire::QuantityReply, engine::QuantityBody>(frame, request);
    case MessageType::kListOpenOrders:
      return ReadQuestion<wire::ListOpenOrders>(frame, request);
    case MessageType::kListProducts:
      return ReadQuestion<wire::ListProducts>(frame, request);
    default:
      return Reason::kUnknownMessage;
  }
}

FrameRefusal Write(const Request& request, engine::CredentialId credential, std::int64_t time_ns,
                   CommandHeader* command) {
  *command = {.sequence = 0,
              .time_ns = time_ns,
              .client_seq = request.client_seq,
              .credential = credential,
              .length = request.command_bytes,
              .type = request.type,
              .version = engine::kCommandVersion,
              .count = request.items};
  std::byte* bodies = reinterpret_cast<std::byte*>(command) + sizeof(CommandHeader);
  switch (request.type) {
    case CommandType::kCancelOrders:
      WriteKeys(request, bodies);
      return {};
    case CommandType::kReplyQuantities:
      WriteAnswers(request, bodies);
      return {};
    case CommandType::kCancelAll:
      WriteAccountScope<wire::CancelAll>(request, bodies);
      return {};
    case CommandType::kListOpenOrders:
      WriteAccountScope<wire::ListOpenOrders>(request, bodies);
      return {};
    case CommandType::kListProducts:
      WriteScope(0, reinterpret_cast<const wire::ListProducts*>(request.wire)->market(), bodies);
      return {};
    default:
      return WriteOrders(request, bodies);
  }
}

bool ReadLogon(const Frame& frame, LogonRequest& logon) {
  if (frame.version != kWireVersion) return false;
  const auto* table = Verified<wire::Logon>(frame);
  if (table == nullptr || table->token() == nullptr) return false;
  logon = {.token = std::string_view(table->token()->data(), table->token()->size()),
           .next_client_seq = table->next_client_seq(),
           .next_event = table->next_event(),
           .heartbeat_s = table->heartbeat_s(),
           .cancel_on_disconnect = table->cancel_on_disconnect()};
  return true;
}

bool IsValidLogout(const Frame& frame) { return Verified<wire::Logout>(frame) != nullptr; }

bool IsValidHeartbeat(const Frame& frame) { return Verified<wire::Heartbeat>(frame) != nullptr; }

}  // namespace gateway
