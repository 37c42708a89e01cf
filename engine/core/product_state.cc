#include "engine/core/product_state.h"

#include <memory>

#include "engine/core/clearing/rules.h"

namespace engine {
namespace {

void SaveCleared(const Product& product, StateWriter& out) {
  out.Add(product.result);
  out.Add(product.cleared.energy_wh);
  out.Add(product.cleared.operator_balance_units);
  out.Add(product.cleared.buy_price_ticks);
  out.Add(product.cleared.sell_price_ticks);
  out.Add(product.cleared.no_trade);
  out.AddCount(product.cleared.amounts_units.size());
  out.AddBytes(std::as_bytes(std::span(product.cleared.amounts_units)));
}

void LoadCleared(StateReader& in, Product& product) {
  product.result = in.Read<RoundResult>();
  in.Require(product.result <= RoundResult::kVoid, "a result that is none");
  product.cleared.energy_wh = in.Read<std::uint64_t>();
  product.cleared.operator_balance_units = in.Read<std::int64_t>();
  product.cleared.buy_price_ticks = in.Read<std::int32_t>();
  product.cleared.sell_price_ticks = in.Read<std::int32_t>();
  product.cleared.no_trade = in.Read<Reason>();
  for (std::uint64_t left = in.ReadCount(kBookOrdersMax); left > 0 && in.ok(); --left) {
    product.cleared.amounts_units.push_back(in.Read<std::int64_t>());
  }
}

// One for each order that is filled, or none at all.
void CheckAmounts(StateReader& in, const Product& product, BookMemory& memory) {
  const std::size_t amounts = product.cleared.amounts_units.size();
  if (amounts == 0) return;
  std::size_t fills = 0;
  product.book.ForEachOrder(memory, [&fills](const OrderChunk& chunk, std::uint32_t at) {
    fills += chunk.filled_wh[at] > 0 ? 1 : 0;
  });
  in.Require(fills == amounts, "amounts that are not those of the fills");
}

void LoadLeaving(StateReader& in, Product& product, std::uint64_t credentials) {
  for (std::uint64_t left = in.ReadCount(credentials); left > 0 && in.ok(); --left) {
    const Product::Leaving leaving{.credential = in.Read<std::uint32_t>(),
                                   .sequence = in.Read<std::uint64_t>()};
    const bool follows =
        product.leaving.empty() || product.leaving.back().credential < leaving.credential;
    in.Require(follows && leaving.credential < credentials, "a credential that cannot be leaving");
    product.leaving.push_back(leaving);
  }
}

void LoadTerms(StateReader& in, Product& product) {
  product.definition = in.Read<MarketDefinition>();
  product.phase = in.Read<Phase>();
  product.round = in.Read<std::uint32_t>();
  product.round_began = in.Read<std::uint64_t>();
  product.lottery_hash = in.Read<LotteryBytes>();
  in.Require(product.definition.id == product.id.market && IsPossible(product.definition),
             "a product's market that cannot be");
  in.Require(product.phase > Phase::kOver && product.phase <= Phase::kMatching,
             "a phase that is none");
  in.Require(product.round >= 1 && product.round <= product.definition.rounds,
             "a round that the product has not");
}

}  // namespace

void SaveProduct(Product& product, BookMemory& memory, StateWriter& out) {
  out.Add(product.definition);
  out.Add(product.phase);
  out.Add(product.round);
  out.Add(product.round_began);
  out.Add(product.lottery_hash);
  const bool clears = product.phase == Phase::kClearing;
  if (clears) SaveCleared(product, out);
  out.AddCount(product.leaving.size());
  for (const Product::Leaving& leaving : product.leaving) {
    out.Add(leaving.credential);
    out.Add(leaving.sequence);
  }
  product.book.Save(memory, clears && product.has_fills(), out);
  if (product.continuous == nullptr) return;
  product.continuous->Save(memory, product.phase == Phase::kMatching, out);
}

void LoadProduct(StateReader& in, Product& product, BookMemory& memory, const Registry& registry,
                 BookTerms terms) {
  LoadTerms(in, product);
  if (!in.ok()) return;
  if (product.phase == Phase::kClearing) LoadCleared(in, product);
  LoadLeaving(in, product, registry.credential_count());
  const bool is_continuous = RuleOf(product.definition).continuous;
  in.Require(is_continuous || product.phase != Phase::kMatching, "matching without a queue");
  if (is_continuous) {
    product.continuous = std::make_unique<ContinuousBook>(product.definition.band_levels);
  }
  terms.band_levels = product.definition.band_levels;
  terms.has_fills = product.phase == Phase::kClearing && product.has_fills();
  product.book.Load(in, memory, terms);
  if (!in.ok()) return;
  CheckAmounts(in, product, memory);
  if (!is_continuous) return;
  product.continuous->Load(in, product.book, memory,
                           {.matching = product.phase == Phase::kMatching,
                            .metering_points = registry.metering_point_count()});
}

}  // namespace engine
