#include "engine/settlement/supply_demand_ratio.h"

#include "engine/settlement/metered_period.h"
#include "engine/settlement/postings.h"

namespace engine {
namespace {

// Over D q, where q = (import - export) S + export D. Since S <= D, q <= import D, and D import
// fits 61 bits (Meter): so D q, and what is multiplied by import more, are at most 2^126.
CommunityPrices ScarcePrices(SignedWide deficit, SignedWide surplus, const GridTariffs& tariffs) {
  const SignedWide import_price = tariffs.import_price.value();
  const SignedWide export_price = tariffs.export_price.value();
  const SignedWide q = (import_price - export_price) * surplus + export_price * deficit;
  // What a buyer pays is a part of the import tariff: weight / (D q), at most 1.
  const SignedWide weight = export_price * surplus * deficit + (deficit - surplus) * q;
  return {.buy = import_price * weight,
          .sell = export_price * deficit * (import_price * deficit),
          .divisor = static_cast<Wide>(deficit * q)};
}

}  // namespace

Settlement SupplyDemandRatio(SlotReadings readings, const GridTariffs& tariffs) {
  if (tariffs.export_price <= PriceTicks(0) || tariffs.export_price >= tariffs.import_price) {
    return {.fault = SettlementFault::kTariffsOutOfOrder};
  }
  const MeteredPeriod period = Meter({&readings, 1}, tariffs);
  if (period.fault != SettlementFault::kNone) return {.fault = period.fault};
  if (period.import_wh == 0 || period.export_wh > period.import_wh) {
    const SignedWide both = tariffs.export_price.value();
    return Post(period, tariffs, {.buy = both, .sell = both, .divisor = 1});
  }
  return Post(period, tariffs, ScarcePrices(period.import_wh, period.export_wh, tariffs));
}

}  // namespace engine
