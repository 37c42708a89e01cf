// What was traded at metering points in one product, so that no later order trades beyond a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "engine/core/command.h"
#include "engine/core/state_bytes.h"

namespace engine {

// By the metering point's index and the side. Memory: about 40 bytes each.
class PointTotals {
 public:
  // Room for so many more.
  void Reserve(std::size_t more) { totals_.reserve(totals_.size() + more); }
  void Count(std::uint32_t metering_point, Side side, std::uint32_t energy_wh) {
    totals_[{metering_point, side}] += energy_wh;
  }
  std::uint64_t At(std::uint32_t metering_point, Side side) const {
    const auto at = totals_.find({metering_point, side});
    return at == totals_.end() ? 0 : at->second;
  }
  bool empty() const { return totals_.empty(); }
  void Clear() { absl::flat_hash_map<Key, std::uint64_t>().swap(totals_); }

  void Save(StateWriter& out) const;
  void Load(StateReader& in, std::uint64_t metering_points);  // Requires: it is empty.

 private:
  using Key = std::pair<std::uint32_t, Side>;

  absl::flat_hash_map<Key, std::uint64_t> totals_;
};

}  // namespace engine
