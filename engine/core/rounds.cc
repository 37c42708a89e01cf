#include "engine/core/rounds.h"

#include <cstring>

#include "engine/core/check.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/clearing/wide.h"
#include "engine/core/sha256.h"

namespace engine {
namespace {

bool IsZero(const LotteryBytes& bytes) { return bytes == LotteryBytes{}; }

// Whether the command that begins a round announces a lottery's hash, where the market has one.
bool AnnouncesLottery(const ProductBody& body, const MarketDefinition& market) {
  return IsZero(body.lottery) != RuleOf(market).has_lottery;
}

// Whether it is the secret of the round, or none where there is none any more.
bool IsSecretOf(const LotteryBytes& secret, const Product& product) {
  return IsZero(secret) || Sha256(secret) == product.lottery_hash;
}

}  // namespace

Rounds::Rounds(Registry& registry, ProductTable& products, BookMemory& memory, EventQueue& events,
               OrderEntry& entry, Games& games)
    : registry_(registry),
      products_(products),
      memory_(memory),
      events_(events),
      entry_(entry),
      games_(games),
      scratch_(std::make_unique<ClearingScratch>()) {}

Product* Rounds::Find(const ProductBody& body) { return products_.Find(body.product, registry_); }

bool Rounds::Open(const ProductBody& body, const CommandHeader& header) {
  const std::uint32_t market = registry_.FindMarket(body.product.market);
  if (market == kNoIndex || !AnnouncesLottery(body, registry_.market(market))) return false;
  switch (products_.Open(market, body.product.start_minute, header.time_ns)) {
    case ProductTable::OpenResult::kOpened:
      Begin(*products_.Find(market, body.product.start_minute), body, header.sequence);
      return true;
    case ProductTable::OpenResult::kTooLate:
    case ProductTable::OpenResult::kNoRoom:
      return true;
    default:
      return false;
  }
}

void Rounds::Begin(Product& product, const ProductBody& body, std::uint64_t sequence) {
  product.round_began = sequence;
  product.lottery_hash = body.lottery;
  if (RuleOf(product.definition).continuous) {
    product.continuous = std::make_unique<ContinuousBook>(product.definition.band_levels);
  }
  TellOpened(product, sequence);
}

void Rounds::TellOpened(const Product& product, std::uint64_t sequence) {
  Event event;
  event.sequence = sequence;
  event.market = product.id.market;
  event.type = EventType::kProductOpened;
  event.product_opened = DescribeProduct(product, product.round);
  events_.Tell(event);
  if (IsZero(product.lottery_hash)) return;
  event.type = EventType::kLottery;
  event.lottery = DescribeLottery(product);
  events_.Tell(event);
}

void Rounds::Reveal(const Product& product, const LotteryBytes& secret, std::uint64_t sequence) {
  Event event;
  event.sequence = sequence;
  event.market = product.id.market;
  event.type = EventType::kLottery;
  event.lottery = {.product = product.id,
                   .round = product.round,
                   .part = LotteryEvent::Part::kRevealed,
                   .bytes = secret};
  events_.Tell(event);
}

bool Rounds::Close(const ProductBody& body, const CommandHeader& header) {
  Product* product = Find(body);
  if (awaits_outcome_ || product == nullptr || product->phase != Phase::kOpen ||
      product->round != body.round || header.time_ns < product->gate_ns() ||
      !IsSecretOf(body.lottery, *product)) {
    return false;
  }
  const bool is_lost = IsZero(body.lottery) && !IsZero(product->lottery_hash);
  product->result = RoundResult::kNoTrade;
  product->cleared = ClearedRound();
  if (is_lost) product->cleared.no_trade = Reason::kLotterySecretLost;
  if (product->continuous != nullptr) {
    Total(*product);
  } else if (is_lost || header.time_ns >= product->void_ns()) {
    product->result = RoundResult::kVoid;
  } else if (games_.Begin(*product, header, *scratch_)) {
    product->phase = Phase::kPlaying;
    products_.Refresh(*product);
    return true;
  } else {
    Clear(*product, body.lottery);
  }
  Conclude(*product, header.sequence);
  if (!IsZero(body.lottery)) Reveal(*product, body.lottery, header.sequence + 1);
  return true;
}

bool Rounds::StepGame(const ProductBody& body, const CommandHeader& header) {
  Product* product = Find(body);
  if (awaits_outcome_ || product == nullptr || product->phase != Phase::kPlaying ||
      product->round != body.round || product->game->step() != body.step || !IsZero(body.lottery)) {
    return false;
  }
  if (product->game->Waits() && header.time_ns < product->game->deadline_ns()) return false;
  if (header.time_ns >= product->void_ns()) {
    games_.Abandon(*product);
    product->result = RoundResult::kVoid;
  } else if (games_.Step(*product, header, *scratch_)) {
    products_.Refresh(*product);
    return true;
  } else {
    ClearPlayed(*product);
  }
  Conclude(*product, header.sequence);
  return true;
}

// The round is over; its outcome is the next command, and it is told once that is durable.
void Rounds::Conclude(Product& product, std::uint64_t sequence) {
  outcome_ = OutcomeBody();
  outcome_.product = product.id;
  outcome_.round = product.round;
  outcome_.energy_wh = product.cleared.energy_wh;
  outcome_.operator_balance_units = product.cleared.operator_balance_units;
  outcome_.buy_price_ticks = product.cleared.buy_price_ticks;
  outcome_.sell_price_ticks = product.cleared.sell_price_ticks;
  outcome_.no_trade = product.cleared.no_trade;
  outcome_.result = product.result;
  outcome_.rule = product.definition.rule;
  outcome_.digest = Account(product, outcome_.fills);
  has_outcome_ = true;
  awaits_outcome_ = true;
  const bool counts = registry_.entry_version() > 1 && !product.is_last_round();
  if (counts && product.has_fills()) CountAtPoints(product);
  product.phase = Phase::kClearing;
  products_.Refresh(product);
  clearing_.Push(&product);
  events_.TellRound(product, sequence + 1);
}

bool Rounds::ContinueMatching(const ProductBody& body, const CommandHeader& header) {
  Product* product = Find(body);
  if (product == nullptr || entry_.next_to_match() != product || product->round != body.round ||
      !IsZero(body.lottery)) {
    return false;
  }
  entry_.Continue(*product, header);
  return true;
}

// It has all been traded and told.
void Rounds::Total(Product& product) {
  product.cleared = product.continuous->Round(product.definition.band_low_ticks);
  if (product.cleared.energy_wh > 0) product.result = RoundResult::kTraded;
}

void Rounds::Clear(Product& product, const LotteryBytes& secret) {
  const SealedBook sealed{product.book, memory_, product.definition, secret};
  product.cleared = RuleOf(product.definition).clear(sealed, *scratch_, RuleEntry::Fills::kFill);
  Trade(product);
}

void Rounds::ClearPlayed(Product& product) {
  const StackelbergPrice price = games_.End(product, *scratch_);
  if (price.energy_wh > 0) AllocateStackelberg(product.book, memory_, product.definition, price);
  product.cleared = AtOnePrice(product.definition, price.energy_wh, price.level);
  Trade(product);
}

// Takes the fills from the book. Requires: every order's filled_wh is written where any is filled.
void Rounds::Trade(Product& product) {
  if (product.cleared.energy_wh == 0) return;
  product.book.Settle(memory_);
  product.result = RoundResult::kTraded;
}

// Conservation of energy and money, the digest of the fills, and the accounts whose order is filled
// whole.
DigestBytes Rounds::Account(const Product& product, std::uint32_t& fills) {
  fills_digest_.Reset();
  fills = 0;
  if (product.result != RoundResult::kTraded) return fills_digest_.Finish();
  if (product.continuous != nullptr) {
    fills = 2 * product.continuous->trades();
    return product.continuous->digest();
  }
  const ClearedRound& cleared = product.cleared;
  const bool has_amounts = !cleared.amounts_units.empty();
  std::uint64_t energy_wh[2] = {0, 0};
  SignedWide money_units[2] = {0, 0};
  const auto count = [&](const OrderChunk& chunk, std::uint32_t at) {
    if (chunk.filled_wh[at] == 0) return;
    const auto side = static_cast<std::size_t>(chunk.side);
    energy_wh[side] += chunk.filled_wh[at];
    fills_digest_.Add(chunk.order_id[at], chunk.filled_wh[at]);
    if (has_amounts) {
      money_units[side] += cleared.amounts_units.at(fills);
      fills_digest_.Add(cleared.amounts_units[fills]);
    }
    ++fills;
    if (chunk.open_wh[at] == 0) registry_.CloseOrder(chunk.account[at]);
  };
  product.book.ForEachOrder(memory_, count, registry_.PrefetchesAccounts());
  CHECK(energy_wh[0] == cleared.energy_wh && energy_wh[1] == cleared.energy_wh);
  if (!has_amounts) {
    money_units[0] = SignedWide{cleared.buy_price_ticks} * energy_wh[0];
    money_units[1] = SignedWide{cleared.sell_price_ticks} * energy_wh[1];
  }
  const RuleEntry::Pays pays = RuleOf(product.definition).pays;
  CHECK(!has_amounts ||
        (pays == RuleEntry::Pays::kEachOrder && cleared.amounts_units.size() == fills));
  CHECK(pays != RuleEntry::Pays::kOnePrice || cleared.buy_price_ticks == cleared.sell_price_ticks);
  CHECK(money_units[0] - money_units[1] == cleared.operator_balance_units);
  fills_digest_.Add(cleared.buy_price_ticks);
  fills_digest_.Add(cleared.sell_price_ticks);
  return fills_digest_.Finish();
}

// For the rounds that follow: what is traded stays within the limit of the connection.
void Rounds::CountAtPoints(Product& product) {
  if (product.traded.empty()) {
    product.traded.Reserve(
        std::min<std::size_t>(outcome_.fills, 2 * registry_.metering_point_count()));
  }
  const auto count = [&](const OrderChunk& chunk, std::uint32_t at) {
    if (chunk.filled_wh[at] == 0) return;
    // Though there may be no limit yet.
    const std::uint32_t index = registry_.account(chunk.account[at]).metering_point;
    product.traded.Count(index, chunk.side, chunk.filled_wh[at]);
  };
  product.book.ForEachOrder(memory_, count, registry_.PrefetchesAccounts());
}

bool Rounds::Confirm(const OutcomeBody& outcome) {
  if (!awaits_outcome_) return false;
  const bool same = std::memcmp(&outcome, &outcome_, sizeof(outcome)) == 0;
  if (same) awaits_outcome_ = false;
  return same;
}

void Rounds::Save(StateWriter& out) const {
  out.Add(awaits_outcome_);
  if (awaits_outcome_) out.Add(outcome_);
  out.AddCount(clearing_.size());
  clearing_.ForEach([&out](const Product* product) { out.Add(product->id); });
}

void Rounds::Load(StateReader& in) {
  awaits_outcome_ = in.Read<bool>();
  has_outcome_ = awaits_outcome_;
  if (awaits_outcome_) outcome_ = in.Read<OutcomeBody>();
  for (std::uint64_t left = in.ReadCount(kOpenProductsMax); left > 0 && in.ok(); --left) {
    Product* product = products_.Find(in.Read<ProductId>(), registry_);
    const bool clears =
        product != nullptr && product->phase == Phase::kClearing && !product->drained;
    if (!in.Require(clears, "a product that is not clearing")) return;
    product->drained = true;
    clearing_.Push(product);
  }
}

std::optional<OutcomeBody> Rounds::TakeOutcome() {
  if (!has_outcome_) return std::nullopt;
  has_outcome_ = false;
  return outcome_;
}

const Product* Rounds::next_to_finish() const {
  if (clearing_.empty() || !clearing_.front()->drained) return nullptr;
  return clearing_.front();
}

bool Rounds::Finish(const ProductBody& body, const CommandHeader& header) {
  Product* product = Find(body);
  if (awaits_outcome_ || product == nullptr || next_to_finish() != product ||
      product->round != body.round) {
    return false;
  }
  const bool announces =
      product->is_last_round() ? IsZero(body.lottery) : AnnouncesLottery(body, product->definition);
  if (!announces) return false;
  clearing_.Pop();
  product->cleared = ClearedRound();
  product->lottery_hash = body.lottery;
  if (!product->keeps_orders()) WithdrawAll(*product);
  if (product->is_last_round()) {
    product->book.Clear(memory_);
    product->continuous.reset();
    products_.Remove(*product);
    return true;
  }
  entry_.LetLeave(*product, header.sequence);
  product->book.BeginRound(memory_);
  product->round_began = header.sequence;
  product->phase = Phase::kOpen;
  ++product->round;
  product->leaving.clear();
  products_.Refresh(*product);
  TellOpened(*product, header.sequence);
  return true;
}

// The orders stay where they are, closed: their client order ids are taken until the product ends.
void Rounds::WithdrawAll(Product& product) {
  product.book.ForEachOrder(memory_, [&](OrderChunk& chunk, std::uint32_t at) {
    if (chunk.open_wh[at] == 0) return;
    registry_.CloseOrder(chunk.account[at]);
    chunk.open_wh[at] = 0;
  });
}

}  // namespace engine
