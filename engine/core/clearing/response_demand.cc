#include "engine/core/clearing/response_demand.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/response.h"

namespace engine {

ResponseDemand::ResponseDemand(const Book& book, BookMemory& memory, const SideWinners& buyers,
                               const Range& range, ResponseLevels& levels)
    : range_(range), levels_(levels), passed_(range.highest) {
  CHECK(range.lowest <= range.highest);
  ForEachOfSide(book, memory, buyers, [this](const OrderColumns& orders, std::size_t i, bool wins) {
    if (wins) Add(orders, i);
  });
}

ResponseDemand::~ResponseDemand() {
  const auto zero = [this](auto& numbers) {
    std::fill(numbers.begin() + range_.lowest, numbers.begin() + range_.highest + 1, 0);
  };
  zero(levels_.full_nwh);
  zero(levels_.slope_nwh);
  zero(levels_.intercept_nwh);
  zero(levels_.log_scale_wh);
  zero(levels_.log_wh);
}

// An order that takes all at every price of the range is counted at once, one that never does is
// never passed. What joins below the highest price is counted when its limit is passed: levels hold
// what comes off there, and unsigned numbers take a sum below zero as it is meant.
void ResponseDemand::Add(const OrderColumns& orders, std::size_t i) {
  const std::uint32_t energy = orders.open_wh[i];
  const std::uint16_t limit = orders.level[i];
  const std::uint64_t full = energy * kNanoPerWh;
  if (limit < range_.lowest) return;
  switch (orders.response[i]) {
    case Response::kQuadratic: {
      const std::uint64_t slope = orders.slope_nwh[i];
      const std::int64_t full_level = QuadraticFullLevel(limit, slope, full);
      if (full_level >= range_.highest) break;
      const Wide intercept = Wide{slope} * limit;
      Join(limit, {.slope_nwh = slope, .intercept_nwh = intercept});
      if (full_level < range_.lowest) return;
      const auto at = static_cast<std::size_t>(full_level);
      levels_.full_nwh[at] += full;
      levels_.slope_nwh[at] += slope;
      levels_.intercept_nwh[at] += intercept;
      return;
    }
    case Response::kLogarithmic: {
      const std::uint32_t scale = orders.response_param[i];
      const std::int64_t price = std::int64_t{range_.band_low_ticks} + limit;
      const std::int64_t full_level =
          LogarithmicFullPrice(price, scale, energy) - range_.band_low_ticks;
      if (full_level >= range_.highest) break;
      const Wide scaled = Wide{scale} * static_cast<std::uint64_t>(price);
      Join(limit, {.log_scale_wh = scaled, .log_wh = scale});
      if (full_level < range_.lowest) return;
      const auto at = static_cast<std::size_t>(full_level);
      levels_.full_nwh[at] += full;
      levels_.log_scale_wh[at] += scaled;
      levels_.log_wh[at] += scale;
      return;
    }
    case Response::kInteractive:
      Join(limit, {.full_nwh = orders.slope_nwh[i]});
      return;
    default:
      break;
  }
  Join(limit, {.full_nwh = full});
}

void ResponseDemand::Join(std::uint16_t limit, const Sums& order) {
  if (limit >= range_.highest) {
    now_.full_nwh += order.full_nwh;
    now_.slope_nwh += order.slope_nwh;
    now_.intercept_nwh += order.intercept_nwh;
    now_.log_scale_wh += order.log_scale_wh;
    now_.log_wh += order.log_wh;
    return;
  }
  levels_.full_nwh[limit] += order.full_nwh;
  levels_.slope_nwh[limit] -= order.slope_nwh;
  levels_.intercept_nwh[limit] -= order.intercept_nwh;
  levels_.log_scale_wh[limit] -= order.log_scale_wh;
  levels_.log_wh[limit] -= order.log_wh;
}

void ResponseDemand::PassTo(std::uint16_t level) {
  CHECK(level <= passed_ && level >= range_.lowest);
  while (passed_ > level) {
    const std::size_t at = --passed_;
    now_.full_nwh += levels_.full_nwh[at];
    now_.slope_nwh -= levels_.slope_nwh[at];
    now_.intercept_nwh -= levels_.intercept_nwh[at];
    now_.log_scale_wh -= levels_.log_scale_wh[at];
    now_.log_wh -= levels_.log_wh[at];
  }
}

Wide ResponseDemand::At(std::uint16_t level) {
  PassTo(level);
  Wide demand = now_.full_nwh + now_.intercept_nwh - now_.slope_nwh * level;
  if (now_.log_wh > 0) {
    const auto price = static_cast<std::uint64_t>(std::int64_t{range_.band_low_ticks} + level);
    demand += (now_.log_scale_wh - Wide{now_.log_wh} * price) * kNanoPerWh / price;
  }
  return demand;
}

}  // namespace engine
