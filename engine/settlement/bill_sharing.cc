#include "engine/settlement/bill_sharing.h"

#include <algorithm>

#include "engine/settlement/metered_period.h"
#include "engine/settlement/postings.h"

namespace engine {

// Energy, and energy times a tariff, fit 61 bits (Meter), so that products of two fit 126.
Settlement BillSharing(std::span<const SlotReadings> slots, const GridTariffs& tariffs) {
  const MeteredPeriod period = Meter(slots, tariffs);
  if (period.fault != SettlementFault::kNone) return {.fault = period.fault};
  const SignedWide imports = std::max<std::uint64_t>(period.import_wh, 1);
  const SignedWide exports = std::max<std::uint64_t>(period.export_wh, 1);
  const SignedWide import_cost = SignedWide{period.from_grid_wh} * tariffs.import_price.value();
  const SignedWide export_gain = SignedWide{period.to_grid_wh} * tariffs.export_price.value();
  Settlement settlement = Post(period, tariffs,
                               {.buy = import_cost * exports,
                                .sell = export_gain * imports,
                                .divisor = static_cast<Wide>(imports * exports)});
  if (period.import_wh == 0) settlement.buy = {};
  if (period.export_wh == 0) settlement.sell = {};
  return settlement;
}

}  // namespace engine
