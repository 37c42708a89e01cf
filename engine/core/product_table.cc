#include "engine/core/product_table.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/rules.h"

namespace engine {
namespace {

// A market's next slot may lie a week past the end of time.
constexpr std::int64_t kStartMinuteMax = kTimeNsMax / (60 * kSecondNs) + std::int64_t{7} * 24 * 60;

}  // namespace

// The first slot after those already opened whose last gate is still to come.
std::uint32_t ProductTable::FirstStart(const Market& market, std::int64_t now_ns) {
  const std::int64_t slot_ns = std::int64_t{market.definition.slot_minutes} * 60 * kSecondNs;
  const std::int64_t earliest =
      std::max(now_ns, std::int64_t{0}) + std::int64_t{market.definition.gate_before_s} * kSecondNs;
  const auto first =
      static_cast<std::uint32_t>((earliest / slot_ns + 1) * market.definition.slot_minutes);
  const std::uint32_t next = (market.next_start_minute + market.definition.slot_minutes - 1) /
                             market.definition.slot_minutes * market.definition.slot_minutes;
  return std::max(first, next);
}

void ProductTable::SetMarket(std::uint32_t market, const MarketDefinition& definition,
                             std::int64_t now_ns) {
  if (market >= markets_.size()) markets_.resize(market + 1);
  markets_[market].definition = definition;
  markets_[market].next_start_minute = FirstStart(markets_[market], now_ns);
  RefreshDue(market);
}

Product* ProductTable::Find(std::uint32_t market, std::uint32_t start_minute) {
  const std::vector<std::uint32_t>& open = markets_[market].open;
  const auto at = std::lower_bound(open.begin(), open.end(), start_minute,
                                   [this](std::uint32_t index, std::uint32_t start) {
                                     return products_[index]->id.start_minute < start;
                                   });
  if (at == open.end() || products_[*at]->id.start_minute != start_minute) return nullptr;
  return products_[*at].get();
}

ProductTable::OpenResult ProductTable::Open(std::uint32_t market, std::uint32_t start_minute,
                                            std::int64_t now_ns) {
  Market& of = markets_[market];
  if (start_minute != of.next_start_minute) return OpenResult::kNotNext;
  const std::uint32_t first = FirstStart(of, now_ns);
  if (first != start_minute) {
    of.next_start_minute = first;
    RefreshDue(market);
    return OpenResult::kTooLate;
  }
  if (free_.empty()) {
    if (products_.size() == kOpenProductsMax) {
      of.next_start_minute = start_minute + of.definition.slot_minutes;
      RefreshDue(market);
      return OpenResult::kNoRoom;
    }
    free_.push_back(static_cast<std::uint32_t>(products_.size()));
    products_.push_back(std::make_unique<Product>());
    free_.reserve(products_.capacity());  // Removing one allocates nothing.
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Product& product = *products_[index];
  product.id = {of.definition.id, start_minute};
  product.market = market;
  product.definition = of.definition;
  product.phase = Phase::kOpen;
  product.round = 1;
  while (product.gate_ns() <= now_ns) ++product.round;
  product.next_indicative_ns = now_ns;
  of.open.push_back(index);
  of.next_start_minute = start_minute + of.definition.slot_minutes;
  RefreshDue(market);
  return OpenResult::kOpened;
}

void ProductTable::Remove(Product& product) {
  CHECK(product.book.slots() == 0);
  std::vector<std::uint32_t>& open = markets_[product.market].open;
  const auto at = std::find_if(open.begin(), open.end(), [&](std::uint32_t index) {
    return products_[index].get() == &product;
  });
  CHECK(at != open.end());
  product.phase = Phase::kOver;
  product.leaving.clear();
  product.traded.Clear();
  free_.push_back(*at);
  open.erase(at);
  RefreshDue(product.market);
}

// Requires: it is open or played.
DueCommand ProductTable::DueOf(const Product& product) {
  DueCommand due{.due_ns = product.gate_ns(),
                 .too_late_ns = product.void_ns(),
                 .type = CommandType::kCloseRound,
                 .body = {.product = product.id, .round = product.round},
                 .lottery = {}};
  if (RuleOf(product.definition).has_lottery) {
    due.lottery = {.part = LotteryNeed::Part::kSecret,
                   .round_began = product.round_began,
                   .hash = product.lottery_hash};
  }
  if (product.phase == Phase::kPlaying) {
    due.due_ns = product.game->Waits() ? product.game->deadline_ns() : INT64_MIN;
    due.type = CommandType::kStepGame;
    due.body.step = product.game->step();
  }
  return due;
}

void ProductTable::RefreshDue(std::uint32_t market) {
  Market& of = markets_[market];
  of.due.due_ns =
      StartNs(of.next_start_minute) - std::int64_t{of.definition.open_before_s} * kSecondNs;
  of.due.too_late_ns =
      StartNs(of.next_start_minute) - std::int64_t{of.definition.gate_before_s} * kSecondNs;
  of.due.type = CommandType::kOpenProduct;
  of.due.body = {.product = {of.definition.id, of.next_start_minute}};
  const bool has_lottery = RuleOf(of.definition).has_lottery;
  of.due.lottery = {.part = has_lottery ? LotteryNeed::Part::kHash : LotteryNeed::Part::kNone};
  for (const std::uint32_t index : of.open) {
    const Product& product = *products_[index];
    if (product.phase != Phase::kOpen && product.phase != Phase::kPlaying) continue;
    const DueCommand due = DueOf(product);
    const bool opens = of.due.type == CommandType::kOpenProduct;
    if (opens ? due.due_ns <= of.due.due_ns : due.due_ns < of.due.due_ns) of.due = due;
  }
}

void ProductTable::Save(StateWriter& out) const {
  for (const Market& market : markets_) {
    out.Add(market.next_start_minute);
    out.AddCount(market.open.size());
    for (const std::uint32_t index : market.open) out.Add(products_[index]->id.start_minute);
  }
}

void ProductTable::Load(StateReader& in, const Registry& registry) {
  markets_.resize(registry.market_count());
  for (std::uint32_t i = 0; i < markets_.size() && in.ok(); ++i) {
    Market& market = markets_[i];
    market.definition = registry.market(i);
    market.next_start_minute = in.Read<std::uint32_t>();
    in.Require(market.next_start_minute <= kStartMinuteMax, "a slot that cannot be");
    const std::uint64_t open = in.ReadCount(kOpenProductsMax - products_.size());
    for (std::uint64_t k = 0; k < open && in.ok(); ++k) {
      const auto start = in.Read<std::uint32_t>();
      in.Require(market.open.empty() || products_.back()->id.start_minute < start,
                 "products that are not in order");
      in.Require(start <= kStartMinuteMax, "a slot that cannot be");
      market.open.push_back(static_cast<std::uint32_t>(products_.size()));
      products_.push_back(std::make_unique<Product>());
      products_.back()->id = {market.definition.id, start};
      products_.back()->market = i;
    }
  }
  free_.reserve(products_.capacity());
}

void ProductTable::RefreshAll() {
  for (std::uint32_t market = 0; market < markets_.size(); ++market) RefreshDue(market);
}

std::optional<DueCommand> ProductTable::NextDue() const {
  const DueCommand* next = nullptr;
  for (const Market& market : markets_) {
    if (next == nullptr || market.due.due_ns < next->due_ns) next = &market.due;
  }
  return next == nullptr ? std::nullopt : std::optional(*next);
}

}  // namespace engine
