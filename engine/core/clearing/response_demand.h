// What buyers take together at each price of a range, from one pass over their orders.
#pragma once

#include <cstdint>

#include "engine/core/book.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/clearing/winners.h"

namespace engine {

// Demand is a sum over orders. A fixed one takes all at any price up to its limit. A quadratic one
// takes min(energy, slope * (limit - price)): a straight line that bends once. A logarithmic one
// takes all up to a price and u (k - p) / p above it. Above its limit each takes nothing. An
// interactive one takes what it has answered to the price of a step: such demand is for a range of
// that one price. So five numbers a level, at the level up to which an order takes all and at its
// limit where that is in the range, are enough to walk down the prices and know the demand at each
// exactly.
//
// Requires: with logarithmic orders, prices above zero.
class ResponseDemand {
 public:
  // Prices are levels from `lowest` to `highest`; a level's price is band_low_ticks + level.
  struct Range {
    std::int32_t band_low_ticks = 0;
    std::uint16_t lowest = 0;
    std::uint16_t highest = 0;
  };

  // Requires: `levels` is zero. Cost: one pass over the buyers.
  ResponseDemand(const Book& book, BookMemory& memory, const SideWinners& buyers,
                 const Range& range, ResponseLevels& levels);
  ~ResponseDemand();  // Leaves the levels zero.
  ResponseDemand(const ResponseDemand&) = delete;
  ResponseDemand& operator=(const ResponseDemand&) = delete;

  // Nano-watt-hours, the logarithmic part rounded down once over all. Requires: no level is higher
  // than the last one. Cost: O(levels since the last one).
  Wide At(std::uint16_t level);

 private:
  // Demand at a level: full + intercept - slope * level + (log_scale - log * price) / price.
  struct Sums {
    Wide full_nwh = 0;
    Wide slope_nwh = 0;
    Wide intercept_nwh = 0;
    Wide log_scale_wh = 0;
    std::uint64_t log_wh = 0;
  };

  void Add(const OrderColumns& orders, std::size_t place);
  void Join(std::uint16_t limit, const Sums& order);
  void PassTo(std::uint16_t level);

  const Range range_;
  ResponseLevels& levels_;
  std::uint16_t passed_ = 0;  // What changes at this level or higher is in now_.
  Sums now_;
};

}  // namespace engine
