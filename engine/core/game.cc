#include "engine/core/game.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/response.h"
#include "engine/core/clearing/response_demand.h"
#include "engine/core/limits.h"

namespace engine {
namespace {

constexpr std::uint8_t kSilencesWaitedFor = 2;
constexpr std::int64_t kMillisecondNs = 1'000'000;

bool IsWaitedFor(const Game::Callee& callee) { return callee.silences < kSilencesWaitedFor; }

// So many prices are announced above the first that counts: from the retail tariff, or from the top
// of the band where there is none.
std::uint32_t LeadOf(const MarketDefinition& market, std::uint16_t highest) {
  if (market.rule.announce_from == AnnounceFrom::kRange) return 0;
  std::int64_t top = std::int64_t{market.band_levels} - 1;
  if (market.retail_ticks > market.feed_in_ticks) {
    top = std::min(top, std::int64_t{market.retail_ticks} - market.band_low_ticks);
  }
  return top <= highest ? 0 : static_cast<std::uint32_t>(top - highest) / market.rule.step_ticks;
}

// Answers go from the dearest price to the cheapest.
template <typename Answers>
auto FirstBelow(Answers& answers, std::uint16_t level) {
  return std::partition_point(answers.begin(), answers.end(),
                              [level](const auto& answer) { return answer.first >= level; });
}

}  // namespace

Game::Game(const MarketDefinition& market, const StackelbergSides& sides, Desk desk, Time time)
    : market_(market),
      sides_(sides),
      search_(market.rule, sides.winners.highest_price, sides.winners.lowest_price),
      lead_(LeadOf(market, sides.winners.highest_price)),
      end_ns_(std::min(time.now_ns + market.rule.game_budget_ms * kMillisecondNs, time.last_ns)),
      last_ns_(time.last_ns) {
  std::uint32_t chunk = desk.book.first_chunk(Side::kBuy);
  std::uint32_t at_level = 0;
  for (; chunk != kNoChunk; chunk = desk.memory.orders.chunk(chunk).next) {
    const OrderChunk& orders = desk.memory.orders.chunk(chunk);
    for (std::uint32_t at = 0; at < orders.used; ++at) {
      if (!Wins(sides_.winners.buyers, orders.level[at], orders.open_wh[at], at_level)) continue;
      if (orders.response[at] != Response::kInteractive) continue;
      callees_.push_back({.slot = chunk * kChunkOrders + at,
                          .account = orders.account[at],
                          .energy_nwh = orders.open_wh[at] * kNanoPerWh,
                          .answers = {}});
    }
  }
  by_slot_.reserve(callees_.size());
  for (const Callee& callee : callees_) {
    by_slot_.emplace_back(callee.slot, static_cast<std::uint32_t>(by_slot_.size()));
  }
  std::sort(by_slot_.begin(), by_slot_.end());
  const auto first = static_cast<std::uint32_t>(search_.Next());
  BeginStep(static_cast<std::uint16_t>(first + lead_ * market_.rule.step_ticks), time.now_ns);
}

std::size_t Game::Find(Slot slot) const {
  const auto at = std::lower_bound(by_slot_.begin(), by_slot_.end(), std::pair(slot, 0U));
  return at != by_slot_.end() && at->first == slot ? at->second : kNoCallee;
}

void Game::BeginStep(std::uint16_t level, std::int64_t now_ns) {
  ++step_;
  level_ = level;
  deadline_ns_ = std::min(now_ns + market_.rule.answer_ms * kMillisecondNs, end_ns_);
  waited_for_ = 0;
  for (Callee& callee : callees_) {
    callee.answered = false;
    waited_for_ += IsWaitedFor(callee) ? 1 : 0;
  }
}

Reason Game::Answer(std::size_t place, std::uint32_t step, std::uint64_t demand_nwh) {
  Callee& callee = callees_[place];
  if (step < step_) return Reason::kAnswerTooLate;
  if (step > step_) return Reason::kNotCalled;
  if (callee.answered) return Reason::kAnsweredAlready;
  if (demand_nwh > callee.energy_nwh) return Reason::kMoreThanRegistered;
  const auto at = FirstBelow(callee.answers, level_);
  if (at != callee.answers.begin() && std::prev(at)->second > demand_nwh) {
    return Reason::kDemandRises;
  }
  if (at != callee.answers.end() && at->second < demand_nwh) return Reason::kDemandRises;
  callee.answers.insert(at, {level_, demand_nwh});
  callee.answered = true;
  if (IsWaitedFor(callee)) --waited_for_;
  return Reason::kNone;
}

std::uint64_t Game::CountedAt(const Callee& callee, std::uint16_t level) {
  if (callee.answers.empty()) return callee.energy_nwh;
  const auto below = FirstBelow(callee.answers, level);
  return below == callee.answers.begin() ? below->second : std::prev(below)->second;
}

// What all winning buyers take at a price. Each answer that counts is left in the book, rounded
// down.
Wide Game::DemandAt(Desk desk, std::uint16_t level, std::uint64_t round_to_nwh) {
  for (const Callee& callee : callees_) {
    const std::uint64_t counted = CountedAt(callee, level) / round_to_nwh * round_to_nwh;
    desk.memory.orders.ChunkOf(callee.slot).slope_nwh[callee.slot % kChunkOrders] = counted;
  }
  ResponseDemand demand(
      desk.book, desk.memory, sides_.winners.buyers,
      {.band_low_ticks = market_.band_low_ticks, .lowest = level, .highest = level},
      desk.scratch.response);
  return demand.At(level);
}

WideProduct Game::WelfareAt(Desk desk, std::uint16_t level) {
  return MarginTimesDemand(sides_.offers, level, DemandAt(desk, level, 1));
}

// Prices come from the dearest on.
void Game::Judge(std::uint16_t level, const WideProduct& welfare) {
  const bool better =
      market_.rule.ties == Ties::kLower ? welfare >= best_welfare_ : welfare > best_welfare_;
  if (judged_ && !better) return;
  judged_ = true;
  best_ = level;
  best_welfare_ = welfare;
}

// Everybody takes at a lower price what counts at the cheapest that was announced.
void Game::LookAtTheRest(Desk desk) {
  const std::uint16_t cheapest = search_.level(search_.recorded() - 1);
  if (cheapest < sides_.winners.lowest_price + market_.rule.step_ticks) return;
  DemandAt(desk, cheapest, 1);
  StackelbergSides below = sides_;
  below.winners.highest_price = static_cast<std::uint16_t>(cheapest - market_.rule.step_ticks);
  const StackelbergPrice rest = FindBestPrice(desk.book, desk.memory, market_, below, desk.scratch);
  Judge(rest.level, MarginTimesDemand(sides_.offers, rest.level, rest.demand_nwh));
}

void Game::CountSilent() {
  for (Callee& callee : callees_) {
    if (callee.answered || !IsWaitedFor(callee)) continue;
    ++callee.silences;
    ++silences_;
  }
}

bool Game::Advance(Desk desk, std::int64_t now_ns) {
  CountSilent();
  const bool anybody = std::any_of(callees_.begin(), callees_.end(), IsWaitedFor);
  const bool ends = now_ns >= end_ns_ || step_ >= kGameStepsMax || !anybody;
  if (lead_ > 0 && !ends) {
    --lead_;
    BeginStep(static_cast<std::uint16_t>(level_ - market_.rule.step_ticks), now_ns);
    return true;
  }
  if (lead_ > 0) level_ = static_cast<std::uint16_t>(search_.Next());
  lead_ = 0;
  search_.Record(level_, WelfareAt(desk, level_));
  const std::int32_t next = search_.Next();
  if (next == PriceSearch::kOver) return false;
  nobody_answers_ = !anybody;
  if (ends) return false;
  BeginStep(static_cast<std::uint16_t>(next), now_ns);
  return true;
}

StackelbergPrice Game::Conclude(Desk desk) {
  CHECK(search_.recorded() > 0);
  if (silences_ == 0) Judge(search_.best(), search_.best_welfare());
  for (std::size_t i = 0; silences_ > 0 && i < search_.recorded(); ++i) {
    Judge(search_.level(i), WelfareAt(desk, search_.level(i)));
  }
  if (nobody_answers_) LookAtTheRest(desk);
  StackelbergPrice price;
  price.winners = sides_.winners;
  price.level = best_;
  price.prices = static_cast<std::uint32_t>(search_.recorded());
  price.demand_nwh = DemandAt(desk, best_, kNanoPerWh);
  CountTraded(price, sides_.offers);
  return price;
}

void Game::Resume(std::int64_t until_ns) {
  const std::int64_t deadline_ns = until_ns + market_.rule.answer_ms * kMillisecondNs;
  const std::int64_t more_ns = std::max(deadline_ns - deadline_ns_, std::int64_t{0});
  end_ns_ = std::min(end_ns_ + more_ns, last_ns_);
  deadline_ns_ = std::min(deadline_ns_ + more_ns, end_ns_);
}

bool Game::IsLate(std::int64_t now_ns) const {
  const std::int64_t wait_ns = market_.rule.answer_ms * kMillisecondNs;
  return deadline_ns_ < std::min(now_ns + wait_ns - wait_ns / 4, end_ns_);
}

void Game::Save(StateWriter& out) const {
  out.Add(step_);
  out.Add(level_);
  out.Add(lead_);
  out.Add(deadline_ns_);
  out.Add(end_ns_);
  search_.Save(out);
  out.AddCount(callees_.size());
  for (const Callee& callee : callees_) {
    out.Add(callee.silences);
    out.Add(callee.answered);
    out.AddCount(callee.answers.size());
    for (const auto& [level, demand_nwh] : callee.answers) {
      out.Add(level);
      out.Add(demand_nwh);
    }
  }
}

void Game::Load(StateReader& in) {
  step_ = in.Read<std::uint32_t>();
  level_ = in.Read<std::uint16_t>();
  lead_ = in.Read<std::uint32_t>();
  deadline_ns_ = in.Read<std::int64_t>();
  end_ns_ = in.Read<std::int64_t>();
  search_.Load(in);
  in.Require(step_ > 0 && end_ns_ <= last_ns_ && deadline_ns_ <= end_ns_ &&
                 (lead_ > 0 || search_.Next() == level_),
             "a step that cannot be the game's");
  in.Require(in.ReadCount(callees_.size()) == callees_.size(), "other buyers than win");
  waited_for_ = 0;
  for (Callee& callee : callees_) LoadCallee(in, callee);
}

void Game::LoadCallee(StateReader& in, Callee& callee) {
  callee.silences = in.Read<std::uint8_t>();
  callee.answered = in.Read<bool>();
  callee.answers.resize(static_cast<std::size_t>(in.ReadCount(kGameStepsMax)));
  std::uint64_t above_nwh = 0;
  std::uint32_t below_level = UINT32_MAX;
  for (auto& [level, demand_nwh] : callee.answers) {
    level = in.Read<std::uint16_t>();
    demand_nwh = in.Read<std::uint64_t>();
    in.Require(level < below_level && demand_nwh >= above_nwh && demand_nwh <= callee.energy_nwh,
               "answers that cannot be one buyer's");
    below_level = level;
    above_nwh = demand_nwh;
  }
  silences_ += callee.silences;
  waited_for_ += IsWaitedFor(callee) && !callee.answered ? 1 : 0;
}

}  // namespace engine
