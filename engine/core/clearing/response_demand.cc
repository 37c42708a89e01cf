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
// never passed.
void ResponseDemand::Add(const OrderColumns& orders, std::size_t i) {
  const std::uint32_t energy = orders.open_wh[i];
  const std::uint16_t limit = orders.level[i];
  const std::uint64_t full = energy * kNanoPerWh;
  std::int64_t full_level = range_.highest;
  switch (orders.response[i]) {
    case Response::kQuadratic: {
      const std::uint64_t slope = orders.slope_nwh[i];
      full_level = QuadraticFullLevel(limit, slope, full);
      if (full_level >= range_.highest) break;
      slope_nwh_ += slope;
      intercept_nwh_ += Wide{slope} * limit;
      if (full_level < range_.lowest) return;
      const auto at = static_cast<std::size_t>(full_level);
      levels_.full_nwh[at] += full;
      levels_.slope_nwh[at] += slope;
      levels_.intercept_nwh[at] += Wide{slope} * limit;
      return;
    }
    case Response::kLogarithmic: {
      const std::uint32_t scale = orders.response_param[i];
      const std::int64_t price = std::int64_t{range_.band_low_ticks} + limit;
      full_level = LogarithmicFullPrice(price, scale, energy) - range_.band_low_ticks;
      if (full_level >= range_.highest) break;
      const Wide scaled = Wide{scale} * static_cast<std::uint64_t>(price);
      log_scale_wh_ += scaled;
      log_wh_ += scale;
      if (full_level < range_.lowest) return;
      const auto at = static_cast<std::size_t>(full_level);
      levels_.full_nwh[at] += full;
      levels_.log_scale_wh[at] += scaled;
      levels_.log_wh[at] += scale;
      return;
    }
    case Response::kInteractive:
      full_nwh_ += orders.slope_nwh[i];
      return;
    default:
      break;
  }
  full_nwh_ += full;
}

void ResponseDemand::PassTo(std::uint16_t level) {
  CHECK(level <= passed_ && level >= range_.lowest);
  while (passed_ > level) {
    const std::size_t at = --passed_;
    full_nwh_ += levels_.full_nwh[at];
    slope_nwh_ -= levels_.slope_nwh[at];
    intercept_nwh_ -= levels_.intercept_nwh[at];
    log_scale_wh_ -= levels_.log_scale_wh[at];
    log_wh_ -= levels_.log_wh[at];
  }
}

Wide ResponseDemand::At(std::uint16_t level) {
  PassTo(level);
  Wide demand = full_nwh_ + intercept_nwh_ - slope_nwh_ * level;
  if (log_wh_ > 0) {
    const auto price = static_cast<std::uint64_t>(std::int64_t{range_.band_low_ticks} + level);
    demand += (log_scale_wh_ - Wide{log_wh_} * price) * kNanoPerWh / price;
  }
  return demand;
}

}  // namespace engine
