#include "engine/core/product_digest.h"

#include <span>

#include "engine/core/clearing/rules.h"

namespace engine {
namespace {

void AddBook(Product& product, BookMemory& memory, const Registry& registry, Digest& digest) {
  const bool traded = product.phase == Phase::kClearing && product.has_fills();
  product.book.ForEachOrder(memory, [&](const OrderChunk& chunk, std::uint32_t at) {
    digest.Add(chunk.side);
    digest.Add(chunk.order_id[at]);
    digest.Add(registry.account(chunk.account[at]).definition.id);
    digest.Add(chunk.client_order_id[at]);
    digest.Add(chunk.level[at]);
    digest.Add(chunk.response[at]);
    digest.Add(chunk.response_param[at]);
    digest.Add(chunk.open_wh[at]);
    digest.Add(traded ? chunk.filled_wh[at] : std::uint32_t{0});
  });
  digest.Add(std::uint64_t{0});  // No order: the end of the book.
  digest.Add(product.book.slots());
  digest.Add(product.book.round_orders());
}

}  // namespace

void AddProduct(Product& product, BookMemory& memory, const Registry& registry, Digest& digest) {
  digest.Add(product.id.market);
  digest.Add(product.id.start_minute);
  digest.Add(std::as_bytes(std::span(&product.definition, 1)));
  digest.Add(product.phase);
  digest.Add(product.round);
  digest.Add(product.round_began);
  if (RuleOf(product.definition).has_lottery) digest.Add(product.lottery_hash);
  if (product.phase == Phase::kClearing) {
    digest.Add(product.result);
    digest.Add(product.cleared.energy_wh);
    digest.Add(product.cleared.operator_balance_units);
    digest.Add(product.cleared.buy_price_ticks);
    digest.Add(product.cleared.sell_price_ticks);
    digest.Add(product.cleared.no_trade);
    digest.Add(static_cast<std::uint64_t>(product.cleared.amounts_units.size()));
    digest.Add(std::as_bytes(std::span(product.cleared.amounts_units)));
  }
  if (product.continuous != nullptr) {
    product.continuous->AddTo(memory, product.phase == Phase::kMatching, digest);
  }
  if (product.phase == Phase::kPlaying) product.game->AddTo(digest);
  digest.Add(static_cast<std::uint64_t>(product.leaving.size()));
  for (const Product::Leaving& leaving : product.leaving) {
    digest.Add(leaving.credential);
    digest.Add(leaving.sequence);
  }
  AddBook(product, memory, registry, digest);
}

}  // namespace engine
