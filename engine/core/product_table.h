// The open products of all markets, and what time asks of them next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/core/exchange.h"
#include "engine/core/product.h"
#include "engine/core/registry.h"
#include "engine/core/state_bytes.h"

namespace engine {

// Cost: a look-up is a binary search in the market's open products; the next due command costs one
// pass over the markets, and over the products of a market that changed.
class ProductTable {
 public:
  // A market was defined anew: its next product is the first whose last gate is after `now_ns`.
  void SetMarket(std::uint32_t market, const MarketDefinition& definition, std::int64_t now_ns);

  // Null where no such product is open.
  Product* Find(std::uint32_t market, std::uint32_t start_minute);
  Product* Find(const ProductId& id, const Registry& registry) {
    const std::uint32_t market = registry.FindMarket(id.market);
    return market == kNoIndex ? nullptr : Find(market, id.start_minute);
  }
  // kNotNext, nothing changed: this is not the market's next product. kTooLate: its last gate is
  // over; the market goes on with the first product that still has one. kNoRoom: the shard has as
  // many as it can, which Registry::Define keeps from happening but where markets that shrank
  // still have their old products; this one is passed over.
  enum class OpenResult { kOpened, kTooLate, kNotNext, kNoRoom };
  OpenResult Open(std::uint32_t market, std::uint32_t start_minute, std::int64_t now_ns);
  // Requires: the book is empty.
  void Remove(Product& product);
  // The product's phase or round changed.
  void Refresh(const Product& product) { RefreshDue(product.market); }

  std::optional<DueCommand> NextDue() const;
  // Which products are open, and what comes next; not what they are.
  void Save(StateWriter& out) const;
  // Requires: it is new, and so is the memory of books. Afterwards each product is loaded, in the
  // order of ForEach(), and then RefreshAll() called.
  void Load(StateReader& in, const Registry& registry);
  void RefreshAll();

  // Calls visit(Product&) by market and start.
  template <typename Visit>
  void ForEach(Visit visit) {
    for (std::uint32_t market = 0; market < markets_.size(); ++market) ForEachOf(market, visit);
  }
  template <typename Visit>
  void ForEachOf(std::uint32_t market, Visit visit) {
    for (const std::uint32_t index : markets_[market].open) visit(*products_[index]);
  }

 private:
  struct Market {
    MarketDefinition definition;
    std::uint32_t next_start_minute = 0;
    std::vector<std::uint32_t> open;  // Indices of products, by start.
    DueCommand due;
  };

  static std::uint32_t FirstStart(const Market& market, std::int64_t now_ns);
  static DueCommand DueOf(const Product& product);
  void RefreshDue(std::uint32_t market);

  std::vector<Market> markets_;  // By registry index.
  std::vector<std::unique_ptr<Product>> products_;
  std::vector<std::uint32_t> free_;
};

}  // namespace engine
