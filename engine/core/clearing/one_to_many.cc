#include "engine/core/clearing/one_to_many.h"

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/externality.h"
#include "engine/core/clearing/fill_amounts.h"

namespace engine {
namespace {

bool HasOneOrder(const Book& book, BookMemory& memory, Side side) {
  std::uint32_t open = 0;
  book.ForEachChunk(memory, side, [&open](const OrderColumns& orders) {
    for (const std::uint32_t open_wh : orders.open_wh) open += open_wh > 0 ? 1 : 0;
  });
  return open == 1;
}

// What the many pay or get over the band's low end, each for its fill, oldest first.
std::vector<std::int64_t> AmountsOfMany(const Book& book, BookMemory& memory,
                                        std::int32_t band_low_ticks, Side many,
                                        const Externality* externality) {
  std::vector<std::int64_t> amounts_units;
  book.ForEachChunk(memory, many, [&](const OrderColumns& orders) {
    for (std::size_t i = 0; i < orders.level.size(); ++i) {
      const std::uint32_t filled_wh = orders.filled_wh[i];
      if (filled_wh == 0) continue;
      const LeftAtLevel own{orders.level[i], orders.open_wh[i] - filled_wh};
      const Wide units = externality == nullptr ? Wide{filled_wh} * orders.level[i]
                                                : externality->ForEnergy(filled_wh, {&own, 1});
      amounts_units.push_back(std::int64_t{band_low_ticks} * filled_wh +
                              static_cast<std::int64_t>(units));
    }
  });
  return amounts_units;
}

ClearedRound ClearOneToMany(const SealedBook& sealed, ClearingScratch& scratch, Side one) {
  const auto& [book, memory, market, secret] = sealed;
  const CountedSides sides(book, memory, scratch);
  const Crossing crossing = FindCrossing(book, sides);
  if (crossing.energy_wh == 0) return {};
  const Side many = one == Side::kBuy ? Side::kSell : Side::kBuy;
  AllocateByTime(book, memory, crossing.bids);
  AllocateByTime(book, memory, crossing.asks);
  if (market.rule.payment == ManyPayment::kUniform) {
    return AtOnePrice(market, crossing.energy_wh,
                      many == Side::kBuy ? crossing.bids.level : crossing.asks.level);
  }
  std::optional<Externality> externality;
  if (market.rule.payment == ManyPayment::kVickrey) externality.emplace(sides, crossing, many);
  std::vector<std::int64_t> amounts = AmountsOfMany(book, memory, market.band_low_ticks, many,
                                                    externality ? &*externality : nullptr);
  std::int64_t sum = 0;
  for (const std::int64_t amount : amounts) sum += amount;
  // Bids come first in the book's order.
  amounts.insert(one == Side::kBuy ? amounts.begin() : amounts.end(), sum);
  const auto buys = static_cast<std::uint32_t>(one == Side::kBuy ? 1 : amounts.size() - 1);
  return AtAmounts(crossing.energy_wh, buys, std::move(amounts));
}

ClearedRound NoTrade(Reason reason) {
  ClearedRound round;
  round.no_trade = reason;
  return round;
}

}  // namespace

ClearedRound ClearReverse(const SealedBook& sealed, ClearingScratch& scratch,
                          RuleEntry::Fills /*fills*/) {
  if (!HasOneOrder(sealed.book, sealed.memory, Side::kBuy)) return NoTrade(Reason::kNotOneBuyer);
  return ClearOneToMany(sealed, scratch, Side::kBuy);
}

ClearedRound ClearForward(const SealedBook& sealed, ClearingScratch& scratch,
                          RuleEntry::Fills /*fills*/) {
  if (!HasOneOrder(sealed.book, sealed.memory, Side::kSell)) return NoTrade(Reason::kNotOneSeller);
  return ClearOneToMany(sealed, scratch, Side::kSell);
}

}  // namespace engine
