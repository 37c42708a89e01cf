#include "tests/sim/sim_controller.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "gateway/frame.h"

namespace engine {
namespace {

constexpr std::uint64_t kWindow = 6;

}  // namespace

std::string SimController::TokenOf(CredentialId credential) {
  return absl::StrCat("pw_simulated_", static_cast<std::uint32_t>(credential));
}

void SimController::Fault(const std::string& what) {
  if (!desk_.fault.empty()) return;
  desk_.fault = absl::StrCat("credential ", static_cast<std::uint32_t>(credential_), ": ", what);
}

// The network.

void SimController::Connect(SimWire& wire) {
  wire_ = &wire;
  logon_sent_ = false;
  ready_ = false;
  resend_ = false;
  heard_.clear();
  open_orders_.clear();
  queries_before_ = query_;
  over_behind_ = UINT64_MAX;
}

void SimController::Disconnected() { wire_ = nullptr; }

void SimController::SendBytes(const gateway::Bytes& bytes) { wire_->Send(bytes); }

void SimController::Arrived(std::uint64_t client_seq, std::int64_t now_ns) {
  std::int64_t& first = sent_[client_seq - 1].first_ns;
  first = std::min(first, now_ns);
}

void SimController::WasRead(std::uint64_t client_seq, std::int64_t stamp_ns) {
  std::int64_t& last = sent_[client_seq - 1].stamp_ns;
  last = std::max(last, stamp_ns);
}

void SimController::Hear(std::span<const std::byte> bytes) {
  heard_.insert(heard_.end(), bytes.begin(), bytes.end());
  while (wire_ != nullptr) {
    const gateway::Scan scan = gateway::ScanFrame(heard_, gateway::kFrameBytesMax);
    if (scan.result == gateway::ScanResult::kBad) return Fault("bytes that are no frame");
    if (scan.result != gateway::ScanResult::kFrame) return;
    if (!gateway::Deliver(scan.frame, *this)) return Fault("a frame that is no message");
    heard_.erase(heard_.begin(), heard_.begin() + scan.length);
  }
}

// What it does.

void SimController::LogOn() {
  // Now and then it has lost what it had heard, and hears it once more.
  if (desk_.random.Below(8) == 0) {
    next_event_ -= std::min<std::uint64_t>(next_event_ - 1, desk_.random.Below(30));
  }
  gateway::Bytes bytes;
  const std::string token = TokenOf(credential_);
  desk_.builder.Logon({.token = token,
                       .next_event = next_event_,
                       .heartbeat_s = static_cast<std::uint16_t>(desk_.random.Below(40)),
                       .cancel_on_disconnect = cancels_on_disconnect()},
                      bytes);
  SendBytes(bytes);
  logon_sent_ = true;
}

void SimController::Act(std::int64_t now_ns) {
  if (wire_ == nullptr) return;
  if (!logon_sent_) return LogOn();
  if (!ready_) return;
  const std::uint64_t choice = desk_.random.Below(200);
  if (choice == 0) return SendGarbage();
  if (choice < 10) {
    gateway::Bytes bytes;
    desk_.builder.Heartbeat(bytes);
    return SendBytes(bytes);
  }
  if (choice < 20 && !sent_.empty()) {  // Whatever it was, answered or not.
    const std::uint64_t recent = std::min<std::uint64_t>(sent_.size(), 80);
    return SendFrame(sent_.size() - desk_.random.Below(recent));
  }
  if (choice < 25) return AskOpenOrders();
  if (resend_) return ResendUnanswered();
  if (sent_.size() - answered_ < kWindow) SendNew(now_ns);
}

void SimController::ComeToRest() {
  if (wire_ == nullptr) return;
  if (!logon_sent_) return LogOn();
  if (!ready_) return;
  if (resend_) ResendUnanswered();
  gateway::Bytes bytes;
  desk_.builder.Heartbeat(bytes);
  SendBytes(bytes);
}

bool SimController::AtRest() const {
  return ready_ && answered_ == sent_.size() &&
         next_event_ == desk_.reference.Numbered(credential_).size() + 1;
}

std::string SimController::WhatItWaitsFor() const {
  return absl::StrCat("credential ", static_cast<std::uint32_t>(credential_), " waits",
                      wire_ == nullptr ? ", with no connection" : "",
                      ready_ ? "" : " for its logon", "; of ", sent_.size(), " commands ",
                      answered_, " are answered; of ", desk_.reference.Numbered(credential_).size(),
                      " events it has ", next_event_ - 1);
}

void SimController::SendNew(std::int64_t now_ns) {
  desk_.random.Below(5) == 0 ? SendCancel(now_ns) : SendOrders(now_ns);
}

template <typename Body>
SimController::Sent SimController::Made(CommandType type, const std::vector<Body>& bodies) const {
  Sent sent;
  sent.type = type;
  const auto bytes = std::as_bytes(std::span(bodies));
  sent.body.assign(bytes.begin(), bytes.end());
  if constexpr (!std::is_same_v<Body, OrderScopeBody>) {
    for (const Body& body : bodies) sent.products.push_back(body.product);
  }
  return sent;
}

void SimController::SendOrders(std::int64_t now_ns) {
  std::vector<OrderBody> orders(1 + desk_.random.Below(desk_.random.Below(4) == 0 ? 40 : 4));
  for (OrderBody& order : orders) order = RandomOrder(now_ns);
  const CommandType type =
      desk_.random.Below(4) == 0 ? CommandType::kReplaceOrders : CommandType::kSubmitOrders;
  Sent sent = Made(type, orders);
  desk_.builder.Orders(type, sent_.size() + 1, orders, sent.frame);
  sent_.push_back(std::move(sent));
  SendFrame(sent_.size());
}

void SimController::SendCancel(std::int64_t now_ns) {
  Sent sent;
  if (desk_.random.Below(16) == 0) {
    OrderScopeBody scope;
    if (desk_.random.Below(2) == 0) scope.account = RandomOrder(now_ns).account;
    sent = Made(CommandType::kCancelAll, std::vector{scope});
    desk_.builder.CancelAll(sent_.size() + 1, scope, sent.frame);
  } else {
    std::vector<OrderKeyBody> keys(1 + desk_.random.Below(4));
    for (OrderKeyBody& key : keys) {
      const OrderBody order = RandomOrder(now_ns);
      key = {order.account, order.client_order_id, order.product};
    }
    sent = Made(CommandType::kCancelOrders, keys);
    desk_.builder.CancelOrders(sent_.size() + 1, keys, sent.frame);
  }
  sent_.push_back(std::move(sent));
  SendFrame(sent_.size());
}

// Mostly one that is taken.
OrderBody SimController::RandomOrder(std::int64_t now_ns) const {
  RandomSource& random = desk_.random;
  std::vector<AccountBody> accounts = desk_.reference.AccountsOf(credential_);
  if (accounts.empty()) accounts.push_back({.id = AccountId{1}, .market = MarketId{1}});
  const AccountBody& account = accounts[random.Below(accounts.size())];
  const auto minute = static_cast<std::uint32_t>(now_ns / kMinuteNs);
  OrderBody order;
  order.account = random.Below(50) == 0 ? AccountId{1 + random.Below(9)} : account.id;
  order.client_order_id = ClientOrderId{1 + random.Below(100)};
  order.product.market = random.Below(50) == 0
                             ? MarketId{1 + static_cast<std::uint32_t>(random.Below(3))}
                             : account.market;
  order.product.start_minute =
      minute / 5 * 5 +
      5 * static_cast<std::uint32_t>(random.Below(10) == 0 ? 0 : 1 + random.Below(3));
  order.side = random.Below(2) == 0 ? Side::kBuy : Side::kSell;
  const auto band_low = band_lows_.find(order.product.market);
  order.limit_ticks = band_low == band_lows_.end() ? 0 : band_low->second;
  if (order.side == Side::kBuy) order.limit_ticks += 25;
  order.limit_ticks += static_cast<std::int32_t>(random.Below(76));
  order.energy_wh = 1 + static_cast<std::uint32_t>(random.Below(random.Below(20) == 0 ? 600 : 200));
  if (random.Below(100) == 0) {
    order.response = Response::kQuadratic;
    order.response_param = 1'000;
  }
  return order;
}

void SimController::SendFrame(std::uint64_t client_seq) {
  wire_->Send(sent_[client_seq - 1].frame, client_seq);
}

void SimController::ResendUnanswered() {
  resend_ = false;
  for (std::uint64_t seq = answered_ + 1; seq <= sent_.size(); ++seq) SendFrame(seq);
}

// And it knows that its connection ends with it.
void SimController::SendGarbage() {
  gateway::Bytes bytes(8 + desk_.random.Below(64));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(desk_.random.Below(256));
  SendBytes(bytes);
}

void SimController::AskOpenOrders() {
  gateway::Bytes bytes;
  desk_.builder.ListOpenOrders(++query_, {}, bytes);
  desk_.builder.ListProducts(1, {}, bytes);
  SendBytes(bytes);
}

std::optional<std::vector<ReferenceExchange::OpenOrder>> SimController::TakeOpenOrders() {
  return std::exchange(open_orders_heard_, std::nullopt);
}

bool SimController::HasSent(CommandView command) const {
  const CommandHeader& header = command.header();
  if (header.client_seq == 0 || header.client_seq > sent_.size()) return false;
  const Sent& sent = sent_[header.client_seq - 1];
  const auto body = command.body();
  return sent.type == header.type &&
         std::equal(body.begin(), body.end(), sent.body.begin(), sent.body.end());
}

void SimController::OrdersLeave() {
  if (ready_) over_behind_ = std::min<std::uint64_t>(over_behind_, sent_.size());
}

}  // namespace engine
