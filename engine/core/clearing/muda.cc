#include "engine/core/clearing/muda.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/externality.h"
#include "engine/core/clearing/fill_amounts.h"
#include "engine/core/clearing/lottery.h"
#include "engine/core/clearing/party_side.h"

namespace engine {
namespace {

bool IsWilling(const SealedOrder& order, std::int64_t level) {
  return order.side == Side::kBuy ? order.level >= level : order.level <= level;
}
bool HasBetterLimit(const SealedOrder& order, const SealedOrder& than) {
  return order.side == Side::kBuy ? order.level > than.level : order.level < than.level;
}

std::uint64_t EnergyOf(const std::vector<SealedOrder*>& orders) {
  std::uint64_t energy_wh = 0;
  for (const SealedOrder* order : orders) energy_wh += order->open_wh;
  return energy_wh;
}

void FillInTurn(const std::vector<SealedOrder*>& orders, std::uint64_t energy_wh) {
  for (SealedOrder* order : orders) {
    order->filled_wh =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(order->open_wh, energy_wh));
    energy_wh -= order->filled_wh;
  }
}

}  // namespace

std::int64_t HalfMarket::Price() const {
  CountedSides sides(sealed_.book, scratch_);
  std::int64_t best_bid = kNoLevel;
  std::int64_t best_ask = kNoLevel;
  for (const SealedOrder* order : orders_) {
    sides.Add(order->side, order->level, order->open_wh);
    const std::int64_t level = order->level;
    if (order->side == Side::kBuy) {
      best_bid = std::max(best_bid, level);
    } else if (best_ask == kNoLevel || level < best_ask) {
      best_ask = level;
    }
  }
  if (best_bid == kNoLevel || best_ask == kNoLevel) return kNoLevel;
  const Crossing crossing = FindCrossing(sealed_.book, sides);
  if (crossing.energy_wh == 0) return (best_bid + best_ask) / 2;
  return (crossing.low() + crossing.high()) / 2;
}

std::int64_t HalfMarket::AmountAt(std::int64_t level, const SealedOrder& order) const {
  return (sealed_.market.band_low_ticks + level) * std::int64_t{order.filled_wh};
}

void HalfMarket::FillWhole(const Orders& orders, std::int64_t level) const {
  for (SealedOrder* order : orders) {
    order->filled_wh = order->open_wh;
    order->amount_units = AmountAt(level, *order);
  }
}

void HalfMarket::FillByLottery(Orders& orders, std::uint64_t energy_wh, std::int64_t level,
                               std::span<const std::uint64_t> numbers) const {
  // Two parties may have one number.
  std::stable_sort(orders.begin(), orders.end(), [&](const SealedOrder* a, const SealedOrder* b) {
    if (a->party == b->party) return HasBetterLimit(*a, *b);
    return std::pair(numbers[a->party], a->party) < std::pair(numbers[b->party], b->party);
  });
  FillInTurn(orders, energy_wh);
  for (SealedOrder* order : orders) order->amount_units = AmountAt(level, *order);
}

void HalfMarket::FillBest(Orders& orders, std::uint64_t energy_wh, std::int64_t level) const {
  std::stable_sort(orders.begin(), orders.end(), [](const SealedOrder* a, const SealedOrder* b) {
    return HasBetterLimit(*a, *b);
  });
  FillInTurn(orders, energy_wh);
  PayVickrey(orders, energy_wh, level);
}

// The Clarke payments of an auction in which the whole shorter side stands at the price.
void HalfMarket::PayVickrey(Orders& orders, std::uint64_t energy_wh, std::int64_t level) const {
  const Side side = orders.front()->side;
  const Side other = side == Side::kBuy ? Side::kSell : Side::kBuy;
  CountedSides sides(sealed_.book, scratch_);
  for (const SealedOrder* order : orders) sides.Add(side, order->level, order->open_wh);
  const SideMargin at_price{other, static_cast<std::uint16_t>(level), energy_wh};
  sides.Add(other, at_price.level, energy_wh);
  Crossing crossing{.energy_wh = energy_wh, .bids = at_price, .asks = at_price};
  (side == Side::kBuy ? crossing.bids : crossing.asks) = FindMargin(sides, side, energy_wh);
  const Externality externality(sides, crossing, side);
  std::stable_sort(orders.begin(), orders.end(),
                   [](const SealedOrder* a, const SealedOrder* b) { return a->party < b->party; });
  std::vector<std::int64_t> amounts(orders.size());
  PartySide party;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const SealedOrder& order = *orders[i];
    party.Add(order.level, order.open_wh, {order.filled_wh, static_cast<std::uint32_t>(i)});
    if (i + 1 < orders.size() && orders[i + 1]->party == order.party) continue;
    PayClarke(externality, party, sealed_.market.band_low_ticks, amounts);
    party.Forget();
  }
  for (std::size_t i = 0; i < orders.size(); ++i) orders[i]->amount_units = amounts[i];
}

std::uint64_t HalfMarket::TradeAt(std::int64_t level, std::span<const std::uint64_t> numbers) {
  std::array<Orders, 2> willing;
  for (SealedOrder* order : orders_) {
    if (IsWilling(*order, level)) willing[static_cast<std::size_t>(order->side)].push_back(order);
  }
  const std::array<std::uint64_t, 2> willing_wh{EnergyOf(willing[0]), EnergyOf(willing[1])};
  const std::uint64_t energy_wh = std::min(willing_wh[0], willing_wh[1]);
  if (energy_wh == 0) return 0;
  for (std::size_t i = 0; i < willing.size(); ++i) {
    Orders& side = willing[i];
    if (willing_wh[i] == energy_wh) {
      FillWhole(side, level);
    } else if (sealed_.market.rule.long_side == LongSide::kVickrey) {
      FillBest(side, energy_wh, level);
    } else {
      FillByLottery(side, energy_wh, level, numbers);
    }
  }
  return energy_wh;
}

namespace {

ClearedRound ClearHalves(SealedOrders& orders, std::span<const std::uint64_t> numbers,
                         const SealedBook& sealed, ClearingScratch& scratch) {
  std::array<HalfMarket, 2> halves{HalfMarket(sealed, scratch), HalfMarket(sealed, scratch)};
  for (SealedOrder& order : orders.orders) halves[numbers[order.party] & 1].Add(order);
  const std::int64_t prices[2] = {halves[0].Price(), halves[1].Price()};
  std::uint64_t energy_wh = 0;
  if (prices[1] != kNoLevel) energy_wh += halves[0].TradeAt(prices[1], numbers);
  if (prices[0] != kNoLevel) energy_wh += halves[1].TradeAt(prices[0], numbers);
  if (energy_wh == 0) return {};
  WriteFills(orders, sealed.book, sealed.memory);
  std::vector<std::int64_t> amounts_units;
  std::uint32_t buys = 0;
  for (const SealedOrder& order : orders.orders) {
    if (order.filled_wh == 0) continue;
    amounts_units.push_back(order.amount_units);
    if (order.side == Side::kBuy) ++buys;
  }
  return AtAmounts(energy_wh, buys, std::move(amounts_units));
}

}  // namespace

ClearedRound ClearMudaBy(std::span<const std::uint64_t> numbers, const SealedBook& sealed,
                         ClearingScratch& scratch) {
  SealedOrders orders = ReadSealed(sealed.book, sealed.memory);
  return ClearHalves(orders, numbers, sealed, scratch);
}

ClearedRound ClearMuda(const SealedBook& sealed, ClearingScratch& scratch,
                       RuleEntry::Fills /*fills*/) {
  SealedOrders orders = ReadSealed(sealed.book, sealed.memory);
  const Lottery lottery(LotterySeed(sealed.secret, orders.orders, sealed.market.band_low_ticks));
  std::vector<std::uint64_t> numbers(orders.parties);
  for (std::uint32_t party = 0; party < orders.parties; ++party) {
    numbers[party] = lottery.NumberOf(party);
  }
  return ClearHalves(orders, numbers, sealed, scratch);
}

}  // namespace engine
