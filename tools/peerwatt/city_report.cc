#include "tools/peerwatt/city_report.h"

#include <array>
#include <cstring>
#include <iomanip>
#include <map>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace tools {
namespace {

constexpr double kUnitsPerCurrency = 1e6;

// An hour, or the whole day.
struct HourTotals {
  std::uint64_t traded_wh = 0;
  std::uint64_t bought_wh = 0;
  std::uint64_t sold_wh = 0;
  std::uint64_t grid_buy_wh = 0;   // Wanted, and left to the grid.
  std::uint64_t grid_sell_wh = 0;  // Offered, and left to the grid.
  std::int64_t money_units = 0;    // Paid by the buyers.
  std::int64_t buyers_saved_units = 0;
  std::int64_t sellers_gained_units = 0;

  void Add(const ProductReport& product, const engine::MarketDefinition& market) {
    const auto bought = static_cast<std::int64_t>(product.bought_wh);
    const auto sold = static_cast<std::int64_t>(product.sold_wh);
    bought_wh += product.bought_wh;
    sold_wh += product.sold_wh;
    traded_wh += product.bought_wh;
    grid_buy_wh += product.bid_wh - product.bought_wh;
    grid_sell_wh += product.ask_wh - product.sold_wh;
    money_units += product.paid_units;
    buyers_saved_units += bought * market.retail_ticks - product.paid_units;
    sellers_gained_units += product.got_units - sold * market.feed_in_ticks;
  }
};

std::string Text(const std::array<char, 32>& padded) {
  return std::string(padded.data(), strnlen(padded.data(), padded.size()));
}

class Table {
 public:
  Table(const engine::MarketDefinition& market, std::ostream& out) : market_(market), out_(out) {}

  void Head() {
    const std::string currency(market_.currency.data(), market_.currency.size());
    out_ << "\n"
         << Text(market_.name) << ": hours in " << Text(market_.time_zone) << ", tariffs "
         << Money(std::int64_t{market_.retail_ticks} * 1'000, 3) << " (retail) and "
         << Money(std::int64_t{market_.feed_in_ticks} * 1'000, 3) << " (feed-in) " << currency
         << "/kWh\n\n"
         << "hour    price   traded   still bought   still sold    buyers   sellers\n"
         << "        " << currency << "/kWh   kWh      from grid kWh  to grid kWh   saved     "
         << "gained " << currency << "\n";
  }

  void Row(const std::string& hour, const HourTotals& totals) {
    const std::string price =
        totals.traded_wh == 0
            ? "-"
            : Money(static_cast<std::int64_t>(static_cast<double>(totals.money_units) /
                                              static_cast<double>(totals.traded_wh) * 1'000),
                    3);
    out_ << std::left << std::setw(6) << hour << std::right << std::setw(7) << price << std::setw(9)
         << Kwh(totals.traded_wh) << std::setw(15) << Kwh(totals.grid_buy_wh) << std::setw(13)
         << Kwh(totals.grid_sell_wh) << std::setw(10) << Money(totals.buyers_saved_units, 2)
         << std::setw(10) << Money(totals.sellers_gained_units, 2) << "\n";
  }

 private:
  static std::string Fixed(double value, int decimals) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(decimals) << value;
    return text.str();
  }
  static std::string Money(std::int64_t units, int decimals) {
    return Fixed(static_cast<double>(units) / kUnitsPerCurrency, decimals);
  }
  static std::string Kwh(std::uint64_t energy_wh) {
    return Fixed(static_cast<double>(energy_wh) / 1e3, 1);
  }

  const engine::MarketDefinition& market_;
  std::ostream& out_;
};

void PrintMarket(const engine::MarketDefinition& market, const NetworkReplayResult& result,
                 std::ostream& out) {
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(Text(market.time_zone), &zone);
  std::map<std::int64_t, HourTotals> hours;  // By the hour's first second, UTC.
  HourTotals day;
  std::uint64_t voids = 0;
  std::uint64_t untold = 0;
  for (const auto& [id, product] : result.products) {
    if (id.market != market.id) continue;
    if (!product.is_told) {  // Nobody knows yet what it leaves to the grid.
      ++untold;
      continue;
    }
    hours[std::int64_t{id.start_minute} * 60 / 3'600 * 3'600].Add(product, market);
    day.Add(product, market);
    voids += product.is_void;
  }
  if (hours.empty() && untold == 0) return;
  Table table(market, out);
  table.Head();
  for (const auto& [second, totals] : hours) {
    table.Row(absl::FormatTime("%H:%M", absl::FromUnixSeconds(second), zone), totals);
  }
  table.Row("day", day);
  if (untold > 0) out << untold << " slots are not in it: their rounds were not heard\n";
  if (voids > 0) out << voids << " rounds were void\n";
}

}  // namespace

void PrintCityTable(const ReplayPlan& plan, const NetworkReplayResult& result, std::ostream& out) {
  std::map<engine::MarketId, const engine::MarketDefinition*> markets;
  for (const auto& [id, market] : plan.markets) markets[id] = &market;
  for (const auto& [id, market] : markets) PrintMarket(*market, result, out);
  out << "\n";
}

}  // namespace tools
