#include "engine/core/clearing/response_demand.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/response.h"

namespace engine {

namespace {

// The orders that nearly all have. Its sums are its own, so that they stay in registers.
class Quadratics {
 public:
  Quadratics(const ResponseDemand::Range& range, Wide* bend_nwh)
      : lowest_(range.lowest), highest_(range.highest), bend_nwh_(bend_nwh) {}

  // At the full level the last piece comes, which is a slope at most; below it nothing. Where an
  // order has all at the highest price already, or never gets it in the range, the same is done
  // with zeros, or at the levels that are never read: no branch to guess wrong.
  void Add(std::int64_t limit, std::uint64_t slope_nwh, std::uint64_t full_nwh) {
    const std::uint64_t steps = (full_nwh + slope_nwh - 1) / slope_nwh;  // Down to the full level.
    const std::uint64_t last_nwh = full_nwh - slope_nwh * (steps - 1);
    const std::int64_t full_level = std::max(limit - static_cast<std::int64_t>(steps), lowest_ - 1);
    if (limit < highest_) {
      bend_nwh_[limit - 1] += slope_nwh;
      Flatten(full_level, slope_nwh, last_nwh);
      return;
    }
    const std::uint64_t if_full = full_level >= highest_ ? ~std::uint64_t{0} : 0;
    const std::uint64_t slope = slope_nwh & ~if_full;
    const std::uint64_t line = slope * static_cast<std::uint64_t>(limit - highest_);
    at_highest_nwh_ += (full_nwh & if_full) + line;
    growth_nwh_ += slope;
    Flatten(std::min(full_level, highest_), slope, last_nwh & ~if_full);
  }

  Wide at_highest_nwh() const { return at_highest_nwh_; }
  Wide growth_nwh() const { return growth_nwh_; }

 private:
  void Flatten(std::int64_t full_level, std::uint64_t slope_nwh, std::uint64_t last_nwh) {
    bend_nwh_[full_level] -= slope_nwh - last_nwh;
    bend_nwh_[full_level - 1] -= last_nwh;
  }

  const std::int64_t lowest_;
  const std::int64_t highest_;
  Wide* const bend_nwh_;  // By level.
  Wide at_highest_nwh_ = 0;
  Wide growth_nwh_ = 0;
};

}  // namespace

ResponseDemand::ResponseDemand(const Book& book, BookMemory& memory, const SideWinners& buyers,
                               const Range& range, ResponseLevels& levels)
    : levels_(levels), range_(range), passed_(range.highest) {
  CHECK(range.lowest <= range.highest);
  Quadratics quadratics(range, &Bend(0));
  ForEachOfSide(book, memory, buyers, [&](const OrderColumns& orders, std::size_t i, bool wins) {
    if (!wins || orders.level[i] < range_.lowest) return;
    if (orders.response[i] == Response::kQuadratic) {
      quadratics.Add(orders.level[i], orders.slope_nwh[i], orders.open_wh[i] * kNanoPerWh);
    } else {
      Add(orders, i);
    }
  });
  linear_nwh_ += quadratics.at_highest_nwh();
  growth_nwh_ += quadratics.growth_nwh();
}

ResponseDemand::~ResponseDemand() {
  const std::size_t levels = std::size_t{range_.highest} - range_.lowest + 1;
  std::fill_n(levels_.bend_nwh.begin() + range_.lowest, levels + kBelowRange, 0);
  if (!any_log_) return;
  std::fill_n(levels_.log_scale_wh.begin() + range_.lowest, levels, 0);
  std::fill_n(levels_.log_wh.begin() + range_.lowest, levels, 0);
}

// Unsigned numbers take what is below zero as it is meant.
void ResponseDemand::Add(const OrderColumns& orders, std::size_t i) {
  switch (orders.response[i]) {
    case Response::kLogarithmic:
      AddLogarithmic(orders.level[i], orders.response_param[i], orders.open_wh[i]);
      return;
    case Response::kInteractive:
      AddConstant(orders.level[i], orders.slope_nwh[i]);
      return;
    default:
      AddConstant(orders.level[i], orders.open_wh[i] * kNanoPerWh);
  }
}

void ResponseDemand::AddConstant(std::uint16_t limit, std::uint64_t nwh) {
  if (limit >= range_.highest) {
    linear_nwh_ += nwh;
  } else {
    JumpBy(limit, nwh);
  }
}

// Demand is higher by so much from the level down. Requires: it is below the highest.
void ResponseDemand::JumpBy(std::uint16_t level, Wide nwh) {
  Bend(level) += nwh;
  Bend(level - 1) -= nwh;
}

void ResponseDemand::AddLogarithmic(std::uint16_t limit, std::uint32_t scale_wh,
                                    std::uint32_t energy_wh) {
  any_log_ = true;
  const std::int64_t price = std::int64_t{range_.band_low_ticks} + limit;
  const std::int64_t full_level =
      LogarithmicFullPrice(price, scale_wh, energy_wh) - range_.band_low_ticks;
  const std::uint64_t full = energy_wh * kNanoPerWh;
  if (full_level >= range_.highest) {
    linear_nwh_ += full;
    return;
  }
  const Wide scaled = Wide{scale_wh} * static_cast<std::uint64_t>(price);
  if (limit >= range_.highest) {
    log_scale_wh_ += scaled;
    log_wh_ += scale_wh;
  } else {
    levels_.log_scale_wh[limit] += scaled;
    levels_.log_wh[limit] += scale_wh;
  }
  if (full_level < range_.lowest) return;
  const auto at = static_cast<std::uint16_t>(full_level);
  JumpBy(at, full);
  levels_.log_scale_wh[at] -= scaled;
  levels_.log_wh[at] -= scale_wh;
}

void ResponseDemand::PassTo(std::uint16_t level) {
  CHECK(level <= passed_ && level >= range_.lowest);
  while (passed_ > level) {
    const std::size_t at = --passed_;
    growth_nwh_ += Bend(passed_);
    linear_nwh_ += growth_nwh_;
    if (!any_log_) continue;
    log_scale_wh_ += levels_.log_scale_wh[at];
    log_wh_ += levels_.log_wh[at];
  }
}

Wide ResponseDemand::At(std::uint16_t level) {
  PassTo(level);
  if (log_wh_ == 0) return linear_nwh_;
  const auto price = static_cast<std::uint64_t>(std::int64_t{range_.band_low_ticks} + level);
  return linear_nwh_ + (log_scale_wh_ - Wide{log_wh_} * price) * kNanoPerWh / price;
}

}  // namespace engine
