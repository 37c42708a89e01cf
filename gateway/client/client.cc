#include "gateway/client/client.h"

#include <utility>

#include "engine/core/check.h"
#include "gateway/client/client_session.h"

namespace gateway {

Client::Client(ClientDesk& desk, const ClientOptions& options, ClientHandler& handler)
    : session_(std::make_shared<ClientSession>(desk, options, handler)) {}

Client::~Client() {
  try {
    session_->Abandon();
  } catch (...) {
    session_.reset();  // What its operations still hold goes with the io_context.
  }
}

void Client::Start() { session_->Start(); }
void Client::Stop() { session_->Stop(); }
bool Client::ready() const { return session_->ready(); }
std::size_t Client::unanswered() const { return session_->unanswered(); }
bool Client::HasRoom() const { return session_->HasRoom(); }
std::size_t Client::orders_a_frame() const {
  return OrdersAFrame(session_->max_client_frame_bytes());
}
std::size_t Client::keys_a_frame() const { return KeysAFrame(session_->max_client_frame_bytes()); }

std::size_t Client::quantities_a_frame() const {
  return QuantitiesAFrame(session_->max_client_frame_bytes());
}

std::uint64_t Client::Submit(std::span<const engine::OrderBody> orders) {
  return SendOrders(engine::CommandType::kSubmitOrders, orders);
}

std::uint64_t Client::Replace(std::span<const engine::OrderBody> orders) {
  return SendOrders(engine::CommandType::kReplaceOrders, orders);
}

std::uint64_t Client::SendOrders(engine::CommandType type,
                                 std::span<const engine::OrderBody> orders) {
  CHECK(HasRoom() && !orders.empty() && orders.size() <= orders_a_frame());
  Bytes frame;
  session_->builder().Orders(type, session_->next_seq(), orders, frame);
  return session_->Send(std::move(frame));
}

std::uint64_t Client::Cancel(std::span<const engine::OrderKeyBody> keys) {
  CHECK(HasRoom() && !keys.empty() && keys.size() <= keys_a_frame());
  Bytes frame;
  session_->builder().CancelOrders(session_->next_seq(), keys, frame);
  return session_->Send(std::move(frame));
}

std::uint64_t Client::CancelAll(const engine::OrderScopeBody& scope) {
  CHECK(HasRoom());
  Bytes frame;
  session_->builder().CancelAll(session_->next_seq(), scope, frame);
  return session_->Send(std::move(frame));
}

std::uint64_t Client::ReplyQuantities(std::span<const engine::QuantityBody> answers) {
  CHECK(HasRoom() && !answers.empty() && answers.size() <= quantities_a_frame());
  Bytes frame;
  session_->builder().QuantityReply(session_->next_seq(), answers, frame);
  return session_->Send(std::move(frame));
}

void Client::ListOpenOrders(std::uint64_t query, const engine::OrderScopeBody& scope) {
  CHECK(ready());
  Bytes frame;
  session_->builder().ListOpenOrders(query, scope, frame);
  session_->SendUnnumbered(frame);
}

void Client::ListProducts(std::uint64_t query, engine::MarketId market) {
  CHECK(ready());
  Bytes frame;
  session_->builder().ListProducts(query, market, frame);
  session_->SendUnnumbered(frame);
}

}  // namespace gateway
