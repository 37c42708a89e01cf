#include "engine/core/matching.h"

#include "absl/container/flat_hash_set.h"
#include "engine/core/check.h"
#include "engine/core/units.h"

namespace engine {

void Matching::Enter(Product& product, std::uint32_t party, std::uint64_t sequence) {
  if (product.continuous == nullptr) return;
  product.continuous->Enter(product.book, memory_, product.book.parties().Newest(party));
  if (Match(product, sequence)) return;
  product.phase = Phase::kMatching;
  matching_.Push(&product);
  products_.Refresh(product);
}

bool Matching::Continue(Product& product, std::uint64_t sequence) {
  if (!Match(product, sequence)) return false;
  CHECK(matching_.front() == &product);
  matching_.Pop();
  product.phase = Phase::kOpen;
  products_.Refresh(product);
  return true;
}

void Matching::Save(StateWriter& out) const {
  out.AddCount(matching_.size());
  matching_.ForEach([&out](const Product* product) { out.Add(product->id); });
}

void Matching::Load(StateReader& in) {
  absl::flat_hash_set<const Product*> found;
  for (std::uint64_t left = in.ReadCount(kOpenProductsMax); left > 0 && in.ok(); --left) {
    Product* product = products_.Find(in.Read<ProductId>(), registry_);
    const bool matches = product != nullptr && product->phase == Phase::kMatching;
    if (!in.Require(matches && found.insert(product).second, "a product that is not matching")) {
      return;
    }
    matching_.Push(product);
  }
  products_.ForEach([&](const Product& product) {
    in.Require(product.phase != Phase::kMatching || found.contains(&product),
               "a sweep that nobody goes on with");
  });
}

void Matching::Leave(Product& product, const OrderChunk& chunk, std::uint32_t at,
                     std::uint32_t energy_wh) {
  if (product.continuous == nullptr) return;
  product.continuous->Leave(chunk.side, chunk.level[at], energy_wh);
}

bool Matching::Match(Product& product, std::uint64_t sequence) {
  if (sequence_ != sequence) trades_ = 0;
  sequence_ = sequence;
  for (; trades_ < kTradesACommand; ++trades_) {
    const std::optional<ContinuousTrade> trade = product.continuous->Match(memory_);
    if (!trade) return true;
    Tell(product, *trade, trade->maker, sequence);
    Tell(product, *trade, trade->taker, sequence);
  }
  return !product.continuous->HasMatch(memory_);
}

void Matching::Tell(const Product& product, const ContinuousTrade& trade, Slot slot,
                    std::uint64_t sequence) {
  const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
  const std::uint32_t at = slot % kChunkOrders;
  const Account& account = registry_.account(chunk.account[at]);
  const std::int32_t price = product.definition.band_low_ticks + trade.level;
  Event event;
  event.sequence = sequence;
  event.type = EventType::kFill;
  event.fill = {.account = account.definition.id,
                .client_order_id = chunk.client_order_id[at],
                .order = chunk.order_id[at],
                .product = product.id,
                .amount_units = Cost(PriceTicks(price), WattHours(trade.energy_wh)).value(),
                .price_ticks = price,
                .energy_wh = trade.energy_wh,
                .open_wh = chunk.open_wh[at],
                .round = static_cast<std::uint16_t>(product.round),
                .side = chunk.side};
  events_.TellNumbered(account.credential, event);
  const MeteringPointBody& point = registry_.metering_point(account.metering_point);
  const bool has_limit = point.import_limit_w > 0 || point.export_limit_w > 0;
  if (has_limit || registry_.entry_version() > 1) {
    product.continuous->CountAtPoint(account.metering_point, chunk.side, trade.energy_wh);
  }
  if (chunk.open_wh[at] == 0) registry_.CloseOrder(chunk.account[at]);
}

}  // namespace engine
