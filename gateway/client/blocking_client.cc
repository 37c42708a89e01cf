#include "gateway/client/blocking_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/reason.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// However long somebody wants to wait.
SteadyClock::time_point After(milliseconds timeout) {
  constexpr milliseconds kLongest = std::chrono::hours(24 * 365);
  return SteadyClock::now() + std::min(timeout, kLongest);
}

}  // namespace

// Queries begin anywhere: a list that an earlier process asked for may come to this one.
BlockingClient::BlockingClient(const ClientOptions& options)
    : io_(1),
      desk_(io_),
      client_(desk_, options, *this),
      query_(
          static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count())) {
}

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
  absl::Status status = client->WaitUntil([&] { return client->client_.ready(); }, After(timeout));
  if (!status.ok()) return status;
  return client;
}

template <typename Done>
absl::Status BlockingClient::WaitUntil(Done done, TimePoint end) {
  while (!done()) {
    if (!over_.empty()) return absl::UnavailableError(over_);
    io_.restart();
    if (io_.run_one_until(end) == 0) {
      return absl::DeadlineExceededError(
          absl::StrCat("no answer in time", trouble_.empty() ? "" : ": ", trouble_));
    }
  }
  return absl::OkStatus();
}

template <typename Make>
absl::StatusOr<BlockingAnswer> BlockingClient::Ask(Make make, Timeout timeout) {
  const TimePoint end = After(timeout);
  if (!over_.empty()) return absl::UnavailableError(over_);
  absl::Status status = WaitUntil([this] { return client_.HasRoom(); }, end);
  if (absl::IsDeadlineExceeded(status)) {
    return absl::UnavailableError("too many requests are unanswered; this one was not made");
  }
  if (!status.ok()) return status;
  answer_.reset();
  awaited_ = make();
  status = WaitUntil([this] { return answer_.has_value(); }, end);
  awaited_ = 0;
  if (!status.ok()) return status;
  return *std::exchange(answer_, std::nullopt);
}

absl::StatusOr<BlockingAnswer> BlockingClient::Submit(std::span<const engine::OrderBody> orders,
                                                      Timeout timeout) {
  return Ask([&] { return client_.Submit(orders); }, timeout);
}

absl::StatusOr<BlockingAnswer> BlockingClient::Replace(std::span<const engine::OrderBody> orders,
                                                       Timeout timeout) {
  return Ask([&] { return client_.Replace(orders); }, timeout);
}

absl::StatusOr<BlockingAnswer> BlockingClient::Cancel(std::span<const engine::OrderKeyBody> keys,
                                                      Timeout timeout) {
  return Ask([&] { return client_.Cancel(keys); }, timeout);
}

absl::StatusOr<BlockingAnswer> BlockingClient::CancelAll(const engine::OrderScopeBody& scope,
                                                         Timeout timeout) {
  return Ask([&] { return client_.CancelAll(scope); }, timeout);
}

absl::StatusOr<BlockingAnswer> BlockingClient::ReplyQuantities(
    std::span<const engine::QuantityBody> answers, Timeout timeout) {
  return Ask([&] { return client_.ReplyQuantities(answers); }, timeout);
}

absl::StatusOr<std::vector<engine::OpenOrderEvent>> BlockingClient::ListOpenOrders(
    const engine::OrderScopeBody& scope, Timeout timeout) {
  absl::Status status = AskForOrders(scope, After(timeout));
  listing_ = Listing::kNone;
  std::vector<engine::OpenOrderEvent> orders = std::exchange(open_orders_, {});
  if (!status.ok()) return status;
  return orders;
}

// A question changes nothing, so that it may be asked again where it was lost or put off.
absl::Status BlockingClient::AskForOrders(const engine::OrderScopeBody& scope, TimePoint end) {
  while (true) {
    absl::Status status = WaitUntil([this] { return client_.ready(); }, end);
    if (!status.ok()) return status;
    open_orders_.clear();
    listing_ = Listing::kAsked;
    list_retry_ = milliseconds(0);
    client_.ListOpenOrders(++query_, scope);
    status = WaitUntil([this] { return listing_ != Listing::kAsked; }, end);
    if (!status.ok()) return status;
    if (listing_ == Listing::kAnswered) return absl::OkStatus();
    if (listing_ == Listing::kRefused) {
      return absl::FailedPreconditionError(std::string(engine::ReasonName(list_reason_)));
    }
    const TimePoint again = std::min(end, After(list_retry_));
    status = WaitUntil([again] { return SteadyClock::now() >= again; }, again);
    if (absl::IsUnavailable(status)) return status;
  }
}

std::optional<ClientEvent> BlockingClient::NextEvent(Timeout timeout) {
  const absl::Status status = WaitUntil([this] { return !events_.empty(); }, After(timeout));
  return status.ok() ? events_.Pop() : std::nullopt;
}

void BlockingClient::OnLogonAnswer(const LogonAnswerMessage& message) {
  markets_.assign(message.markets.begin(), message.markets.end());
  logon_ = message;
  logon_.markets = markets_;
  trouble_.clear();
}

void BlockingClient::OnDisconnected(std::string_view why, bool again) {
  trouble_ = why.empty() ? "connection ended" : std::string(why);
  if (!again) over_ = trouble_;
  if (listing_ == Listing::kAsked) listing_ = Listing::kLost;
}

void BlockingClient::OnAnswer(const AnswerMessage& message) {
  if (message.message == MessageType::kListOpenOrders) {
    OnListRefused(message);
    return;
  }
  if (awaited_ == 0 || message.answer.client_seq != awaited_) return;
  answer_ = {.answer = message.answer,
             .sequenced = message.sequenced,
             .refused = {message.refused.begin(), message.refused.end()}};
}

void BlockingClient::OnListRefused(const AnswerMessage& message) {
  // A daemon that does not know the question has not read its number.
  const bool ours = message.answer.client_seq == query_ ||
                    message.answer.reason == engine::Reason::kUnknownMessage;
  if (listing_ != Listing::kAsked || !ours) return;
  list_reason_ = message.answer.reason;
  list_retry_ = milliseconds(message.retry_after_ms);
  const bool later =
      list_reason_ == engine::Reason::kBusy || list_reason_ == engine::Reason::kThrottled;
  listing_ = later ? Listing::kLost : Listing::kRefused;
}

// Pieces do not say which question they answer; only the end does, and ends come in the order of
// the questions. Those before the end of another one belong to that.
void BlockingClient::OnOpenOrders(const OpenOrdersMessage& message) {
  if (listing_ != Listing::kAsked) return;
  open_orders_.insert(open_orders_.end(), message.orders.begin(), message.orders.end());
  if (!message.end) return;
  if (message.query == query_) {
    listing_ = Listing::kAnswered;
  } else {
    open_orders_.clear();
  }
}

void BlockingClient::OnRoundCleared(std::uint64_t event, const engine::RoundClearedEvent& round) {
  events_.Push({event, round});
}
void BlockingClient::OnFills(std::uint64_t first_event, std::span<const engine::FillEvent> fills) {
  for (const engine::FillEvent& fill : fills) events_.Push({first_event++, fill});
}
void BlockingClient::OnRoundVoid(std::uint64_t event, const engine::RoundVoidEvent& round) {
  events_.Push({event, round});
}
void BlockingClient::OnOrderCancelled(std::uint64_t event,
                                      const engine::OrderCancelledEvent& order) {
  events_.Push({event, order});
}
void BlockingClient::OnProductOpened(const engine::ProductOpenedEvent& product) {
  events_.Push({0, product});
}
void BlockingClient::OnIndicative(const engine::IndicativeEvent& indicative) {
  events_.Push({0, indicative});
}
void BlockingClient::OnLottery(const engine::LotteryEvent& lottery) { events_.Push({0, lottery}); }
void BlockingClient::OnPriceCalls(std::span<const engine::PriceCallEvent> calls) {
  for (const engine::PriceCallEvent& call : calls) events_.Push({0, call});
}

}  // namespace gateway
