#include "tools/peerwatt/controller.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "absl/strings/str_cat.h"
#include "engine/core/hex.h"
#include "engine/core/reason.h"
#include "engine/core/sha256.h"
#include "gateway/client/client.h"
#include "tools/peerwatt/live_buyer.h"

namespace tools {
namespace {

// In real time: a gate that is nearer is left to others.
constexpr std::int64_t kGateNs = 2'000'000'000;

std::string NamesOf(std::span<const engine::MarketId> markets) {
  std::string names = markets.empty() ? "none" : "";
  for (const engine::MarketId market : markets) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", static_cast<std::uint32_t>(market));
  }
  return names;
}

class Controller : public gateway::ClientHandler {
 public:
  Controller(gateway::ClientDesk& desk, const gateway::ClientOptions& client,
             const ControllerOptions& options, std::ostream& out)
      : order_(options.order), theta_(options.theta), out_(out), client_(desk, client, *this) {
    if (theta_ > 0) order_.response = engine::Response::kInteractive;
    client_.Start();
  }

  bool done() const { return done_ || !status_.ok(); }
  const absl::Status& status() const { return lottery_.ok() ? status_ : lottery_; }
  void Stop() { client_.Stop(); }

  void OnLogonAnswer(const gateway::LogonAnswerMessage& message) override {
    if (message.reason == engine::Reason::kEventsGone) {
      status_ = absl::DataLossError(absl::StrCat("events were missed and are kept only from ",
                                                 message.next_event,
                                                 " on: the order's round may be one of them"));
    }
    if (message.reason != engine::Reason::kNone) return;  // OnDisconnected says why.
    earliest_gate_ns_ =
        message.server_time_ns + kGateNs * static_cast<std::int64_t>(message.clock_factor);
    out_ << "logged on, next client_seq " << message.next_client_seq << "\n";
    SeeWhatWasMissed(message.next_event);
    if (std::ranges::find(message.markets, order_.product.market) != message.markets.end()) return;
    status_.Update(absl::FailedPreconditionError(absl::StrCat(
        "market ", static_cast<std::uint32_t>(order_.product.market),
        ": this credential has no account there; it trades in ", NamesOf(message.markets))));
  }
  void OnReady() override {
    if (done()) return;
    client_.ListProducts(1, order_.product.market);  // With what their lotteries are held to.
    SubmitOnce();
  }
  void OnUnreachable(std::string_view why, bool again) override {
    if (done()) return;
    out_ << why << "\n";
    if (!again) status_ = absl::UnavailableError(std::string(why));
  }
  void OnDisconnected(std::string_view why, bool again) override {
    if (done()) return;
    out_ << "disconnected: " << why << "\n";
    if (!again) status_ = absl::UnavailableError(std::string(why));
  }
  void OnProductOpened(const engine::ProductOpenedEvent& product) override {
    if (order_.product.start_minute != 0 || product.product.market != order_.product.market) return;
    if (product.gate_ns < earliest_gate_ns_) return;
    order_.product = product.product;
    SubmitOnce();
  }
  void OnLottery(const engine::LotteryEvent& lottery) override {
    if (lottery.product != order_.product) return;
    if (lottery.part == engine::LotteryEvent::Part::kCommitted) {
      KeepHash(lottery);
    } else {
      CheckSecret(lottery);
    }
  }
  void OnPriceCalls(std::span<const engine::PriceCallEvent> calls) override {
    for (const engine::PriceCallEvent& call : calls) {
      if (!IsOurs(call) || theta_ == 0 || !client_.HasRoom()) continue;
      const engine::QuantityBody answer = AnswerTo(call, order_, theta_);
      out_ << "step " << call.step << ": " << call.price_ticks << " ticks, we take "
           << answer.demand_nwh << " nWh\n";
      client_.ReplyQuantities(std::span(&answer, 1));
    }
  }
  void OnAnswer(const gateway::AnswerMessage& message) override {
    engine::Reason reason = message.answer.reason;
    if (!message.refused.empty()) reason = message.refused[0].reason;
    if (message.message == gateway::MessageType::kQuantityReply) {
      // One that came too late, say: the exchange counts the answer before it.
      if (reason != engine::Reason::kNone) {
        out_ << "answer refused: " << engine::ReasonName(reason) << "\n";
      }
      return;
    }
    if (reason != engine::Reason::kNone) {
      status_ = absl::FailedPreconditionError(
          absl::StrCat("refused: ", std::string(engine::ReasonName(reason)), " (",
                       static_cast<unsigned>(reason), ")"));
      return;
    }
    out_ << "accepted, order id " << message.answer.command_sequence * engine::kOrderIdPlaces
         << "\n";
    answered_ = true;
    StopIfMissed();
  }
  void OnRoundCleared(std::uint64_t event, const engine::RoundClearedEvent& round) override {
    next_event_ = event + 1;
    if (round.product != order_.product) return;
    out_ << "round " << round.round << " of " << round.rounds;
    if (round.result == engine::RoundResult::kTraded) {
      out_ << ": price " << round.buy_price_ticks;
      if (round.sell_price_ticks != round.buy_price_ticks) out_ << "/" << round.sell_price_ticks;
      out_ << " ticks, " << round.energy_wh << " Wh traded\n";
    } else {
      out_ << ": nothing traded\n";
    }
    fills_due_ = round.fills;
    last_round_ = round.round == round.rounds || round.carry_over == 0;
    done_ = last_round_ && fills_due_ == 0;
  }
  void OnRoundVoid(std::uint64_t event, const engine::RoundVoidEvent& round) override {
    next_event_ = event + 1;
    if (round.product != order_.product) return;
    out_ << "round " << round.round << " is void";
    if (round.reason != engine::Reason::kNone) out_ << ": " << engine::ReasonName(round.reason);
    out_ << "\n";
    done_ = round.round == round.rounds || round.carry_over == 0;
  }
  void OnOrderCancelled(std::uint64_t event,
                        const engine::OrderCancelledEvent& cancelled) override {
    next_event_ = event + 1;
    if (!IsOurs(cancelled)) return;
    status_ = absl::FailedPreconditionError(
        absl::StrCat("withdrawn by the daemon: ", std::string(engine::ReasonName(cancelled.reason)),
                     " (", static_cast<unsigned>(cancelled.reason), ")"));
  }
  void OnFills(std::uint64_t first_event, std::span<const engine::FillEvent> fills) override {
    next_event_ = first_event + fills.size();
    for (const engine::FillEvent& fill : fills) {
      if (fill.product != order_.product) continue;
      out_ << "fill: " << fill.energy_wh << " Wh at " << fill.price_ticks << " ticks, "
           << fill.amount_units << " units, " << fill.open_wh << " Wh left\n";
      if (fills_due_ > 0) --fills_due_;
    }
    done_ = last_round_ && fills_due_ == 0;
  }

 private:
  // The first counts: a later one could be chosen after the orders.
  void KeepHash(const engine::LotteryEvent& committed) {
    const auto [first, is_first] = lottery_hashes_.try_emplace(committed.round, committed.bytes);
    if (is_first || first->second == committed.bytes) return;
    out_ << "lottery of round " << committed.round << ": ANOTHER hash is announced, "
         << engine::ToHex(committed.bytes) << ", and the first was " << engine::ToHex(first->second)
         << "\n";
    lottery_.Update(
        absl::DataLossError("another hash of a lottery's secret came behind the first"));
  }
  // The daemon drew with the secret that it was held to, or it did not.
  void CheckSecret(const engine::LotteryEvent& revealed) {
    const auto hash = lottery_hashes_.find(revealed.round);
    out_ << "lottery of round " << revealed.round << ": secret " << engine::ToHex(revealed.bytes);
    if (hash == lottery_hashes_.end()) {
      out_ << ", announced before we were there\n";
    } else if (engine::Sha256(revealed.bytes) == hash->second) {
      out_ << ", as announced\n";
    } else {
      out_ << ", NOT the one that was announced, of SHA-256 " << engine::ToHex(hash->second)
           << "\n";
      lottery_.Update(absl::DataLossError("a lottery's secret is not the one that was announced"));
    }
  }

  template <typename Event>
  bool IsOurs(const Event& event) const {
    return event.account == order_.account && event.product == order_.product &&
           event.client_order_id == order_.client_order_id;
  }
  // Numbered events have no gaps, and those of the time between two connections are not sent again.
  void SeeWhatWasMissed(std::uint64_t next_event) {
    if (next_event_ && next_event > *next_event_) {
      missed_ = true;
      out_ << "missed: " << next_event - *next_event_ << " events, from " << *next_event_
           << " on, while no connection was there\n";
    }
    next_event_ = next_event;
    StopIfMissed();
  }
  // The round may be among what was missed: only an answer is still to come.
  void StopIfMissed() {
    if (!missed_ || done() || (submitted_ && !answered_)) return;
    status_ = absl::DataLossError("events were missed, and the order's round may be one of them");
  }
  void SubmitOnce() {
    if (submitted_ || !client_.ready() || order_.product.start_minute == 0) return;
    submitted_ = true;
    client_.Submit(std::span<const engine::OrderBody>(&order_, 1));
  }

  engine::OrderBody order_;
  const std::uint32_t theta_;
  std::ostream& out_;
  gateway::Client client_;
  std::int64_t earliest_gate_ns_ = 0;
  std::map<std::uint32_t, engine::LotteryBytes> lottery_hashes_;  // First announced, by round.
  std::optional<std::uint64_t> next_event_;                       // The first that was not seen.
  bool missed_ = false;
  bool submitted_ = false;
  bool answered_ = false;
  bool last_round_ = false;
  bool done_ = false;
  std::uint32_t fills_due_ = 0;
  absl::Status status_;
  absl::Status lottery_;  // Comes before the other, but only when all is heard.
};

}  // namespace

absl::Status RunController(const ControllerOptions& options, std::ostream& out) {
  boost::asio::io_context io(1);
  gateway::ClientDesk desk(io);
  gateway::ClientOptions client;
  client.host = options.host;
  client.port = options.port;
  client.token = options.token;
  client.tls = options.tls;
  client.tls_name = options.tls_name;
  Controller controller(desk, client, options, out);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options.timeout_s);
  while (!controller.done()) {
    if (std::chrono::steady_clock::now() > deadline) {
      absl::Status status = controller.status();
      status.Update(
          absl::DeadlineExceededError("the time is up before the order's round was told"));
      return status;
    }
    io.run_one_for(std::chrono::milliseconds(20));
    out.flush();  // Whoever reads it through a pipe or in a file sees it now.
  }
  controller.Stop();
  io.run_for(std::chrono::milliseconds(50));
  return controller.status();
}

}  // namespace tools
