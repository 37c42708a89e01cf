#include "tools/feed/nem_tables.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tools/feed/csv.h"

namespace tools {
namespace {

constexpr std::int64_t kWattsMax = 40'000'000'000;  // 40 GW: an hour of it fits an order's energy.

class NemReader {
 public:
  explicit NemReader(const NemImportOptions& options) : options_(options) {}

  absl::StatusOr<NemTables> Read() {
    if (!absl::LoadTimeZone(options_.zone, &zone_)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", options_.zone, "' is no known time zone"));
    }
    if (auto s = ReadBids(); !s.ok()) return s;
    if (auto s = ReadDispatch(); !s.ok()) return s;
    if (auto s = ReadDemand(); !s.ok()) return s;
    return std::move(tables_);
  }

 private:
  // Hands each row of `path` to `row` with the places of `names`.
  template <std::size_t N, typename Row>
  absl::Status ForEachRow(const std::string& path, const std::array<const char*, N>& names,
                          const Row& row) {
    auto csv = CsvReader::Open(path);
    if (!csv.ok()) return csv.status();
    std::array<std::size_t, N> columns{};
    for (std::size_t i = 0; i < N; ++i) {
      const auto column = csv->Column(names[i]);
      if (!column.ok()) return column.status();
      columns[i] = *column;
    }
    for (;;) {
      const auto more = csv->NextRow();
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      if (auto s = row(*csv, columns); !s.ok()) return s;
    }
  }

  absl::StatusOr<std::int64_t> Second(const CsvReader& csv, std::size_t column) const {
    absl::Time time;
    const std::string text(csv.cell(column));
    if (!absl::ParseTime("%Y-%m-%d %H:%M:%S", text, zone_, &time, nullptr)) {
      return csv.Error(column, absl::StrCat("'", text, "' is no time such as 2022-01-01 00:05:00"));
    }
    return absl::ToUnixSeconds(time);
  }

  absl::StatusOr<std::int64_t> Watts(const CsvReader& csv, std::size_t column) const {
    auto watts = csv.Decimal(column, kNemDecimals);
    if (watts.ok() && (*watts > kWattsMax || *watts < -kWattsMax)) {
      return csv.Error(column, "over 40,000 MW");
    }
    return watts;
  }

  // The slot of a round's number: rounds of one number must be of one interval.
  absl::StatusOr<std::uint32_t> Slot(const CsvReader& csv, std::size_t round, std::size_t stamp) {
    const auto second = Second(csv, stamp);
    if (!second.ok()) return second.status();
    const std::int64_t ended =
        options_.stamp == IntervalStamp::kEnd ? options_.interval_minutes : 0;
    const std::int64_t minute = *second / 60 - ended;
    if (*second % 60 != 0 || minute < 1'440 || minute > UINT32_MAX ||
        minute % options_.interval_minutes != 0) {
      return csv.Error(stamp, "is not the edge of an interval");
    }
    const auto [known, fresh] = slot_of_round_.try_emplace(std::string(csv.cell(round)),
                                                           static_cast<std::uint32_t>(minute));
    if (known->second != minute) return csv.Error(round, "is another interval in an earlier row");
    return known->second;
  }

  std::uint32_t Participant(std::string_view name, bool region) {
    const auto next = static_cast<std::uint32_t>(tables_.participants.size());
    const std::string key = absl::StrCat(region ? "region " : "unit ", std::string(name));
    const auto [known, fresh] = participants_.try_emplace(key, next);
    if (fresh) tables_.participants.push_back(key);
    return known->second;
  }

  absl::Status ReadBids() {
    const std::array names{"round", "interval_end", "offer_time",    "duid",
                           "side",  "band",         "price_aud_mwh", "mw"};
    auto status =
        ForEachRow(options_.bids_csv, names, [this](const CsvReader& csv, const auto& at) {
          const auto slot = Slot(csv, at[0], at[1]);
          const auto offered = Second(csv, at[2]);
          const auto price = csv.Decimal(at[6], kNemDecimals);
          const auto watts = Watts(csv, at[7]);
          for (const absl::Status& s :
               {slot.status(), offered.status(), price.status(), watts.status()}) {
            if (!s.ok()) return s;
          }
          NemBand band{
              .start_minute = *slot, .price = *price, .watts = *watts, .offered_s = *offered};
          const std::string number(csv.cell(at[5]));
          if (!absl::SimpleAtoi(number, &band.band) || band.band == 0 || band.band > 1'000) {
            return csv.Error(at[5], "is no number from 1 to 1,000");
          }
          const std::string_view side = csv.cell(at[4]);
          if (side != "S" && side != "B") return csv.Error(at[4], "is neither S nor B");
          if (*watts < 0) return csv.Error(at[7], "below zero");
          band.side = side == "S" ? engine::Side::kSell : engine::Side::kBuy;
          band.participant = Participant(csv.cell(at[3]), false);
          tables_.bands.push_back(band);
          return absl::OkStatus();
        });
    if (!status.ok()) return status;
    // Best price first; of one price, the lower band.
    std::ranges::sort(tables_.bands, {}, [](const NemBand& b) {
      const std::int64_t rank = b.side == engine::Side::kSell ? b.price : -b.price;
      return std::tuple(b.start_minute, b.participant, b.side, rank, b.band);
    });
    return absl::OkStatus();
  }

  absl::Status ReadDispatch() {
    const std::array names{"round", "DUID", "AVAILABILITY"};
    return ForEachRow(options_.dispatch_csv, names, [this](const CsvReader& csv, const auto& at) {
      const auto slot = slot_of_round_.find(std::string(csv.cell(at[0])));
      const auto unit = participants_.find(absl::StrCat("unit ", std::string(csv.cell(at[1]))));
      const auto watts = Watts(csv, at[2]);
      if (!watts.ok()) return watts.status();
      if (slot == slot_of_round_.end() || unit == participants_.end()) return absl::OkStatus();
      const std::uint64_t key = NemTables::Key(unit->second, slot->second);
      const bool fresh = tables_.available_watts.try_emplace(key, *watts).second;
      return fresh ? absl::OkStatus() : csv.Error(at[1], "stands twice in this round");
    });
  }

  absl::Status ReadDemand() {
    const std::array names{"round", "interval_end", "region", "total_demand_mw"};
    return ForEachRow(options_.demand_csv, names, [this](const CsvReader& csv, const auto& at) {
      const auto slot = Slot(csv, at[0], at[1]);
      const auto watts = Watts(csv, at[3]);
      if (!slot.ok()) return slot.status();
      if (!watts.ok()) return watts.status();
      tables_.demand.push_back({.participant = Participant(csv.cell(at[2]), true),
                                .start_minute = *slot,
                                .watts = *watts});
      return absl::OkStatus();
    });
  }

  const NemImportOptions& options_;
  absl::TimeZone zone_;
  NemTables tables_;
  absl::flat_hash_map<std::string, std::uint32_t> slot_of_round_;
  absl::flat_hash_map<std::string, std::uint32_t> participants_;
};

}  // namespace

absl::StatusOr<NemTables> ReadNemTables(const NemImportOptions& options) {
  return NemReader(options).Read();
}

}  // namespace tools
