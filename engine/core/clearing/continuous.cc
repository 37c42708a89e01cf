#include "engine/core/clearing/continuous.h"

#include <algorithm>

#include "engine/core/check.h"

namespace engine {
namespace {

constexpr std::size_t kWordBits = 64;

std::uint32_t& OpenOf(BookMemory& memory, Slot slot) {
  return memory.orders.ChunkOf(slot).open_wh[slot % kChunkOrders];
}
std::uint16_t LevelOf(const BookMemory& memory, Slot slot) {
  return memory.orders.ChunkOf(slot).level[slot % kChunkOrders];
}
OrderId IdOf(const BookMemory& memory, Slot slot) {
  return memory.orders.ChunkOf(slot).order_id[slot % kChunkOrders];
}
// kNoSlot: not among them.
Slot FindInSide(const BookMemory& memory, std::uint32_t first_chunk, OrderId id) {
  for (std::uint32_t at = first_chunk; at != kNoChunk; at = memory.orders.chunk(at).next) {
    const OrderChunk& chunk = memory.orders.chunk(at);
    for (std::uint32_t i = 0; i < chunk.used; ++i) {
      const bool is_it = chunk.order_id[i] == id && chunk.account[i] != kMovedAccount;
      if (is_it) return at * kChunkOrders + i;
    }
  }
  return kNoSlot;
}
Slot FindOrder(const Book& book, const BookMemory& memory, OrderId id) {
  const Slot bid = FindInSide(memory, book.first_chunk(Side::kBuy), id);
  return bid != kNoSlot ? bid : FindInSide(memory, book.first_chunk(Side::kSell), id);
}
Side Other(Side side) { return side == Side::kBuy ? Side::kSell : Side::kBuy; }

}  // namespace

PriceQueues::PriceQueues(Side side, std::uint32_t band_levels)
    : side_(side), levels_(band_levels), has_energy_((band_levels + kWordBits - 1) / kWordBits) {}

void PriceQueues::Append(BookMemory& memory, Slot slot) {
  OrderChunk& chunk = memory.orders.ChunkOf(slot);
  const std::uint32_t at = slot % kChunkOrders;
  chunk.next_at_level[at] = kNoSlot;
  Level& level = levels_[chunk.level[at]];
  if (level.newest == kNoSlot) {
    level.oldest = slot;
  } else {
    memory.orders.ChunkOf(level.newest).next_at_level[level.newest % kChunkOrders] = slot;
  }
  level.newest = slot;
  level.open_wh += chunk.open_wh[at];
  const std::size_t place = PlaceOf(chunk.level[at]);
  has_energy_[place / kWordBits] |= std::uint64_t{1} << place % kWordBits;
}

void PriceQueues::AppendOpen(BookMemory& memory, std::uint32_t chunk) {
  const OrderChunk& orders = memory.orders.chunk(chunk);
  for (std::uint32_t at = 0; at < orders.used; ++at) {
    if (orders.open_wh[at] > 0) Append(memory, chunk * kChunkOrders + at);
  }
}

void PriceQueues::Take(std::uint16_t at, std::uint64_t energy_wh) {
  Level& level = levels_[at];
  CHECK(level.open_wh >= energy_wh);
  level.open_wh -= energy_wh;
  if (level.open_wh > 0) return;
  level = Level();
  const std::size_t place = PlaceOf(at);
  has_energy_[place / kWordBits] &= ~(std::uint64_t{1} << place % kWordBits);
}

void PriceQueues::Clear() {
  std::fill(levels_.begin(), levels_.end(), Level());
  std::fill(has_energy_.begin(), has_energy_.end(), 0);
}

std::optional<std::uint16_t> PriceQueues::Best() const {
  const auto word = std::find_if(has_energy_.begin(), has_energy_.end(),
                                 [](std::uint64_t bits) { return bits != 0; });
  if (word == has_energy_.end()) return std::nullopt;
  const std::size_t place = static_cast<std::size_t>(word - has_energy_.begin()) * kWordBits +
                            static_cast<std::size_t>(std::countr_zero(*word));
  return static_cast<std::uint16_t>(side_ == Side::kBuy ? levels_.size() - 1 - place : place);
}

Slot PriceQueues::Oldest(const BookMemory& memory, std::uint16_t at) {
  Level& level = levels_[at];
  for (;;) {
    const OrderChunk& chunk = memory.orders.ChunkOf(level.oldest);
    const std::uint32_t place = level.oldest % kChunkOrders;
    if (chunk.open_wh[place] > 0) return level.oldest;
    level.oldest = chunk.next_at_level[place];
    CHECK(level.oldest != kNoSlot);
  }
}

ContinuousBook::ContinuousBook(std::uint32_t band_levels)
    : bids_(Side::kBuy, band_levels), asks_(Side::kSell, band_levels) {}

void ContinuousBook::Enter(const Book& book, BookMemory& memory, Slot slot) {
  newest_ = slot;
  if (compactions_ != book.compactions()) {
    Rebuild(book, memory);
  } else {
    Queues(memory.orders.ChunkOf(slot).side).Append(memory, slot);
  }
}

// Places in the book are in order of arrival.
void ContinuousBook::Rebuild(const Book& book, BookMemory& memory) {
  compactions_ = book.compactions();
  for (const Side side : {Side::kBuy, Side::kSell}) {
    PriceQueues& queues = Queues(side);
    queues.Clear();
    for (std::uint32_t at = book.first_chunk(side); at != kNoChunk;
         at = memory.orders.chunk(at).next) {
      queues.AppendOpen(memory, at);
    }
  }
}

void ContinuousBook::Leave(Side side, std::uint16_t level, std::uint32_t energy_wh) {
  Queues(side).Take(level, energy_wh);
}

std::optional<std::uint16_t> ContinuousBook::Meets(const BookMemory& memory) const {
  const OrderChunk& chunk = memory.orders.ChunkOf(newest_);
  if (chunk.open_wh[newest_ % kChunkOrders] == 0) return std::nullopt;
  const bool buys = chunk.side == Side::kBuy;
  const std::uint16_t limit = LevelOf(memory, newest_);
  const std::optional<std::uint16_t> best = (buys ? asks_ : bids_).Best();
  return best && (buys ? *best <= limit : *best >= limit) ? best : std::nullopt;
}

std::optional<ContinuousTrade> ContinuousBook::Match(BookMemory& memory) {
  const std::optional<std::uint16_t> best = Meets(memory);
  if (!best) return std::nullopt;
  std::uint32_t& open = OpenOf(memory, newest_);
  const Side side = memory.orders.ChunkOf(newest_).side;
  PriceQueues& others = Queues(Other(side));
  ContinuousTrade trade{.taker = newest_, .maker = others.Oldest(memory, *best), .level = *best};
  std::uint32_t& waiting = OpenOf(memory, trade.maker);
  trade.energy_wh = std::min(open, waiting);
  open -= trade.energy_wh;
  waiting -= trade.energy_wh;
  Queues(side).Take(LevelOf(memory, newest_), trade.energy_wh);
  others.Take(trade.level, trade.energy_wh);
  Count(memory, trade);
  return trade;
}

void ContinuousBook::Count(const BookMemory& memory, const ContinuousTrade& trade) {
  ++trades_;
  energy_wh_ += trade.energy_wh;
  value_ += Wide{trade.energy_wh} * trade.level;
  chain_.Add(IdOf(memory, trade.taker), IdOf(memory, trade.maker), trade.level, trade.energy_wh);
}

ClearedRound ContinuousBook::Round(std::int32_t band_low_ticks) const {
  ClearedRound round;
  if (energy_wh_ == 0) return round;
  round.energy_wh = energy_wh_;
  round.buy_price_ticks =
      static_cast<std::int32_t>(band_low_ticks + static_cast<std::int64_t>(value_ / energy_wh_));
  round.sell_price_ticks = round.buy_price_ticks;
  return round;
}

void ContinuousBook::Save(const BookMemory& memory, bool matching, StateWriter& out) const {
  out.Add(trades_);
  out.Add(energy_wh_);
  out.Add(value_);
  out.Add(chain_.bytes());
  at_points_.Save(out);
  if (matching) out.Add(IdOf(memory, newest_));
}

void ContinuousBook::Load(StateReader& in, const Book& book, BookMemory& memory,
                          const Terms& terms) {
  trades_ = in.Read<std::uint32_t>();
  energy_wh_ = in.Read<std::uint64_t>();
  value_ = in.Read<Wide>();
  chain_.Set(in.Read<DigestBytes>());
  at_points_.Load(in, terms.metering_points);
  Rebuild(book, memory);
  if (!terms.matching) return;
  newest_ = FindOrder(book, memory, in.Read<OrderId>());
  in.Require(newest_ != kNoSlot, "an order in matching that is not in the book");
}

}  // namespace engine
