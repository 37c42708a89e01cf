// Which price a game announces next, and which of those that were answered is the best.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/core/clearing/wide.h"
#include "engine/core/market_definition.h"
#include "engine/core/state_bytes.h"

namespace engine {

// The prices are `highest`, `highest` - step, ... while they are at least `lowest`; each has one
// welfare, that whoever searches asks for and records.
//
// kDescending looks at all of them, dearest first. kBisecting compares two neighbours and goes on
// in the half that rises: with a welfare of one peak it ends at the best after about 2 log2(prices)
// prices. Where what was recorded falls and rises again, the answers contradict that: it falls back
// to kDescending for all that it has not looked at.
//
// Cost: a price is recorded in O(prices recorded); allocates.
class PriceSearch {
 public:
  static constexpr std::int32_t kOver = -1;

  // Requires: lowest <= highest, rule.schedule is not kNone, rule.step_ticks > 0.
  PriceSearch(const RuleParameters& rule, std::uint16_t highest, std::uint16_t lowest);

  // The level to look at; kOver where no other is worth it.
  std::int32_t Next() const;
  // Requires: level is Next(), and that is not kOver.
  void Record(std::uint16_t level, const WideProduct& welfare);

  // Requires: one was recorded. Of equal ones the lower or the higher, as rule.ties says.
  std::uint16_t best() const { return LevelOf(points_[best_].place); }
  const WideProduct& best_welfare() const { return points_[best_].welfare; }
  std::size_t recorded() const { return points_.size(); }
  // The i-th of them, dearest first.
  std::uint16_t level(std::size_t i) const { return LevelOf(points_[i].place); }
  bool fell_back() const { return fell_back_; }

  void Save(StateWriter& out) const;
  void Load(StateReader& in);  // Requires: it is new.

 private:
  struct Point {
    std::uint32_t place = 0;  // 0 is the highest price.
    WideProduct welfare;
  };

  std::uint16_t LevelOf(std::uint32_t place) const {
    return static_cast<std::uint16_t>(highest_ - place * step_);
  }
  const Point* Find(std::uint32_t place) const;
  bool IsBetter(const Point& a, const Point& b) const;  // Than b, which is dearer.
  std::int32_t NextDescending() const;
  std::int32_t NextBisecting() const;
  bool HasOnePeak() const;
  void Judge();

  const std::uint32_t highest_;
  const std::uint32_t step_;
  const std::uint32_t prices_;
  const Ties ties_;
  const Schedule schedule_;
  bool fell_back_ = false;
  std::vector<Point> points_;  // By place.
  std::size_t best_ = 0;       // In points_.
};

}  // namespace engine
