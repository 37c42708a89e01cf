#include "engine/settlement/metered_period.h"

#include <algorithm>
#include <cstddef>

#include "absl/container/flat_hash_map.h"
#include "engine/core/clearing/sharing.h"
#include "engine/core/limits.h"

namespace engine {
namespace {

// Net energy and shares of it are counted in 32 bits, those of a period in 63.
static_assert(kReadingMaxWh <= UINT32_MAX);
static_assert(2 * kReadingMaxWh <= INT64_MAX / kPeriodReadingsMax);

struct NetReading {
  std::size_t home = 0;
  std::uint32_t import_wh = 0;
  std::uint32_t export_wh = 0;
  std::uint32_t inside_wh = 0;  // Of either.
};

// Shares `inside_wh` out to those of one side, whose energy is `side_wh` together.
template <std::uint32_t NetReading::*kEnergy>
void ShareInside(std::vector<NetReading>& slot, std::uint64_t inside_wh, std::uint64_t side_wh) {
  if (inside_wh == 0) return;
  ShareInProportion(
      inside_wh, side_wh,
      [&](auto visit) {
        for (NetReading& reading : slot) {
          if (reading.*kEnergy > 0) visit(reading.*kEnergy, reading.inside_wh);
        }
      },
      [](std::uint32_t energy_wh) { return energy_wh; });
}

bool IsInRange(WattHours energy) {
  return energy >= WattHours(0) && energy <= WattHours(kReadingMaxWh);
}
bool IsInRange(PriceTicks tariff) {
  return tariff >= PriceTicks(-kPriceTicksMax) && tariff <= PriceTicks(kPriceTicksMax);
}

class Adder {
 public:
  SettlementFault Add(SlotReadings readings) {
    ++slots_;
    slot_.clear();
    std::uint64_t deficit = 0;
    std::uint64_t surplus = 0;
    for (const Reading& reading : readings) {
      if (!IsInRange(reading.load) || !IsInRange(reading.pv)) {
        return SettlementFault::kReadingOutOfRange;
      }
      const std::size_t home = HomeOf(reading.account);
      if (last_slot_[home] == slots_) return SettlementFault::kDuplicateAccount;
      last_slot_[home] = slots_;
      const auto load = static_cast<std::uint32_t>(reading.load.value());
      const auto pv = static_cast<std::uint32_t>(reading.pv.value());
      period_.load_wh += load;
      period_.pv_wh += pv;
      const std::uint32_t own = std::min(load, pv);
      slot_.push_back({.home = home, .import_wh = load - own, .export_wh = pv - own});
      deficit += load - own;
      surplus += pv - own;
    }
    TradeInside(deficit, surplus);
    return SettlementFault::kNone;
  }

  MeteredPeriod& period() { return period_; }

 private:
  std::size_t HomeOf(AccountId account) {
    const auto [at, fresh] = homes_.try_emplace(account, period_.homes.size());
    if (fresh) {
      period_.homes.push_back({.account = account});
      last_slot_.push_back(0);
    }
    return at->second;
  }

  void TradeInside(std::uint64_t deficit, std::uint64_t surplus) {
    const std::uint64_t inside = std::min(deficit, surplus);
    ShareInside<&NetReading::import_wh>(slot_, inside, deficit);
    ShareInside<&NetReading::export_wh>(slot_, inside, surplus);
    for (const NetReading& reading : slot_) {
      MeteredHome& home = period_.homes[reading.home];
      home.import_wh += reading.import_wh;
      home.export_wh += reading.export_wh;
      (reading.import_wh > 0 ? home.bought_wh : home.sold_wh) += reading.inside_wh;
    }
    period_.import_wh += deficit;
    period_.export_wh += surplus;
    period_.from_grid_wh += deficit - inside;
    period_.to_grid_wh += surplus - inside;
  }

  MeteredPeriod period_;
  absl::flat_hash_map<AccountId, std::size_t> homes_;
  std::vector<std::size_t> last_slot_;  // By home, in which it was read; the first is 1.
  std::vector<NetReading> slot_;        // The one that is being added.
  std::size_t slots_ = 0;
};

// Sums of amounts, and of their differences to the grid's bill, stay within 63 bits.
bool IsTooMuch(const MeteredPeriod& period, const GridTariffs& tariffs) {
  const std::int64_t larger =
      std::max({std::int64_t{1}, tariffs.import_price.value(), -tariffs.import_price.value(),
                tariffs.export_price.value(), -tariffs.export_price.value()});
  return Wide{period.load_wh + period.pv_wh} * static_cast<std::uint64_t>(larger) > INT64_MAX / 4;
}

MeteredPeriod Faulty(SettlementFault fault) {
  MeteredPeriod period;
  period.fault = fault;
  return period;
}

}  // namespace

MeteredPeriod Meter(std::span<const SlotReadings> slots, const GridTariffs& tariffs) {
  if (!IsInRange(tariffs.import_price) || !IsInRange(tariffs.export_price)) {
    return Faulty(SettlementFault::kTariffOutOfRange);
  }
  std::size_t readings = 0;
  for (const SlotReadings& slot : slots) readings += slot.size();
  if (readings > kPeriodReadingsMax) return Faulty(SettlementFault::kTooMuch);
  Adder adder;
  for (const SlotReadings& slot : slots) {
    const SettlementFault fault = adder.Add(slot);
    if (fault != SettlementFault::kNone) return Faulty(fault);
  }
  if (IsTooMuch(adder.period(), tariffs)) return Faulty(SettlementFault::kTooMuch);
  return adder.period();
}

}  // namespace engine
