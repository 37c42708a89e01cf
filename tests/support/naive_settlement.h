// The settlement rules as their papers print them, in fractions of any size. Too slow to be wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <vector>

#include <boost/multiprecision/cpp_int.hpp>

namespace engine {

using Rational = boost::multiprecision::cpp_rational;

// One home in one slot, in Wh.
struct NaiveReading {
  std::uint64_t home = 0;
  std::int64_t load = 0;
  std::int64_t pv = 0;
};
using NaiveSlot = std::vector<NaiveReading>;

struct NaiveTariffs {
  std::int64_t import_price = 0;
  std::int64_t export_price = 0;
};

struct NaivePrices {
  Rational buy;
  Rational sell;
};

struct NaiveSettlement {
  NaivePrices prices;
  std::vector<std::int64_t> amounts;  // By home; the operator's is the last.
  std::int64_t grid_cost = 0;
};

namespace naive {

inline Rational Import(const NaiveReading& reading) {
  return std::max<std::int64_t>(reading.load - reading.pv, 0);
}
inline Rational Export(const NaiveReading& reading) {
  return std::max<std::int64_t>(reading.pv - reading.load, 0);
}
template <typename Of>
Rational Sum(const NaiveSlot& slot, Of of) {
  Rational sum = 0;
  for (const NaiveReading& reading : slot) sum += of(reading);
  return sum;
}

inline std::int64_t Floor(const Rational& number) {
  using boost::multiprecision::cpp_int;
  const cpp_int top = numerator(number);
  const cpp_int bottom = denominator(number);
  cpp_int whole = top / bottom;
  if (whole * bottom > top) --whole;
  return static_cast<std::int64_t>(whole);
}

// Whole numbers with the same sum, by largest remainder, ties to the earlier.
inline std::vector<std::int64_t> Whole(const std::vector<Rational>& exact, std::int64_t sum) {
  std::vector<std::int64_t> whole;
  std::transform(exact.begin(), exact.end(), std::back_inserter(whole), Floor);
  std::vector<std::size_t> order(exact.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return exact[a] - whole[a] > exact[b] - whole[b];
  });
  std::int64_t odd = sum - std::accumulate(whole.begin(), whole.end(), std::int64_t{0});
  for (std::size_t i = 0; odd > 0; ++i, --odd) ++whole[order[i]];
  return whole;
}

// Every home's import at one price and export at the other, over all slots.
inline NaiveSettlement Settle(const std::vector<NaiveSlot>& slots, std::size_t homes,
                              const NaiveTariffs& tariffs, const NaivePrices& prices) {
  std::vector<Rational> exact(homes + 1);
  Rational grid = 0;
  for (const NaiveSlot& slot : slots) {
    Rational net = 0;
    for (const NaiveReading& reading : slot) {
      exact[reading.home] += Import(reading) * prices.buy - Export(reading) * prices.sell;
      net += reading.load - reading.pv;
    }
    grid += net * (net > 0 ? tariffs.import_price : tariffs.export_price);
  }
  exact[homes] = grid - std::accumulate(exact.begin(), exact.end() - 1, Rational(0));
  NaiveSettlement settled{.prices = prices, .amounts = {}, .grid_cost = Floor(grid)};
  settled.amounts = Whole(exact, settled.grid_cost);
  return settled;
}

}  // namespace naive

// P8b with D and S, or as printed with the totals L and PV.
inline NaivePrices NaiveMidMarketPrices(const NaiveSlot& slot, const NaiveTariffs& tariffs,
                                        bool printed) {
  const Rational load =
      printed ? naive::Sum(slot, [](const NaiveReading& r) { return Rational(r.load); })
              : naive::Sum(slot, naive::Import);
  const Rational pv = printed
                          ? naive::Sum(slot, [](const NaiveReading& r) { return Rational(r.pv); })
                          : naive::Sum(slot, naive::Export);
  const Rational mid = Rational(tariffs.import_price + tariffs.export_price) / 2;
  NaivePrices prices{.buy = mid, .sell = mid};
  if (pv > load) prices.sell = (load * mid + (pv - load) * tariffs.export_price) / pv;
  if (pv < load) prices.buy = (pv * mid + (load - pv) * tariffs.import_price) / load;
  return prices;
}

// P8c. Requires: 0 < export < import.
inline NaivePrices NaiveSupplyDemandPrices(const NaiveSlot& slot, const NaiveTariffs& tariffs) {
  const Rational demand = naive::Sum(slot, naive::Import);
  const Rational supply = naive::Sum(slot, naive::Export);
  const Rational low = tariffs.export_price;
  const Rational high = tariffs.import_price;
  if (demand == 0 || supply > demand) return {.buy = low, .sell = low};
  const Rational ratio = supply / demand;
  const Rational sell = low * high / ((high - low) * ratio + low);
  return {.buy = sell * ratio + high * (1 - ratio), .sell = sell};
}

// P8b over a billing period; a price that there is not is 0.
inline NaivePrices NaiveSharedPrices(const std::vector<NaiveSlot>& slots,
                                     const NaiveTariffs& tariffs) {
  Rational from_grid = 0;
  Rational to_grid = 0;
  Rational imports = 0;
  Rational exports = 0;
  for (const NaiveSlot& slot : slots) {
    const Rational deficit = naive::Sum(slot, naive::Import);
    const Rational surplus = naive::Sum(slot, naive::Export);
    imports += deficit;
    exports += surplus;
    (deficit > surplus ? from_grid : to_grid) += abs(deficit - surplus);
  }
  NaivePrices prices;
  if (imports > 0) prices.buy = tariffs.import_price * from_grid / imports;
  if (exports > 0) prices.sell = tariffs.export_price * to_grid / exports;
  return prices;
}

}  // namespace engine
