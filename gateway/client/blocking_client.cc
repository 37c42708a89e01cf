#include "gateway/client/blocking_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gateway {

BlockingClient::BlockingClient(const ClientOptions& options)
    : io_(1), desk_(io_), client_(desk_, options, *this) {}

BlockingClient::~BlockingClient() {
  try {
    client_.Stop();
    io_.restart();
    io_.run_for(std::chrono::milliseconds(200));  // The logout leaves, or the daemon is gone.
  } catch (...) {
    over_.clear();  // A logout that cannot be sent is a lost connection to the daemon.
  }
}

absl::StatusOr<std::unique_ptr<BlockingClient>> BlockingClient::Connect(
    const ClientOptions& options, Timeout timeout) {
  std::unique_ptr<BlockingClient> client(new BlockingClient(options));
  client->client_.Start();
  if (absl::Status status = client->WaitUntilReady(timeout); !status.ok()) return status;
  return client;
}

template <typename Done>
absl::Status BlockingClient::WaitFor(Done done, Timeout timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!done()) {
    if (!over_.empty()) return absl::UnavailableError(over_);
    io_.restart();
    if (io_.run_one_until(end) == 0) return absl::DeadlineExceededError("no answer in time");
  }
  return absl::OkStatus();
}

absl::Status BlockingClient::WaitUntilReady(Timeout timeout) {
  return WaitFor([this] { return client_.ready(); }, timeout);
}

absl::StatusOr<BlockingAnswer> BlockingClient::AnswerTo(std::uint64_t client_seq, Timeout timeout) {
  auto found = answers_.end();
  absl::Status status = WaitFor(
      [&] {
        found = std::find_if(answers_.begin(), answers_.end(), [&](const BlockingAnswer& answer) {
          return answer.answer.client_seq == client_seq;
        });
        return found != answers_.end();
      },
      timeout);
  if (!status.ok()) return status;
  BlockingAnswer answer = std::move(*found);
  answers_.erase(found);
  return answer;
}

absl::StatusOr<BlockingAnswer> BlockingClient::Submit(std::span<const engine::OrderBody> orders,
                                                      Timeout timeout) {
  return AnswerTo(client_.Submit(orders), timeout);
}

absl::StatusOr<BlockingAnswer> BlockingClient::Replace(std::span<const engine::OrderBody> orders,
                                                       Timeout timeout) {
  return AnswerTo(client_.Replace(orders), timeout);
}

absl::StatusOr<BlockingAnswer> BlockingClient::Cancel(std::span<const engine::OrderKeyBody> keys,
                                                      Timeout timeout) {
  return AnswerTo(client_.Cancel(keys), timeout);
}

absl::StatusOr<BlockingAnswer> BlockingClient::CancelAll(const engine::OrderScopeBody& scope,
                                                         Timeout timeout) {
  return AnswerTo(client_.CancelAll(scope), timeout);
}

absl::StatusOr<std::vector<engine::OpenOrderEvent>> BlockingClient::ListOpenOrders(
    const engine::OrderScopeBody& scope, Timeout timeout) {
  if (absl::Status status = WaitUntilReady(timeout); !status.ok()) return status;
  open_orders_.clear();
  client_.ListOpenOrders(++query_, scope);
  absl::Status status = WaitFor([this] { return answered_query_ == query_; }, timeout);
  if (!status.ok()) return status;
  return std::move(open_orders_);
}

std::optional<ClientEvent> BlockingClient::NextEvent(Timeout timeout) {
  const absl::Status status = WaitFor([this] { return !events_.empty(); }, timeout);
  if (!status.ok()) return std::nullopt;
  ClientEvent event = events_.front();
  events_.pop_front();
  return event;
}

void BlockingClient::OnLogonAnswer(const LogonAnswerMessage& message) {
  markets_.assign(message.markets.begin(), message.markets.end());
  logon_ = message;
  logon_.markets = markets_;
}

void BlockingClient::OnDisconnected(std::string_view why, bool again) {
  if (!again) over_ = why.empty() ? "connection ended" : std::string(why);
  open_orders_.clear();
}

void BlockingClient::OnAnswer(const AnswerMessage& message) {
  answers_.push_back({.answer = message.answer,
                      .sequenced = message.sequenced,
                      .refused = {message.refused.begin(), message.refused.end()}});
}

void BlockingClient::OnOpenOrders(const OpenOrdersMessage& message) {
  open_orders_.insert(open_orders_.end(), message.orders.begin(), message.orders.end());
  if (message.end) answered_query_ = message.query;
}

void BlockingClient::OnRoundCleared(std::uint64_t event, const engine::RoundClearedEvent& round) {
  events_.push_back({event, round});
}
void BlockingClient::OnFills(std::uint64_t first_event, std::span<const engine::FillEvent> fills) {
  for (const engine::FillEvent& fill : fills) events_.push_back({first_event++, fill});
}
void BlockingClient::OnRoundVoid(std::uint64_t event, const engine::RoundVoidEvent& round) {
  events_.push_back({event, round});
}
void BlockingClient::OnOrderCancelled(std::uint64_t event,
                                      const engine::OrderCancelledEvent& order) {
  events_.push_back({event, order});
}
void BlockingClient::OnProductOpened(const engine::ProductOpenedEvent& product) {
  events_.push_back({0, product});
}
void BlockingClient::OnIndicative(const engine::IndicativeEvent& indicative) {
  events_.push_back({0, indicative});
}

}  // namespace gateway
