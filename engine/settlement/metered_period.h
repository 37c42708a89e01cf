// A period's readings, checked and added up: what each home imported and exported, and what of it
// stayed in the community.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/settlement/settlement.h"

namespace engine {

// Net of what the home used of its own in each slot.
struct MeteredHome {
  AccountId account{};
  std::uint64_t import_wh = 0;
  std::uint64_t export_wh = 0;
  std::uint64_t bought_wh = 0;  // Of the import, from the community.
  std::uint64_t sold_wh = 0;    // Of the export, to it.
};

struct MeteredPeriod {
  SettlementFault fault = SettlementFault::kNone;
  std::vector<MeteredHome> homes;  // In order of their first reading.
  std::uint64_t load_wh = 0;
  std::uint64_t pv_wh = 0;
  std::uint64_t import_wh = 0;  // Of all homes; in one slot, its deficit,
  std::uint64_t export_wh = 0;  // and its surplus.
  std::uint64_t from_grid_wh = 0;
  std::uint64_t to_grid_wh = 0;
};

// Ensures: without a fault, (load_wh + pv_wh) times the larger tariff, or one tick, fits 61 bits.
// Cost:    O(readings).
MeteredPeriod Meter(std::span<const SlotReadings> slots, const GridTariffs& tariffs);

}  // namespace engine
