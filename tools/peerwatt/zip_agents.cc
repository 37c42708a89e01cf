#include "tools/peerwatt/zip_agents.h"

#include <algorithm>
#include <cstdlib>

#include "tools/feed/seeded_draw.h"

namespace tools {
namespace {

constexpr std::int64_t kMillionth = 1'000'000;
constexpr std::int64_t kThousandth = 1'000;
constexpr std::int64_t kMarginMost = 10 * kMillionth;
constexpr std::int64_t kPastShareMost = 50;     // R, thousandths.
constexpr std::int64_t kPastTicksMost = 5'000;  // A, thousandths of a tick.

// What a margin is a share of.
std::int64_t SizeOf(std::int32_t value_ticks) {
  return std::max<std::int64_t>(std::abs(std::int64_t{value_ticks}), 1);
}

// Towards the others: up for buyers, down for sellers.
std::int64_t Towards(engine::Side side) { return side == engine::Side::kBuy ? 1 : -1; }

// Thousandths of a tick.
std::int64_t PriceAt(std::int64_t margin, engine::Side side, std::int32_t value_ticks) {
  const std::int64_t shade = margin * SizeOf(value_ticks) / (kMillionth / kThousandth);
  return value_ticks * kThousandth - Towards(side) * shade;
}

std::int32_t HeardBy(engine::Side side, const engine::OutcomeBody& outcome) {
  return side == engine::Side::kBuy ? outcome.buy_price_ticks : outcome.sell_price_ticks;
}

// Whether an agent learns from `a` rather than from `b`.
bool TeachesMore(const FedOrderState& a, const FedOrderState& b,
                 const engine::OutcomeBody& outcome) {
  if (outcome.result != engine::RoundResult::kTraded) {
    return Towards(a.side) * (std::int64_t{a.limit_ticks} - b.limit_ticks) > 0;
  }
  const std::int64_t heard = HeardBy(a.side, outcome);
  return std::abs(a.limit_ticks - heard) < std::abs(b.limit_ticks - heard);
}

}  // namespace

ZipAgents::Agent& ZipAgents::AgentOf(const Key& key) {
  const auto [at, is_new] = agents_.try_emplace(key);
  Agent& agent = at->second;
  if (!is_new) return agent;
  const auto& [market, party, side] = key;
  const auto place = static_cast<std::uint64_t>(market) * 2 + static_cast<std::uint64_t>(side);
  agent.seed = Draw(seed_, DrawFor::kZipAgent, static_cast<std::uint64_t>(party), place);
  agent.margin = Between(Draw(agent.seed, DrawFor::kZipMargin, 0), 50'000, 350'000);
  agent.beta = Between(Draw(agent.seed, DrawFor::kZipRate, 0), 100, 500);
  agent.gamma = Between(Draw(agent.seed, DrawFor::kZipMomentum, 0), 0, 100);
  return agent;
}

std::int32_t ZipAgents::Shade(const engine::MarketDefinition& market, engine::PartyId party,
                              engine::Side side, std::int32_t value_ticks) {
  const std::int64_t low = market.band_low_ticks;
  const std::int64_t high = low + market.band_levels - 1;
  if (value_ticks < low || value_ticks > high) return value_ticks;
  const Agent& agent = AgentOf({market.id, party, side});
  const std::int64_t shade = agent.margin * SizeOf(value_ticks) / kMillionth;
  return static_cast<std::int32_t>(std::clamp(value_ticks - Towards(side) * shade, low, high));
}

void ZipAgents::LearnFrom(Agent& agent, const FedOrderState& order,
                          const engine::OutcomeBody& outcome) {
  const std::int64_t towards = Towards(order.side);
  const std::int64_t price = PriceAt(agent.margin, order.side, order.limit_ticks);
  const bool traded = outcome.result == engine::RoundResult::kTraded;
  const std::int64_t heard = traded ? HeardBy(order.side, outcome) * kThousandth : price;
  std::int64_t target = heard;
  if (!traded || order.open_wh > 0) {
    const std::uint64_t lesson = agent.lessons++;
    const std::int64_t share =
        Between(Draw(agent.seed, DrawFor::kZipPastShare, lesson), 0, kPastShareMost);
    const std::int64_t ticks =
        Between(Draw(agent.seed, DrawFor::kZipPastTicks, lesson), 0, kPastTicksMost);
    target += towards * (std::abs(heard) * share / kThousandth + ticks);
    if (towards * (target - price) < 0) target = price;
  } else if (towards * (price - heard) <= 0) {
    return;
  }
  const std::int64_t correction = agent.beta * (target - price) / kThousandth;
  agent.change =
      (agent.gamma * agent.change + (kThousandth - agent.gamma) * correction) / kThousandth;
  const std::int64_t shade = towards * (order.limit_ticks * kThousandth - price - agent.change);
  agent.margin = std::clamp<std::int64_t>(
      shade * (kMillionth / kThousandth) / SizeOf(order.limit_ticks), 0, kMarginMost);
}

void ZipAgents::Learn(const engine::MarketDefinition& market, const engine::OutcomeBody& outcome,
                      const std::vector<FedOrderState>& orders) {
  std::map<Key, const FedOrderState*> lessons;
  for (const FedOrderState& order : orders) {
    const FedOrderState*& lesson = lessons[{market.id, order.party, order.side}];
    if (lesson == nullptr || TeachesMore(order, *lesson, outcome)) lesson = &order;
  }
  for (const auto& [key, lesson] : lessons) LearnFrom(AgentOf(key), *lesson, outcome);
}

}  // namespace tools
