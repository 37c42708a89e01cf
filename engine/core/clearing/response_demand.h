// What buyers take together at each price of a range, from one pass over their orders.
#pragma once

#include <cstdint>

#include "engine/core/book.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/clearing/winners.h"

namespace engine {

// Demand is a sum over orders. A fixed one takes all at any price up to its limit. A quadratic one
// takes min(energy, slope * (limit - price)): going down the prices it begins to grow at its limit
// and stops where it has all. Both are straight between a few levels, so the second differences of
// their sum, at two neighbouring levels for each bend, are enough to walk down the prices and know
// the demand at each exactly: two additions a price, and no order is looked at again. A logarithmic
// one takes all up to a price and u (k - p) / p above it, which two more sums hold. Above its limit
// each takes nothing. An interactive one takes what it has answered to the price of a step: such
// demand is for a range of that one price.
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
  void Add(const OrderColumns& orders, std::size_t place);
  void AddConstant(std::uint16_t limit, std::uint64_t nwh);
  void AddLogarithmic(std::uint16_t limit, std::uint32_t scale_wh, std::uint32_t energy_wh);
  void JumpBy(std::uint16_t level, Wide nwh);
  Wide& Bend(std::int64_t level) {
    return levels_.bend_nwh[static_cast<std::size_t>(level + kBelowRange)];
  }
  void PassTo(std::uint16_t level);

  static constexpr std::int64_t kBelowRange = 2;

  // Of fixed, quadratic and interactive orders and of logarithmic ones that have all; so much of it
  // came with the last level.
  Wide linear_nwh_ = 0;
  Wide growth_nwh_ = 0;
  Wide log_scale_wh_ = 0;
  std::uint64_t log_wh_ = 0;
  ResponseLevels& levels_;
  const Range range_;
  std::uint16_t passed_ = 0;  // The sums are those at this level.
  bool any_log_ = false;
};

}  // namespace engine
