#include "bench/paper_homes.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <span>

#include "engine/core/check.h"
#include "engine/core/product.h"
#include "tools/peerwatt/live_buyer.h"

namespace bench {
namespace {

using engine::kSecondNs;
using std::chrono::milliseconds;

constexpr engine::MarketId kMarket{1};
constexpr std::int64_t kPatienceNs = 120 * kSecondNs;

std::int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Turns the reactor until `done`.
template <typename Done>
void TurnUntil(boost::asio::io_context& io, Done done) {
  const std::int64_t end_ns = NowNs() + kPatienceNs;
  while (!done()) {
    CHECK(NowNs() < end_ns);
    io.run_one_for(milliseconds(10));
    io.poll();
  }
}

}  // namespace

std::vector<PaperOrder> DrawPaperOrders(const PaperRanges& ranges, std::uint32_t participants,
                                        std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto draw = [&random](std::int32_t low, std::int32_t high) {
    return low + static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  std::vector<PaperOrder> orders(participants);
  for (std::uint32_t i = 0; i < participants; ++i) {
    const bool buys = i % 2 == 0;
    orders[i].side = buys ? engine::Side::kBuy : engine::Side::kSell;
    orders[i].limit_ticks =
        buys ? draw(ranges.bid_low, ranges.bid_high) : draw(ranges.ask_low, ranges.ask_high);
    orders[i].energy_wh = static_cast<std::uint32_t>(draw(100, 5'000));
  }
  return orders;
}

std::string PaperToken(std::uint32_t home) { return "pw_paper_" + std::to_string(home); }

class PaperHomes::Home final : public gateway::ClientHandler {
 public:
  Home(gateway::ClientDesk& desk, const gateway::ClientOptions& options, std::uint32_t number,
       const PaperOrder& order, std::uint32_t theta)
      : number_(number), order_(order), theta_(theta), client_(desk, options, *this) {
    client_.Start();
  }

  bool ready() const { return client_.ready(); }
  bool entered() const { return entered_; }
  bool told() const { return told_ && fills_due_ == 0; }
  std::int64_t told_ns() const { return told_ns_; }
  const PaperRound& round() const { return round_; }
  // When exchange time is `exchange_ns`, on the steady clock.
  std::int64_t SteadyNs(std::int64_t exchange_ns) const {
    return logged_on_ns_ + (exchange_ns - server_ns_) / factor_;
  }
  std::int64_t ExchangeNs(std::int64_t steady_ns) const {
    return server_ns_ + (steady_ns - logged_on_ns_) * factor_;
  }

  void Enter(std::uint32_t start_minute) {
    entered_order_ = {.account = engine::AccountId{number_},
                      .client_order_id = engine::ClientOrderId{start_minute},
                      .product = {kMarket, start_minute},
                      .limit_ticks = order_.limit_ticks,
                      .energy_wh = order_.energy_wh,
                      .side = order_.side,
                      .response = order_.side == engine::Side::kBuy ? engine::Response::kInteractive
                                                                    : engine::Response::kFixed};
    entered_ = false;
    told_ = false;
    round_ = {};
    client_.Submit(std::span<const engine::OrderBody>(&entered_order_, 1));
  }
  void Stop() { client_.Stop(); }

  void OnLogonAnswer(const gateway::LogonAnswerMessage& message) override {
    CHECK(message.reason == engine::Reason::kNone);
    logged_on_ns_ = NowNs();
    server_ns_ = message.server_time_ns;
    factor_ = message.clock_factor;
  }
  void OnAnswer(const gateway::AnswerMessage& message) override {
    CHECK(message.answer.reason == engine::Reason::kNone && message.refused.empty());
    entered_ = true;
  }
  void OnPriceCalls(std::span<const engine::PriceCallEvent> calls) override {
    for (const engine::PriceCallEvent& call : calls) {
      const engine::QuantityBody answer = tools::AnswerTo(call, entered_order_, theta_);
      client_.ReplyQuantities(std::span(&answer, 1));
      round_.steps = std::max(round_.steps, call.step);
      ++round_.prices_called;
    }
  }
  void OnRoundCleared(std::uint64_t /*event*/, const engine::RoundClearedEvent& round) override {
    told_ = true;
    told_ns_ = NowNs();
    fills_due_ = round.fills;
    round_.price_ticks = round.buy_price_ticks;
    round_.energy_wh = round.energy_wh;
  }
  void OnFills(std::uint64_t /*first*/, std::span<const engine::FillEvent> fills) override {
    fills_due_ -= std::min<std::uint32_t>(fills_due_, static_cast<std::uint32_t>(fills.size()));
    told_ns_ = NowNs();
  }

 private:
  const std::uint32_t number_;
  const PaperOrder order_;
  const std::uint32_t theta_;
  engine::OrderBody entered_order_;  // Of the round.
  gateway::Client client_;
  std::int64_t logged_on_ns_ = 0;
  std::int64_t server_ns_ = 0;
  std::int64_t factor_ = 1;
  bool entered_ = false;
  bool told_ = false;
  std::int64_t told_ns_ = 0;
  std::uint32_t fills_due_ = 0;
  PaperRound round_;
};

PaperHomes::PaperHomes(std::uint16_t port, const std::vector<PaperOrder>& orders,
                       std::uint32_t theta) {
  gateway::ClientOptions options;
  options.port = port;
  for (const PaperOrder& order : orders) {
    const auto number = static_cast<std::uint32_t>(homes_.size() + 1);
    options.token = PaperToken(number);
    homes_.push_back(std::make_unique<Home>(desk_, options, number, order, theta));
  }
  TurnUntil(io_, [this] {
    return std::all_of(homes_.begin(), homes_.end(),
                       [](const auto& home) { return home->ready(); });
  });
}

PaperHomes::~PaperHomes() = default;

// Each home knows the exchange's time from its logon, less what the answer took to reach it: the
// one that has it latest heard soonest, and what is timed from it is least too short.
const PaperHomes::Home& PaperHomes::BestClock() const {
  const std::int64_t now_ns = NowNs();
  return **std::max_element(homes_.begin(), homes_.end(), [now_ns](const auto& a, const auto& b) {
    return a->ExchangeNs(now_ns) < b->ExchangeNs(now_ns);
  });
}

PaperRound PaperHomes::Play(std::int64_t lead_ms) {
  const Home& clock = BestClock();
  constexpr std::int64_t kSlotNs = 300 * kSecondNs;
  constexpr std::int64_t kGateNs = 3'600 * kSecondNs;  // Before delivery.
  const std::int64_t earliest_ns = clock.ExchangeNs(NowNs() + lead_ms * 1'000'000) + kGateNs;
  const std::int64_t start_ns = (earliest_ns / kSlotNs + 1) * kSlotNs;
  for (const auto& home : homes_) {
    home->Enter(static_cast<std::uint32_t>(start_ns / (60 * kSecondNs)));
  }
  TurnUntil(io_, [this] {
    return std::all_of(homes_.begin(), homes_.end(),
                       [](const auto& home) { return home->entered(); });
  });
  TurnUntil(io_, [this] {
    return std::all_of(homes_.begin(), homes_.end(), [](const auto& home) { return home->told(); });
  });
  PaperRound round = homes_.front()->round();
  for (const auto& home : homes_) {
    round.last_told_ns = std::max(round.last_told_ns, home->told_ns());
    round.steps = std::max(round.steps, home->round().steps);
    if (home != homes_.front()) round.prices_called += home->round().prices_called;
  }
  round.last_told_ns -= clock.SteadyNs(start_ns - kGateNs);
  return round;
}

}  // namespace bench
