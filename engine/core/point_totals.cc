#include "engine/core/point_totals.h"

#include <algorithm>
#include <vector>

namespace engine {

void PointTotals::Save(StateWriter& out) const {
  std::vector<std::pair<Key, std::uint64_t>> in_order(totals_.begin(), totals_.end());
  std::sort(in_order.begin(), in_order.end());
  out.AddCount(in_order.size());
  for (const auto& [key, energy_wh] : in_order) {
    out.Add(key.first);
    out.Add(key.second);
    out.Add(energy_wh);
  }
}

void PointTotals::Load(StateReader& in, std::uint64_t metering_points) {
  Key before{};
  for (std::uint64_t left = in.ReadCount(2 * metering_points); left > 0 && in.ok(); --left) {
    const auto point = in.Read<std::uint32_t>();
    const Key key(point, in.Read<Side>());
    const bool follows = totals_.empty() || before < key;
    in.Require(follows && point < metering_points && key.second <= Side::kSell,
               "metering points that are not in order");
    totals_[key] = in.Read<std::uint64_t>();
    before = key;
  }
}

}  // namespace engine
