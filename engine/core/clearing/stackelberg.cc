#include "engine/core/clearing/stackelberg.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/levels.h"
#include "engine/core/clearing/response.h"
#include "engine/core/clearing/response_demand.h"
#include "engine/core/clearing/sharing.h"

namespace engine {
namespace {

// Supply at each level, and the asks that have it.
void CountAsks(const Book& book, BookMemory& memory, ClearingScratch& scratch) {
  book.ForEachChunk(memory, Side::kSell, [&](const OrderColumns& orders) {
    for (std::size_t i = 0; i < orders.level.size(); ++i) {
      const std::uint32_t open_wh = orders.open_wh[i];
      scratch.supply_wh[orders.level[i]] += open_wh;
      scratch.asks[orders.level[i]] += open_wh > 0 ? 1 : 0;
    }
  });
}

// Requires: scratch holds the counted asks.
Offers OffersOf(const Book& book, const SideWinners& sellers, const ClearingScratch& scratch) {
  Offers offers{.sellers = sellers.at_level,
                .energy_wh = sellers.at_level_wh,
                .ask_levels = std::uint64_t{sellers.at_level} * sellers.level};
  for (std::size_t level = book.lowest_level(); level < sellers.level; ++level) {
    offers.sellers += scratch.asks[level];
    offers.energy_wh += scratch.supply_wh[level];
    offers.ask_levels += std::uint64_t{scratch.asks[level]} * level;
  }
  return offers;
}

// An order among those of a side.
struct Place {
  const OrderColumns& orders;
  std::size_t at;
  bool wins;

  // All of it for a winner, nothing for a loser; no branch, since half of a side may lose.
  template <typename Number>
  Number IfItWins(Number number) const {
    return number & (Number{0} - Number{wins});
  }
};

// Calls visit(place, filled&) for each order of the side.
template <typename Visit>
void ForEachPlace(const Book& book, BookMemory& memory, const SideWinners& winners, Visit visit) {
  ForEachOfSide(book, memory, winners, [&](const OrderColumns& orders, std::size_t i, bool wins) {
    visit(Place{orders, i, wins}, orders.filled_wh[i]);
  });
}

// What fixed, quadratic and answered bids take at a price, in nano-watt-hours.
class LinearDemand {
 public:
  using Number = std::uint64_t;

  explicit LinearDemand(std::uint16_t level) : level_(level) {}
  Wide unit() const { return kNanoPerWh; }  // Of a watt-hour.
  // Anything for a loser; the same with AnyDemand.
  Number Of(const Place& place) const {
    const std::uint64_t full = place.orders.open_wh[place.at] * kNanoPerWh;
    if (place.orders.response[place.at] == Response::kInteractive) {
      return place.orders.slope_nwh[place.at];
    }
    if (place.orders.response[place.at] != Response::kQuadratic) return full;
    // Winners' limits are at the price or above.
    const auto below = static_cast<std::uint64_t>(place.orders.level[place.at] - level_);
    return QuadraticDemand(place.orders.slope_nwh[place.at], below, full);
  }

 private:
  const std::uint16_t level_;
};

// With logarithmic ones among them: in nano-watt-hours over the price, so that all are whole.
class AnyDemand {
 public:
  using Number = Wide;

  AnyDemand(std::int32_t band_low_ticks, std::uint16_t level)
      : level_(level),
        price_(static_cast<std::uint64_t>(std::int64_t{band_low_ticks} + level)),
        linear_(level) {}
  Wide unit() const { return Wide{kNanoPerWh} * price_; }
  Number Of(const Place& place) const {
    if (place.orders.response[place.at] != Response::kLogarithmic) {
      return Wide{linear_.Of(place)} * price_;
    }
    const auto below = static_cast<std::uint64_t>(place.orders.level[place.at] - level_);
    const Wide curve = Wide{place.orders.response_param[place.at]} * below * kNanoPerWh;
    return std::min(curve, place.orders.open_wh[place.at] * unit());
  }

 private:
  const std::uint16_t level_;
  const std::uint64_t price_;
  const LinearDemand linear_;
};

// Everyone gets its demand, rounded.
template <typename Demand>
void GiveDemand(const Book& book, BookMemory& memory, const StackelbergPrice& price,
                const Demand& demand) {
  using Number = typename Demand::Number;
  const auto unit = static_cast<Number>(demand.unit());
  const auto buyers = [&](auto visit) { ForEachPlace(book, memory, price.winners.buyers, visit); };
  ShareOut<Number>(
      price.energy_wh, unit, buyers,
      [&](const Place& place) {
        const Number of = place.IfItWins(demand.Of(place));
        const Number whole = of / unit;
        return Share<Number>{static_cast<std::uint32_t>(whole), of - whole * unit};
      },
      [&](const Place& place, std::uint32_t whole) {
        return place.IfItWins(demand.Of(place)) - whole * unit;
      });
}

template <typename Demand>
void GivePartOfDemand(const Book& book, BookMemory& memory, const StackelbergPrice& price,
                      const Demand& demand, Wide total) {
  const auto buyers = [&](auto visit) { ForEachPlace(book, memory, price.winners.buyers, visit); };
  if (total <= INT64_MAX) {
    ShareInProportion(price.energy_wh, static_cast<std::uint64_t>(total), buyers,
                      [&](const Place& place) {
                        return place.IfItWins(static_cast<std::uint64_t>(demand.Of(place)));
                      });
    return;
  }
  ShareOut<Wide>(price.energy_wh, total, buyers, [&](const Place& place) {
    const WideDivision part =
        MultiplyDivide(place.IfItWins(demand.Of(place)), price.energy_wh, total);
    return Share<Wide>{static_cast<std::uint32_t>(part.quotient), part.remainder};
  });
}

// In units of the demand's. Linear demand was summed exactly already.
Wide TotalOf(const Book&, BookMemory&, const StackelbergPrice& price, const LinearDemand&) {
  return price.demand_nwh;
}
Wide TotalOf(const Book& book, BookMemory& memory, const StackelbergPrice& price,
             const AnyDemand& demand) {
  Wide total = 0;
  ForEachOfSide(book, memory, price.winners.buyers,
                [&](const OrderColumns& orders, std::size_t i, bool wins) {
                  if (wins) total += demand.Of({orders, i, wins});
                });
  return total;
}

template <typename Demand>
void AllocateBuyers(const Book& book, BookMemory& memory, const StackelbergPrice& price,
                    const Demand& demand) {
  if (price.energy_wh == price.demand_nwh / kNanoPerWh) {
    GiveDemand(book, memory, price, demand);
  } else {
    GivePartOfDemand(book, memory, price, demand, TotalOf(book, memory, price, demand));
  }
}

void AllocateSellers(const Book& book, BookMemory& memory, const StackelbergPrice& price) {
  const SideWinners& winners = price.winners.sellers;
  if (price.energy_wh == price.supply_wh) {
    ForEachPlace(book, memory, winners, [](const Place& place, std::uint32_t& filled) {
      filled = place.IfItWins(place.orders.open_wh[place.at]);
    });
    return;
  }
  ShareInProportion(
      price.energy_wh, price.supply_wh,
      [&](auto visit) { ForEachPlace(book, memory, winners, visit); },
      [](const Place& place) { return place.IfItWins(place.orders.open_wh[place.at]); });
}

// Of all bids, winners or not: with AnyDemand the shares are the same.
bool HasLogarithmic(const Book& book, BookMemory& memory) {
  unsigned any = 0;
  book.ForEachChunk(memory, Side::kBuy, [&any](const OrderColumns& orders) {
    for (const Response one : orders.response) any |= one == Response::kLogarithmic ? 1U : 0U;
  });
  return any != 0;
}

}  // namespace

StackelbergSides FindStackelbergSides(const Book& book, BookMemory& memory, LoneTrader lone_trader,
                                      ClearingScratch& scratch) {
  StackelbergSides sides;
  CountSide(book, memory, Side::kBuy, scratch.demand_wh);
  CountAsks(book, memory, scratch);
  sides.winners = FindWinners(book, memory, lone_trader, scratch);
  if (sides.winners.any) {
    CHECK(sides.winners.lowest_price <= sides.winners.highest_price);
    sides.offers = OffersOf(book, sides.winners.sellers, scratch);
  }
  ForgetLevels(book, scratch.asks);
  ForgetSides(book, scratch);
  return sides;
}

WideProduct MarginTimesDemand(const Offers& offers, std::uint16_t level, Wide demand_nwh) {
  return Multiply(demand_nwh, level * offers.sellers - offers.ask_levels);
}

StackelbergPrice FindBestPrice(const Book& book, BookMemory& memory, const MarketDefinition& market,
                               const StackelbergSides& sides, ClearingScratch& scratch) {
  StackelbergPrice best;
  best.winners = sides.winners;
  WideProduct best_welfare;
  ResponseDemand demand(book, memory, best.winners.buyers,
                        {.band_low_ticks = market.band_low_ticks,
                         .lowest = best.winners.lowest_price,
                         .highest = best.winners.highest_price},
                        scratch.response);
  for (std::int64_t level = best.winners.highest_price;
       level >= std::int64_t{best.winners.lowest_price}; level -= market.rule.step_ticks) {
    const auto at = static_cast<std::uint16_t>(level);
    const Wide taken = demand.At(at);
    const WideProduct welfare = MarginTimesDemand(sides.offers, at, taken);
    const bool better =
        market.rule.ties == Ties::kLower ? welfare >= best_welfare : welfare > best_welfare;
    if (best.prices++ == 0 || better) {
      best.level = at;
      best.demand_nwh = taken;
      best_welfare = welfare;
    }
  }
  return best;
}

void CountTraded(StackelbergPrice& price, const Offers& offers) {
  const Wide demand_wh = price.demand_nwh / kNanoPerWh;
  price.supply_wh = offers.energy_wh;
  price.energy_wh = static_cast<std::uint64_t>(std::min(demand_wh, Wide{price.supply_wh}));
}

StackelbergPrice FindStackelbergPrice(const Book& book, BookMemory& memory,
                                      const MarketDefinition& market, ClearingScratch& scratch) {
  const StackelbergSides sides =
      FindStackelbergSides(book, memory, market.rule.lone_trader, scratch);
  if (!sides.winners.any) return {};
  StackelbergPrice price = FindBestPrice(book, memory, market, sides, scratch);
  CountTraded(price, sides.offers);
  return price;
}

void AllocateStackelberg(const Book& book, BookMemory& memory, const MarketDefinition& market,
                         const StackelbergPrice& price) {
  if (HasLogarithmic(book, memory)) {
    AllocateBuyers(book, memory, price, AnyDemand(market.band_low_ticks, price.level));
  } else {
    AllocateBuyers(book, memory, price, LinearDemand(price.level));
  }
  AllocateSellers(book, memory, price);
}

}  // namespace engine
