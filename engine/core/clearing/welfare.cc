#include "engine/core/clearing/welfare.h"

#include <algorithm>

#include "engine/core/clearing/crossing.h"
#include "engine/core/clearing/levels.h"
#include "engine/core/clearing/response.h"
#include "engine/core/clearing/response_demand.h"
#include "engine/core/clearing/sharing.h"
#include "engine/core/clearing/winners.h"

namespace engine {
namespace {

// Every order wins.
constexpr SideWinners kAllBuyers{.side = Side::kBuy, .level = 0, .at_level = UINT32_MAX};

struct PriceRange {
  std::int64_t best_ask = 0;
  std::int64_t best_bid = -1;   // Below the best ask: nothing trades.
  std::uint64_t supply_wh = 0;  // Up to the best bid.
};
PriceRange FindRange(const Book& book, const ClearingScratch& scratch) {
  PriceRange range;
  const std::int64_t lowest = book.lowest_level();
  const auto energy = [](const Levels<std::uint64_t>& side, std::int64_t level) {
    return side[static_cast<std::size_t>(level)];
  };
  std::int64_t bid = book.highest_level();
  while (bid >= lowest && energy(scratch.demand_wh, bid) == 0) --bid;
  std::int64_t ask = lowest;
  while (ask <= bid && energy(scratch.supply_wh, ask) == 0) ++ask;
  range.best_bid = bid;
  range.best_ask = ask;
  for (; ask <= bid; ++ask) range.supply_wh += energy(scratch.supply_wh, ask);
  return range;
}

// Walks down the prices to the highest at which demand is at least supply.
void WalkToCrossing(ResponseDemand& demand, const Levels<std::uint64_t>& supply_wh,
                    const PriceRange& range, Ties ties, WelfarePrice& price) {
  const auto demand_at = [&demand](std::int64_t level) {
    return static_cast<std::uint64_t>(demand.At(static_cast<std::uint16_t>(level)) / kNanoPerWh);
  };
  const auto asks_at = [&](std::int64_t level) {
    return supply_wh[static_cast<std::size_t>(level)];
  };
  std::int64_t level = range.best_bid;
  std::uint64_t supply = range.supply_wh;  // At the level; below the best ask there is none.
  std::uint64_t above = 0;                 // Demand a tick higher, where it is less than supply.
  std::uint64_t taken = demand_at(level);
  while (taken < supply) {
    above = taken;
    supply -= asks_at(level);
    if (--level < range.best_ask) break;
    taken = demand_at(level);
  }
  price.energy_wh = std::max(above, supply);
  if (above > supply || (above == supply && ties == Ties::kHigher)) {
    price.level = static_cast<std::uint16_t>(level + 1);
    return;
  }
  while (ties == Ties::kLower && level > range.best_ask && taken == supply && asks_at(level) == 0) {
    taken = demand_at(--level);
  }
  price.level = static_cast<std::uint16_t>(level);
}

// An order among the bids.
struct Bid {
  const OrderColumns& orders;
  std::size_t at;

  std::uint16_t level() const { return orders.level[at]; }
  std::uint64_t full_nwh() const { return orders.open_wh[at] * kNanoPerWh; }
};

template <typename Visit>
void ForEachBid(const Book& book, BookMemory& memory, Visit visit) {
  book.ForEachChunk(memory, Side::kBuy, [&](const OrderColumns& orders) {
    for (std::size_t i = 0; i < orders.level.size(); ++i) visit(Bid{orders, i});
  });
}

// What a bid above the price takes at a marginal value between the price and the next tick: a
// fraction is 2^-20 tick. Nano-watt-hours, rounded down; never more at a higher value.
class Demand {
 public:
  static constexpr int kFractionBits = 20;
  static constexpr std::uint64_t kTick = std::uint64_t{1} << kFractionBits;

  Demand(std::int32_t band_low_ticks, std::uint16_t level)
      : price_(std::int64_t{band_low_ticks} + level), level_(level) {}

  // Requires: the bid's limit is above the price; fraction <= kTick.
  std::uint64_t Of(const Bid& bid, std::uint64_t fraction) const {
    const std::uint64_t full = bid.full_nwh();
    if (full == 0) return 0;
    const auto ticks = static_cast<std::uint64_t>(bid.level() - level_);
    const std::uint64_t under = (ticks << kFractionBits) - fraction;
    switch (bid.orders.response[bid.at]) {
      case Response::kQuadratic:
        return AtMost(full, Wide{bid.orders.slope_nwh[bid.at]} * under >> kFractionBits);
      case Response::kLogarithmic: {
        const std::uint64_t value =
            (static_cast<std::uint64_t>(price_) << kFractionBits) + fraction;
        return AtMost(full, Wide{bid.orders.response_param[bid.at]} * under * kNanoPerWh / value);
      }
      default:
        return full;
    }
  }

 private:
  static std::uint64_t AtMost(std::uint64_t full, Wide demand) {
    return static_cast<std::uint64_t>(std::min(Wide{full}, demand));
  }

  const std::int64_t price_;
  const std::uint16_t level_;
};

// How what trades is shared: bids above the price take what they do at `fraction`, but of what they
// would not at the next one only the part more / step; fixed bids at the price get the part
// at_price / at_price_full of theirs.
struct Rationing {
  std::uint64_t fraction = 0;
  Wide more_nwh = 1;
  Wide step_nwh = 1;
  Wide at_price_nwh = 0;
  Wide at_price_full_nwh = 1;
};

class Buyers {
 public:
  Buyers(const Book& book, BookMemory& memory, const MarketDefinition& market,
         const WelfarePrice& price)
      : book_(book), memory_(memory), price_(price), demand_(market.band_low_ticks, price.level) {}

  void Allocate() {
    const Rationing rationing = Ration();
    ShareOut<std::uint64_t>(
        price_.energy_wh, kNanoPerWh, [&](auto visit) { ForEachThatMayBuy(visit); },
        [&](const Bid& bid) {
          const std::uint64_t part = PartOf(bid, rationing);
          return Share<std::uint64_t>{static_cast<std::uint32_t>(part / kNanoPerWh),
                                      part % kNanoPerWh};
        });
  }

 private:
  // Calls visit(bid, filled&) for bids at the price and above; others get nothing.
  template <typename Visit>
  void ForEachThatMayBuy(Visit visit) {
    ForEachBid(book_, memory_, [&](const Bid& bid) {
      std::uint32_t& filled = bid.orders.filled_wh[bid.at];
      if (bid.level() >= price_.level) {
        visit(bid, filled);
      } else {
        filled = 0;
      }
    });
  }
  // What the bids above the price take at a marginal value.
  Wide Above(std::uint64_t fraction) const {
    Wide sum = 0;
    ForEachBid(book_, memory_, [&](const Bid& bid) {
      if (bid.level() > price_.level) sum += demand_.Of(bid, fraction);
    });
    return sum;
  }
  // Elastic bids take nothing at their limit.
  Wide FixedAtPrice() const {
    Wide sum = 0;
    ForEachBid(book_, memory_, [&](const Bid& bid) {
      if (IsFixedAtPrice(bid)) sum += bid.full_nwh();
    });
    return sum;
  }
  bool IsFixedAtPrice(const Bid& bid) const {
    return bid.level() == price_.level && bid.orders.response[bid.at] == Response::kFixed;
  }

  // All demands are rounded down to nano-watt-hours: together they miss less than 2^-2 Wh.
  static_assert(std::uint64_t{kBookOrdersMax} * 3 < kNanoPerWh);

  Rationing Ration() const {
    const Wide energy = Wide{price_.energy_wh} * kNanoPerWh;
    const Wide above = Above(0);
    const Wide at_price = FixedAtPrice();
    if (above + at_price < energy + kNanoPerWh) {  // All of it is the demand, rounded down.
      return {.at_price_nwh = 1, .at_price_full_nwh = 1};
    }
    if (above <= energy) {
      return {.at_price_nwh = energy - above, .at_price_full_nwh = at_price};
    }
    return FindMarginalValue(energy, above);
  }

  // The highest fraction at which the bids above the price still take the energy. Interpolating
  // finds it soon, halving at the latest after twice so many passes as there are bits.
  Rationing FindMarginalValue(Wide energy, Wide above) const {
    std::uint64_t low = 0;
    std::uint64_t high = Demand::kTick;
    Wide at_low = above;
    Wide at_high = Above(high);
    if (at_high >= energy) return {.fraction = high};
    for (bool interpolate = true; high - low > 1; interpolate = !interpolate) {
      std::uint64_t middle = low + (high - low) / 2;
      if (interpolate) {
        const Wide part = (at_low - energy) * (high - low) / (at_low - at_high);
        middle =
            low + std::clamp<std::uint64_t>(static_cast<std::uint64_t>(part), 1, high - low - 1);
      }
      const Wide at_middle = Above(middle);
      const bool enough = at_middle >= energy;
      (enough ? low : high) = middle;
      (enough ? at_low : at_high) = at_middle;
    }
    return {.fraction = low, .more_nwh = energy - at_high, .step_nwh = at_low - at_high};
  }

  std::uint64_t PartOf(const Bid& bid, const Rationing& rationing) const {
    if (bid.level() > price_.level) {
      const std::uint64_t most = demand_.Of(bid, rationing.fraction);
      if (rationing.more_nwh == rationing.step_nwh) return most;
      const std::uint64_t least = demand_.Of(bid, rationing.fraction + 1);
      return least + MultiplyDivide(rationing.more_nwh, most - least, rationing.step_nwh).quotient;
    }
    if (!IsFixedAtPrice(bid)) return 0;
    return MultiplyDivide(rationing.at_price_nwh, bid.full_nwh(), rationing.at_price_full_nwh)
        .quotient;
  }

  const Book& book_;
  BookMemory& memory_;
  const WelfarePrice& price_;
  const Demand demand_;
};

}  // namespace

WelfarePrice FindWelfarePrice(const Book& book, BookMemory& memory, const MarketDefinition& market,
                              ClearingScratch& scratch) {
  WelfarePrice price;
  if (book.slots() == 0) return price;
  const CountedSides sides(book, memory, scratch);
  const PriceRange range = FindRange(book, scratch);
  if (range.best_bid >= range.best_ask) {
    ResponseDemand demand(book, memory, kAllBuyers,
                          {.band_low_ticks = market.band_low_ticks,
                           .lowest = static_cast<std::uint16_t>(range.best_ask),
                           .highest = static_cast<std::uint16_t>(range.best_bid)},
                          scratch.response);
    WalkToCrossing(demand, scratch.supply_wh, range, market.rule.ties, price);
    if (price.energy_wh > 0) price.asks = FindMargin(sides, Side::kSell, price.energy_wh);
  }
  return price;
}

void AllocateWelfare(const Book& book, BookMemory& memory, const MarketDefinition& market,
                     const WelfarePrice& price) {
  Buyers(book, memory, market, price).Allocate();
  AllocateProRata(book, memory, price.asks);
}

}  // namespace engine
