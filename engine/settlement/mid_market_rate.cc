#include "engine/settlement/mid_market_rate.h"

#include "engine/settlement/metered_period.h"
#include "engine/settlement/postings.h"

namespace engine {

// |import + export| <= 2 P, and D P and S P fit 61 bits (Meter), so all terms stay below 2^66.
Settlement MidMarketRate(SlotReadings readings, const GridTariffs& tariffs, MidMarketForm form) {
  const MeteredPeriod period = Meter({&readings, 1}, tariffs);
  if (period.fault != SettlementFault::kNone) return {.fault = period.fault};
  const bool net = form == MidMarketForm::kNet;
  const SignedWide demand = net ? period.import_wh : period.load_wh;
  const SignedWide supply = net ? period.export_wh : period.pv_wh;
  const SignedWide twice_mid = tariffs.import_price.value() + tariffs.export_price.value();

  CommunityPrices prices{.buy = twice_mid, .sell = twice_mid, .divisor = 2};
  if (supply > demand) {
    prices = {.buy = twice_mid * supply,
              .sell = demand * twice_mid + 2 * (supply - demand) * tariffs.export_price.value(),
              .divisor = static_cast<Wide>(2 * supply)};
  } else if (demand > supply) {
    prices = {.buy = supply * twice_mid + 2 * (demand - supply) * tariffs.import_price.value(),
              .sell = twice_mid * demand,
              .divisor = static_cast<Wide>(2 * demand)};
  }
  return Post(period, tariffs, prices);
}

}  // namespace engine
