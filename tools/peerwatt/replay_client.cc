#include "tools/peerwatt/replay_client.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "absl/strings/str_cat.h"
#include "tools/peerwatt/live_buyer.h"

namespace tools {
namespace {

using engine::CommandType;

std::uint64_t KeyOf(const engine::ProductId& product) {
  return std::uint64_t{static_cast<std::uint32_t>(product.market)} << 32 | product.start_minute;
}

std::tuple<engine::AccountId, engine::ClientOrderId, std::uint64_t> NameOf(
    const engine::OrderBody& order) {
  return {order.account, order.client_order_id, KeyOf(order.product)};
}

enum class Temper : std::uint8_t { kLive, kSlow, kSilent };

// Accounts are spread by a multiplicative hash, the same in every run.
Temper TemperOf(engine::AccountId account, const ReplayPlay& play) {
  const std::uint64_t mixed = static_cast<std::uint64_t>(account) * 0x9E3779B97F4A7C15 >> 32;
  const std::uint64_t place = mixed % (play.live + play.slow + play.silent);
  if (place < play.live) return Temper::kLive;
  return place < play.live + play.slow ? Temper::kSlow : Temper::kSilent;
}

}  // namespace

std::int64_t SteadyNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

ReplayClient::ReplayClient(gateway::ClientDesk& desk, const gateway::ClientOptions& client,
                           const NetworkReplayOptions& options, engine::CredentialId credential,
                           ReplayTally& tally)
    : desk_(desk),
      play_(options.play),
      client_(desk, client, *this),
      batch_(options.batch),
      credential_(credential),
      tally_(tally) {}

void ReplayClient::Send(const DueOrder& order) {
  queue_.push_back(order);
  ++tally_.waiting;
}

void ReplayClient::Flush() {
  while (was_ready_ && !answers_.empty() && client_.HasRoom()) SendAnswers();
  while (was_ready_ && !queue_.empty() && client_.HasRoom()) SendFrame();
}

void ReplayClient::SendFrame() {
  const CommandType type = queue_.front().type;
  std::vector<DueOrder> frame;
  std::size_t most = std::min(batch_, client_.orders_a_frame());
  if (type == CommandType::kCancelOrders) most = std::min(batch_, client_.keys_a_frame());
  if (type == CommandType::kCancelAll) most = 1;
  while (!queue_.empty() && queue_.front().type == type && frame.size() < most) {
    frame.push_back(queue_.front());
    queue_.pop_front();
  }
  std::uint64_t client_seq = 0;
  if (type == CommandType::kCancelAll) {
    client_seq = client_.CancelAll(
        {.account = frame[0].order.account, .market = frame[0].order.product.market});
  } else if (type == CommandType::kCancelOrders) {
    std::vector<engine::OrderKeyBody> keys;
    keys.reserve(frame.size());
    for (const DueOrder& due : frame) {
      keys.push_back({due.order.account, due.order.client_order_id, due.order.product});
    }
    client_seq = client_.Cancel(keys);
  } else {
    std::vector<engine::OrderBody> orders;
    orders.reserve(frame.size());
    for (const DueOrder& due : frame) {
      orders.push_back(due.order);
      if (play_.theta == 0 || due.order.side == engine::Side::kSell) continue;
      orders.back().response = engine::Response::kInteractive;
      orders.back().response_param = 0;
      live_bids_[NameOf(due.order)] = due.order;
    }
    client_seq =
        type == CommandType::kSubmitOrders ? client_.Submit(orders) : client_.Replace(orders);
  }
  sent_[client_seq] = std::move(frame);
}

void ReplayClient::OnLogonAnswer(const gateway::LogonAnswerMessage& message) {
  tally_.result.clock_factor = std::max<std::uint32_t>(1, message.clock_factor);
  if (!tally_.server_minus_steady_ns) {
    tally_.server_at_ns = SteadyNs();
    tally_.server_minus_steady_ns = message.server_time_ns;
  }
}

void ReplayClient::OnReady() {
  if (was_ready_) {
    ++tally_.result.reconnects;
  } else {
    was_ready_ = true;
    ++tally_.ready;
  }
  Flush();
}

void ReplayClient::OnDisconnected(std::string_view why, bool again) {
  if (again || !tally_.error.empty()) return;
  tally_.error = absl::StrCat("credential ", static_cast<std::uint32_t>(credential_),
                              " was disconnected: ", std::string(why));
}

// A daemon that nobody has reached yet is not there, or not at this address. One that was there may
// come back.
void ReplayClient::OnUnreachable(std::string_view why, bool again) {
  if (tally_.ready > 0) return OnDisconnected(why, again);
  if (tally_.error.empty()) tally_.error = why;
}

void ReplayClient::CountAccepted(const DueOrder& due) {
  if (due.type != CommandType::kSubmitOrders && due.type != CommandType::kReplaceOrders) return;
  const std::uint64_t key = KeyOf(due.order.product);
  std::uint32_t& wanted_wh = wanted_wh_[NameOf(due.order)];
  ProductReport& product = tally_.result.products[due.order.product];
  const bool buys = due.order.side == engine::Side::kBuy;
  // Unsigned arithmetic wraps around: a replace for less takes away.
  (buys ? product.bid_wh : product.ask_wh) += std::uint64_t{due.order.energy_wh} - wanted_wh;
  wanted_wh = due.order.energy_wh;
  if (awaited_.try_emplace(key, true).second) ++tally_.awaited[due.order.product];
}

// A game does not wait: answers go before orders.
void ReplayClient::SendAnswers() {
  std::vector<engine::QuantityBody> frame;
  while (!answers_.empty() && frame.size() < client_.quantities_a_frame()) {
    frame.push_back(answers_.front());
    answers_.pop_front();
  }
  client_.ReplyQuantities(frame);
}

void ReplayClient::AnswerLater(std::vector<engine::QuantityBody> answers) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(desk_.io);
  timer->expires_after(std::chrono::milliseconds(play_.slow_ms));
  timer->async_wait([this, timer, answers = std::move(answers)](const boost::system::error_code&) {
    answers_.insert(answers_.end(), answers.begin(), answers.end());
    Flush();
  });
}

void ReplayClient::OnPriceCalls(std::span<const engine::PriceCallEvent> calls) {
  tally_.result.prices_called += calls.size();
  std::vector<engine::QuantityBody> late;
  for (const engine::PriceCallEvent& call : calls) {
    const auto bid = live_bids_.find({call.account, call.client_order_id, KeyOf(call.product)});
    if (bid == live_bids_.end()) continue;
    const engine::QuantityBody answer = AnswerTo(call, bid->second, play_.theta);
    switch (TemperOf(call.account, play_)) {
      case Temper::kLive:
        answers_.push_back(answer);
        break;
      case Temper::kSlow:
        late.push_back(answer);
        break;
      case Temper::kSilent:
        break;
    }
  }
  Flush();
  if (!late.empty()) AnswerLater(std::move(late));
}

void ReplayClient::CountQuantities(const gateway::AnswerMessage& message) {
  NetworkReplayResult& result = tally_.result;
  if (message.answer.reason != engine::Reason::kNone) {
    ++result.quantities_refused[message.answer.reason];
    return;
  }
  result.quantities_counted += message.answer.items - message.refused.size();
  for (const engine::Refusal& refusal : message.refused) {
    ++result.quantities_refused[refusal.reason];
  }
}

void ReplayClient::OnAnswer(const gateway::AnswerMessage& message) {
  if (message.message == gateway::MessageType::kQuantityReply) {
    CountQuantities(message);
    Flush();
    return;
  }
  const auto found = sent_.find(message.answer.client_seq);
  if (found == sent_.end()) return;
  const std::vector<DueOrder> frame = std::move(found->second);
  sent_.erase(found);
  const std::int64_t now_ns = SteadyNs();
  tally_.last_answer_ns = now_ns;
  tally_.waiting -= frame.size();
  NetworkReplayResult& result = tally_.result;
  result.orders += frame.size();
  std::vector<engine::Reason> reasons(frame.size(), message.answer.reason);
  for (const engine::Refusal& refusal : message.refused) {
    if (refusal.index < reasons.size()) reasons[refusal.index] = refusal.reason;
  }
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const std::int64_t answer_ns = std::max<std::int64_t>(0, now_ns - frame[i].due_ns);
    result.answer_ns.Add(static_cast<std::uint64_t>(answer_ns));
    if (frame[i].in_burst) CountInBurst(answer_ns, reasons[i]);
    if (reasons[i] == engine::Reason::kNone) {
      ++result.accepted;
      CountAccepted(frame[i]);
    } else {
      ++result.refused[reasons[i]];
    }
  }
  // A refusal of the gateway's is not in the journal, and nothing that a crash could lose.
  if (tally_.acks != nullptr && message.sequenced) {
    const engine::AnswerEvent& answer = message.answer;
    *tally_.acks << static_cast<std::uint32_t>(credential_) << ' ' << answer.client_seq << ' '
                 << answer.command_sequence << ' ' << answer.time_ns << ' '
                 << static_cast<unsigned>(answer.reason) << ' ' << answer.items;
    for (const engine::Refusal& refusal : message.refused) {
      *tally_.acks << ' ' << refusal.index << ':' << static_cast<unsigned>(refusal.reason);
    }
    *tally_.acks << '\n';
  }
  Flush();
}

void ReplayClient::CountInBurst(std::int64_t answer_ns, engine::Reason reason) {
  BurstReport& burst = tally_.result.burst;
  ++burst.orders;
  // A round that is over takes its product with it.
  const bool late = reason == engine::Reason::kGateClosed || reason == engine::Reason::kClearing ||
                    reason == engine::Reason::kUnknownProduct;
  burst.late += late ? 1 : 0;
  burst.answer_ns.Add(static_cast<std::uint64_t>(answer_ns));
}

void ReplayClient::RoundTold(const engine::ProductId& product) {
  tally_.result.products[product].is_told = true;
  if (awaited_.erase(KeyOf(product)) == 0) return;
  const auto awaited = tally_.awaited.find(product);
  if (--awaited->second == 0) tally_.awaited.erase(awaited);
}

void ReplayClient::OnRoundCleared(std::uint64_t /*event*/, const engine::RoundClearedEvent& round) {
  ProductReport& product = tally_.result.products[round.product];
  if (round.result == engine::RoundResult::kTraded) {
    product.traded = true;
    product.energy_wh = round.energy_wh;
  }
  if (round.round == round.rounds || round.carry_over == 0) RoundTold(round.product);
}

void ReplayClient::OnRoundVoid(std::uint64_t /*event*/, const engine::RoundVoidEvent& round) {
  tally_.result.products[round.product].is_void = true;
  if (round.round == round.rounds || round.carry_over == 0) RoundTold(round.product);
}

void ReplayClient::OnFills(std::uint64_t /*first_event*/,
                           std::span<const engine::FillEvent> fills) {
  tally_.result.fills += fills.size();
  const std::int64_t now_ns = SteadyNs();
  for (const engine::FillEvent& fill : fills) {
    ProductReport& product = tally_.result.products[fill.product];
    product.last_fill_ns = now_ns;
    const bool buys = fill.side == engine::Side::kBuy;
    (buys ? product.bought_wh : product.sold_wh) += fill.energy_wh;
    (buys ? product.paid_units : product.got_units) += fill.amount_units;
  }
}

}  // namespace tools
