#include "tools/feed/profile_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "tools/feed/csv.h"

namespace tools {
namespace {

constexpr int kMicroDecimals = 9;  // A kW is 10^9 microwatt.
constexpr std::int64_t kUnitsPerWh = 60'000'000;
// What no home has, in kW or kWh with nine decimals: a cell, and a home's sum. Sixty of the one
// make a slot that fits in 32 bits, and 1,440 times the other fits in 63.
constexpr std::int64_t kCellMax = 10'000'000'000'000;
constexpr std::int64_t kSumMax = 4'000'000'000'000'000;
static_assert(60 * (kCellMax / 1'000'000) <= UINT32_MAX && kSumMax <= INT64_MAX / 1'440);

// Turns the first column into minutes since the first day's local midnight, or since 1970 in local
// time without daylight saving.
class RowTimes {
 public:
  explicit RowTimes(const ProfileImportOptions& options) : options_(options) {}

  // Ensures: an error where the row does not follow the one before by one interval.
  absl::Status Add(const CsvReader& csv) {
    const std::string text(csv.cell(0));
    std::int64_t minute = 0;
    std::int64_t number = 0;
    absl::CivilMinute civil;
    if (absl::SimpleAtoi(text, &number)) {
      minute = number * options_.interval_minutes;
      numbered_ = true;
    } else if (ParseLocal(text, civil)) {
      minute = civil - absl::CivilMinute(1970, 1, 1);
    } else {
      return csv.Error(0, absl::StrCat("'", text, "' is neither a row number nor a local time"));
    }
    if (rows_ == 0) first_ = minute;
    if (rows_ == 1) interval_ = minute - first_;
    if (rows_ == 1 && (interval_ <= 0 || interval_ > 1'440)) {
      return csv.Error(0, absl::StrCat("an interval of ", interval_, " minutes"));
    }
    if (rows_ > 1 && minute != first_ + rows_ * interval_) {
      return csv.Error(
          0, absl::StrCat("'", text, "' is not ", interval_, " minutes after the row before"));
    }
    ++rows_;
    return absl::OkStatus();
  }

  std::int64_t rows() const { return rows_; }
  std::int64_t interval() const { return interval_; }

  // When the first interval began, in minutes since 1970-01-01T00:00Z.
  absl::StatusOr<std::int64_t> Start() const {
    absl::TimeZone zone;
    absl::CivilDay day;
    if (!absl::LoadTimeZone(options_.zone, &zone)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", options_.zone, "' is no known time zone"));
    }
    if (!absl::ParseCivilTime(options_.first_day, &day)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", options_.first_day, "' is no day such as 2026-01-01"));
    }
    const absl::CivilMinute origin = numbered_ ? absl::CivilMinute(day) : absl::CivilMinute(1970);
    const std::int64_t end_stamp = options_.stamp == ProfileStamp::kEnd ? interval_ : 0;
    const absl::Time start = absl::FromCivil(origin + first_ - end_stamp, zone);
    return absl::ToUnixSeconds(start) / 60;
  }

 private:
  static bool ParseLocal(std::string text, absl::CivilMinute& civil) {
    std::ranges::replace(text, ' ', 'T');
    return absl::ParseLenientCivilTime(text, &civil);
  }

  const ProfileImportOptions& options_;
  bool numbered_ = false;
  std::int64_t rows_ = 0;
  std::int64_t first_ = 0;
  std::int64_t interval_ = 0;
};

// Appends a row's energies. Ensures: an error on a negative cell or a sum that does not fit.
absl::Status AddRow(const CsvReader& csv, const std::vector<std::size_t>& columns,
                    std::vector<std::int64_t>& energy, std::vector<std::int64_t>& sums) {
  for (std::size_t home = 0; home < columns.size(); ++home) {
    const auto micro = csv.Decimal(columns[home], kMicroDecimals);
    if (!micro.ok()) return micro.status();
    if (*micro < 0) return csv.Error(columns[home], "below zero");
    if (*micro > kCellMax) return csv.Error(columns[home], "over 10,000");
    sums[home] += *micro;
    if (sums[home] > kSumMax) return csv.Error(columns[home], "adds up to over 4,000,000");
    energy.push_back(*micro);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ProfileTable> ReadProfileTable(const std::string& path, const std::string& column,
                                              const ProfileImportOptions& options) {
  auto csv = CsvReader::Open(path);
  if (!csv.ok()) return csv.status();
  std::vector<std::size_t> columns;
  if (column.empty()) {
    for (std::size_t i = 1; i < csv->columns().size(); ++i) columns.push_back(i);
  } else {
    const auto only = csv->Column(column);
    if (!only.ok()) return only.status();
    columns.push_back(*only);
  }
  ProfileTable table;
  for (const std::size_t i : columns) table.homes.push_back(csv->columns()[i]);
  std::vector<std::int64_t> sums(columns.size());
  RowTimes times(options);
  for (;;) {
    const auto more = csv->NextRow();
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (auto s = times.Add(*csv); !s.ok()) return s;
    if (auto s = AddRow(*csv, columns, table.energy, sums); !s.ok()) return s;
  }
  if (columns.empty() || times.rows() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": no home's column, or under two rows"));
  }
  const auto start = times.Start();
  if (!start.ok()) return start.status();
  table.start_minute = *start;
  table.interval_minutes = times.interval();
  const std::int64_t minutes = options.unit == ProfileUnit::kKw ? times.interval() : 60;
  for (std::int64_t& cell : table.energy) cell *= minutes;
  return table;
}

std::vector<std::int64_t> SlotEnergy(const ProfileTable& table, std::size_t home,
                                     const LoadSpan& span) {
  // What was used from the table's beginning to `minute`, in the table's unit: within an interval
  // it grows evenly.
  std::int64_t before = 0;  // Of the intervals before `interval`.
  std::size_t interval = 0;
  const auto energy_until = [&](std::int64_t minute) {
    const std::int64_t length = table.interval_minutes;
    while ((static_cast<std::int64_t>(interval) + 1) * length <= minute) {
      before += table.energy[interval * table.homes.size() + home];
      ++interval;
    }
    const std::int64_t into = minute - static_cast<std::int64_t>(interval) * length;
    if (into == 0) return before;
    const std::int64_t energy = table.energy[interval * table.homes.size() + home];
    return before + energy / length * into + energy % length * into / length;
  };
  const std::int64_t first = span.start_minute - table.start_minute;
  const std::int64_t origin = energy_until(first);
  std::vector<std::int64_t> slots(span.slots);
  std::int64_t told_wh = 0;
  for (std::size_t slot = 0; slot < span.slots; ++slot) {
    const std::int64_t end = first + (static_cast<std::int64_t>(slot) + 1) * span.slot_minutes;
    const std::int64_t until_wh = (energy_until(end) - origin) / kUnitsPerWh;
    slots[slot] = until_wh - told_wh;
    told_wh = until_wh;
  }
  return slots;
}

}  // namespace tools
