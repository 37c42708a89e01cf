// An exchange whose round is a game, and the controllers around it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/clearing/response.h"
#include "tests/support/exchange_driver.h"

namespace engine {

inline constexpr std::int64_t kGateNs = std::int64_t{kGateMinute} * 60 * kSecondNs;
inline constexpr std::uint64_t kThetaOfThePaper = 30'000;

inline MarketDefinition PlayedMarket(Schedule schedule) {
  MarketDefinition market = SmallMarket();
  market.band_levels = 400;
  market.rule.rule = Rule::kStackelberg;
  market.rule.schedule = schedule;
  return market;
}

inline OrderBody LiveBid(std::uint32_t account, std::int32_t ticks, std::uint32_t energy_wh) {
  OrderBody order = Bid(account, 1, ticks, energy_wh);
  order.response = Response::kInteractive;
  return order;
}

// The sixteenth slot of the paper's study: prices and energies.
using SideOrders = std::vector<std::pair<std::int32_t, std::uint32_t>>;
inline SideOrders PaperBids() {
  return {{200, 200}, {180, 500}, {174, 275}, {135, 1'235}, {123, 730}, {120, 900}, {60, 1'000}};
}
inline SideOrders PaperAsks() {
  return {{60, 620}, {72, 620}, {84, 620}, {90, 620}, {94, 620}, {105, 500}, {160, 2'000}};
}

// An exchange with controllers: accounts from 1 on bid, the others ask.
class GameTable {
 public:
  explicit GameTable(const MarketDefinition& market, const SideOrders& bids = PaperBids(),
                     const SideOrders& asks = PaperAsks())
      : driver(Started(market, static_cast<std::uint32_t>(bids.size() + asks.size()))),
        bids_(bids) {
    std::uint32_t account = 0;
    for (const auto& [ticks, energy] : bids) {
      EXPECT_EQ(driver.Submit(LiveBid(++account, ticks, energy)), Reason::kNone);
    }
    for (const auto& [ticks, energy] : asks) {
      EXPECT_EQ(driver.Submit(Ask(++account, 1, ticks, energy)), Reason::kNone);
    }
    driver.AdvanceTo(kGateNs - 1);  // Slots before it were empty.
    driver.outcomes.clear();
  }

  // The calls of the newest step.
  std::vector<PriceCallEvent> Calls() {
    std::vector<PriceCallEvent> calls;
    for (const Event& event : driver.Of(EventType::kPriceCall)) {
      if (!calls.empty() && calls.back().step != event.price_call.step) calls.clear();
      calls.push_back(event.price_call);
    }
    return calls;
  }
  // The paper's best response.
  std::uint64_t Honest(const PriceCallEvent& call) const {
    const auto& [limit, energy] = bids_[static_cast<std::size_t>(call.account) - 1];
    const auto below = static_cast<std::uint64_t>(std::max(limit - call.price_ticks, 0));
    return QuadraticDemand(QuadraticSlope(kThetaOfThePaper), below, energy * kNanoPerWh);
  }
  Reason Answer(const PriceCallEvent& call, std::uint64_t demand_nwh) {
    const QuantityBody answer{.account = call.account,
                              .client_order_id = call.client_order_id,
                              .product = call.product,
                              .demand_nwh = demand_nwh,
                              .round = call.round,
                              .step = call.step};
    const auto account = static_cast<std::uint32_t>(call.account);
    const std::size_t before = driver.events.size();
    driver.ApplyFrom(CredentialId{account}, ++driver.client_seq[account],
                     CommandType::kReplyQuantities, std::span<const QuantityBody>(&answer, 1));
    const std::vector<Refusal> refusals = driver.RefusalsSince(before);
    if (!refusals.empty()) return refusals.front().reason;
    answered_.insert({account, call.step});
    return Reason::kNone;
  }
  // Each call is answered by what answer(call) says, until the round is over or `steps` are.
  template <typename AnswerOf>
  void Play(AnswerOf answer, std::uint32_t steps = UINT32_MAX) {
    driver.AdvanceTo(std::max(driver.now_ns, kGateNs));
    for (std::uint32_t step = 0; step < steps && !IsOver(); ++step) {
      for (const PriceCallEvent& call : Calls()) {
        const auto account = static_cast<std::uint32_t>(call.account);
        if (!answered_.contains({account, call.step})) answer(call);
      }
      driver.AdvanceTo(driver.now_ns);
    }
  }
  void PlayHonestly(std::uint32_t steps = UINT32_MAX) { PlayWithout(0, steps); }
  // All but one are honest, and that one says nothing.
  void PlayWithout(std::uint32_t silent, std::uint32_t steps = UINT32_MAX) {
    Play(
        [&](const PriceCallEvent& call) {
          if (call.account == AccountId{silent}) return;
          EXPECT_EQ(Answer(call, Honest(call)), Reason::kNone);
        },
        steps);
  }
  const OutcomeBody& outcome() const {
    return *std::find_if(driver.outcomes.begin(), driver.outcomes.end(), IsOurs);
  }
  bool IsOver() const {
    return std::any_of(driver.outcomes.begin(), driver.outcomes.end(), IsOurs);
  }

  ExchangeDriver driver;

 private:
  static bool IsOurs(const OutcomeBody& outcome) {
    return outcome.product == ProductId{kMarket, kStart};
  }

  const SideOrders bids_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> answered_;  // Account and step.
};

}  // namespace engine
