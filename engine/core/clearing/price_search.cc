#include "engine/core/clearing/price_search.h"

#include <algorithm>

#include "engine/core/check.h"

namespace engine {

PriceSearch::PriceSearch(const RuleParameters& rule, std::uint16_t highest, std::uint16_t lowest)
    : highest_(highest),
      step_(rule.step_ticks),
      prices_((std::uint32_t{highest} - lowest) / rule.step_ticks + 1),
      ties_(rule.ties),
      schedule_(rule.schedule) {
  CHECK(lowest <= highest && schedule_ != Schedule::kNone);
}

const PriceSearch::Point* PriceSearch::Find(std::uint32_t place) const {
  const auto at = std::lower_bound(
      points_.begin(), points_.end(), place,
      [](const Point& point, std::uint32_t wanted) { return point.place < wanted; });
  return at != points_.end() && at->place == place ? &*at : nullptr;
}

bool PriceSearch::IsBetter(const Point& a, const Point& b) const {
  return ties_ == Ties::kLower ? a.welfare >= b.welfare : a.welfare > b.welfare;
}

std::int32_t PriceSearch::Next() const {
  return schedule_ == Schedule::kDescending || fell_back_ ? NextDescending() : NextBisecting();
}

std::int32_t PriceSearch::NextDescending() const {
  std::uint32_t place = 0;
  for (const Point& point : points_) {
    if (point.place != place) break;
    ++place;
  }
  return place < prices_ ? LevelOf(place) : kOver;
}

std::int32_t PriceSearch::NextBisecting() const {
  std::uint32_t first = 0;
  std::uint32_t last = prices_ - 1;
  while (first < last) {
    const std::uint32_t middle = first + (last - first) / 2;
    const Point* dearer = Find(middle);
    if (dearer == nullptr) return LevelOf(middle);
    const Point* cheaper = Find(middle + 1);
    if (cheaper == nullptr) return LevelOf(middle + 1);
    if (IsBetter(*cheaper, *dearer)) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return Find(first) == nullptr ? LevelOf(first) : kOver;
}

void PriceSearch::Record(std::uint16_t level, const WideProduct& welfare) {
  CHECK(Next() == level);
  const std::uint32_t place = (highest_ - level) / step_;
  const auto at = std::lower_bound(
      points_.begin(), points_.end(), place,
      [](const Point& point, std::uint32_t wanted) { return point.place < wanted; });
  points_.insert(at, {place, welfare});
  Judge();
}

void PriceSearch::Judge() {
  best_ = 0;
  for (std::size_t i = 1; i < points_.size(); ++i) {
    if (IsBetter(points_[i], points_[best_])) best_ = i;
  }
  fell_back_ = fell_back_ || (schedule_ == Schedule::kBisecting && !HasOnePeak());
}

bool PriceSearch::HasOnePeak() const {
  bool falls = false;
  for (std::size_t i = 1; i < points_.size(); ++i) {
    if (points_[i].welfare < points_[i - 1].welfare) falls = true;
    if (falls && points_[i].welfare > points_[i - 1].welfare) return false;
  }
  return true;
}

void PriceSearch::Save(StateWriter& out) const {
  out.AddCount(points_.size());
  for (const Point& point : points_) {
    out.Add(point.place);
    out.Add(point.welfare.high);
    out.Add(point.welfare.low);
  }
}

// Where it has fallen back, what was recorded still says so: a dip stays one.
void PriceSearch::Load(StateReader& in) {
  points_.resize(static_cast<std::size_t>(in.ReadCount(prices_)));
  std::uint64_t next = 0;
  for (Point& point : points_) {
    point.place = in.Read<std::uint32_t>();
    point.welfare.high = in.Read<std::uint64_t>();
    point.welfare.low = in.Read<Wide>();
    in.Require(point.place >= next && point.place < prices_, "a price that is not in the search");
    next = std::uint64_t{point.place} + 1;
  }
  Judge();
}

}  // namespace engine
