#include "tools/peerwatt/readings_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "engine/core/limits.h"
#include "tools/feed/csv.h"

namespace tools {
namespace {

constexpr std::array<const char*, 4> kColumns = {"account", "start_utc", "load_wh", "pv_wh"};
constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%SZ";

class ReadingsReader {
 public:
  // Where the columns stand in the file, each once and no others.
  absl::Status FindColumns(const std::string& path, const CsvReader& csv) {
    for (std::size_t i = 0; i < kColumns.size(); ++i) {
      const absl::StatusOr<std::size_t> at = csv.Column(kColumns[i]);
      if (!at.ok()) return at.status();
      columns_[i] = *at;
    }
    if (csv.columns().size() == kColumns.size()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":1: expected the columns ", absl::StrJoin(kColumns, ","), " alone"));
  }

  absl::Status Add(const CsvReader& csv) {
    if (++rows_ > engine::kPeriodReadingsMax) {
      return csv.Error(columns_[0],
                       absl::StrCat("more than ", engine::kPeriodReadingsMax, " rows"));
    }
    const std::string account(csv.cell(columns_[0]));
    if (account.empty()) return csv.Error(columns_[0], "is empty");
    const absl::StatusOr<std::int64_t> start = Start(csv);
    if (!start.ok()) return start.status();
    const absl::StatusOr<std::int64_t> load = csv.Whole(columns_[2], 0, engine::kReadingMaxWh);
    if (!load.ok()) return load.status();
    const absl::StatusOr<std::int64_t> pv = csv.Whole(columns_[3], 0, engine::kReadingMaxWh);
    if (!pv.ok()) return pv.status();

    const auto [at, fresh] = accounts_.try_emplace(account, accounts_.size() + 1);
    if (fresh) file_.accounts.push_back(account);
    if (!seen_.insert({*start, at->second}).second) {
      return csv.Error(columns_[0],
                       absl::StrCat(account, " has a row for ", UtcText(*start), " already"));
    }
    file_.slots[*start].push_back({.account = engine::AccountId{at->second},
                                   .load = engine::WattHours(*load),
                                   .pv = engine::WattHours(*pv)});
    return absl::OkStatus();
  }

  ReadingsFile Take() {
    for (auto& [start, readings] : file_.slots) {
      std::sort(
          readings.begin(), readings.end(),
          [](const engine::Reading& a, const engine::Reading& b) { return a.account < b.account; });
    }
    return std::move(file_);
  }

 private:
  absl::StatusOr<std::int64_t> Start(const CsvReader& csv) const {
    const std::string text(csv.cell(columns_[1]));
    absl::Time time;
    // What the parser would forgive, such as spaces, does not come back the same.
    if (!absl::ParseTime(kTimeFormat, text, &time, nullptr) ||
        UtcText(absl::ToUnixSeconds(time)) != text) {
      return csv.Error(columns_[1], "expected a time such as 2024-06-01T12:00:00Z");
    }
    return absl::ToUnixSeconds(time);
  }

  std::array<std::size_t, kColumns.size()> columns_{};
  ReadingsFile file_;
  std::uint64_t rows_ = 0;
  absl::flat_hash_map<std::string, std::uint64_t> accounts_;
  absl::flat_hash_set<std::pair<std::int64_t, std::uint64_t>> seen_;
};

}  // namespace

std::string UtcText(std::int64_t start_s) {
  return absl::FormatTime(kTimeFormat, absl::FromUnixSeconds(start_s), absl::UTCTimeZone());
}

absl::StatusOr<ReadingsFile> ReadReadingsFile(const std::string& path) {
  absl::StatusOr<CsvReader> csv = CsvReader::Open(path);
  if (!csv.ok()) return csv.status();
  ReadingsReader reader;
  if (absl::Status status = reader.FindColumns(path, *csv); !status.ok()) return status;
  for (;;) {
    const absl::StatusOr<bool> row = csv->NextRow();
    if (!row.ok()) return row.status();
    if (!*row) return reader.Take();
    if (absl::Status status = reader.Add(*csv); !status.ok()) return status;
  }
}

}  // namespace tools
