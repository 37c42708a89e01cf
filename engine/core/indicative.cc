#include "engine/core/indicative.h"

#include <algorithm>

#include "engine/core/clearing/rules.h"

namespace engine {
namespace {

constexpr std::uint32_t kSearchesACall = 16;

// Down to a multiple of the step, below zero too.
std::int32_t FloorTo(std::int32_t value, std::int32_t step) {
  const std::int32_t over = value % step;
  return over < 0 ? value - over - step : value - over;
}

}  // namespace

bool IndicativePublisher::HasOpen(const Product& product, std::uint32_t party, Side side) const {
  bool open = false;
  product.book.ForEachOfParty(memory_, party, [&](Slot slot) {
    const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
    open = open || (chunk.side == side && chunk.open_wh[slot % kChunkOrders] > 0);
  });
  return open;
}

bool IndicativePublisher::HasEnoughParties(const Product& product) const {
  std::uint32_t buyers = 0;
  std::uint32_t sellers = 0;
  product.book.parties().ForEach([&](const PartyEntry& entry) {
    buyers += HasOpen(product, entry.party, Side::kBuy);
    sellers += HasOpen(product, entry.party, Side::kSell);
  });
  return std::min(buyers, sellers) >= product.definition.indicative_min_parties;
}

void IndicativePublisher::Tell(Product& product, std::uint64_t sequence, ClearingScratch& scratch) {
  if (!HasEnoughParties(product)) return;
  const MarketDefinition& market = product.definition;
  const ClearedRound price =
      RuleOf(market).clear({product.book, memory_, market}, scratch, RuleEntry::Fills::kLeave);
  Event event;
  event.sequence = sequence;
  event.market = product.id.market;
  event.type = EventType::kIndicative;
  event.indicative = {.product = product.id};
  if (price.energy_wh > 0) {
    event.indicative.crossing = 1;
    event.indicative.price_ticks =
        FloorTo(price.buy_price_ticks, static_cast<std::int32_t>(market.indicative_step_ticks));
    event.indicative.energy_wh =
        price.energy_wh / market.indicative_step_wh * market.indicative_step_wh;
  }
  events_.Tell(event);
}

std::int64_t IndicativePublisher::Publish(std::int64_t now_ns, std::uint64_t sequence,
                                          ClearingScratch& scratch) {
  std::int64_t next_ns = INT64_MAX;
  std::uint32_t told = 0;
  products_.ForEach([&](Product& product) {
    const std::uint32_t interval_s = product.definition.indicative_interval_s;
    if (interval_s == 0 || product.phase != Phase::kOpen) return;
    if (product.next_indicative_ns <= now_ns && told < kSearchesACall) {
      ++told;
      if (now_ns < product.gate_ns()) Tell(product, sequence, scratch);
      product.next_indicative_ns = now_ns + std::int64_t{interval_s} * kSecondNs;
    }
    next_ns = std::min(next_ns, product.next_indicative_ns);
  });
  return next_ns;
}

}  // namespace engine
