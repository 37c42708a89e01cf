// Comma-separated values, plain or gzipped, row by row; every complaint names file, line and
// column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tools {

// A first line of column names, then rows of as many cells. No quoting: a quote is an error, since
// cells with commas do not come in these files.
// Thread: one owner.
class CsvReader {
 public:
  // Reads the column names; none may come twice.
  static absl::StatusOr<CsvReader> Open(const std::string& path);

  const std::vector<std::string>& columns() const { return columns_; }
  // Ensures: an error that lists the columns there are.
  absl::StatusOr<std::size_t> Column(std::string_view name) const;

  // Ensures: false at the end; an error on a row of other length and on a file cut short.
  absl::StatusOr<bool> NextRow();

  // Requires: NextRow() said true; column < columns().size(). Valid until the next NextRow().
  std::string_view cell(std::size_t column) const { return cells_[column]; }
  std::size_t line() const { return line_; }

  // The cell as a number times 10^decimals; further digits are cut off.
  absl::StatusOr<std::int64_t> Decimal(std::size_t column, int decimals) const;

  // The cell as a whole number from `low` to `high`.
  absl::StatusOr<std::int64_t> Whole(std::size_t column, std::int64_t low, std::int64_t high) const;

  // "path:line: column 'name': what"
  absl::Status Error(std::size_t column, std::string_view what) const;

 private:
  struct Close {
    void operator()(void* file) const;
  };

  CsvReader() = default;
  absl::StatusOr<bool> NextLine();

  std::string path_;
  std::unique_ptr<void, Close> file_;  // zlib's, which reads plain files too.
  std::string text_;                   // The line; cells_ point into it.
  std::size_t line_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::string_view> cells_;
};

// `text`, such as -971.6 or 1e-05, times 10^decimals, cut off towards zero; none where it is no
// decimal number or does not fit.
std::optional<std::int64_t> ParseDecimal(std::string_view text, int decimals);

}  // namespace tools
