#include "tools/feed/csv.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <zlib.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tools {
namespace {

constexpr std::size_t kLineBytesMax = std::size_t{1} << 20;

void Split(std::string_view line, std::vector<std::string_view>& cells) {
  cells.clear();
  std::size_t begin = 0;
  for (std::size_t comma = line.find(','); comma != line.npos; comma = line.find(',', begin)) {
    cells.push_back(line.substr(begin, comma - begin));
    begin = comma + 1;
  }
  cells.push_back(line.substr(begin));
}

gzFile GzFile(void* file) { return static_cast<gzFile>(file); }

// The power of ten that `text` ends with after an e; takes it off. None where it is no number.
std::optional<int> TakeExponent(std::string_view& text) {
  const std::size_t e = text.find_first_of("eE");
  if (e == text.npos) return 0;
  std::string_view digits = text.substr(e + 1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  text = text.substr(0, e);
  return std::clamp(exponent, -1'000, 1'000);
}

}  // namespace

std::optional<std::int64_t> ParseDecimal(std::string_view text, int decimals) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::optional<int> exponent = TakeExponent(text);
  if (!exponent) return std::nullopt;
  std::string digits;
  std::size_t whole = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.' && whole == text.size()) {
      whole = i;
    } else if (text[i] >= '0' && text[i] <= '9') {
      digits.push_back(text[i]);
    } else {
      return std::nullopt;
    }
  }
  if (digits.empty()) return std::nullopt;
  // The value is the first `kept` digits, with zeros behind them where there are fewer.
  const std::int64_t kept = static_cast<std::int64_t>(whole) + *exponent + decimals;
  std::int64_t value = 0;
  for (std::int64_t i = 0; i < kept; ++i) {
    const std::int64_t digit = i < static_cast<std::int64_t>(digits.size())
                                   ? digits[static_cast<std::size_t>(i)] - '0'
                                   : 0;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value)) {
      return std::nullopt;
    }
  }
  return negative ? -value : value;
}

void CsvReader::Close::operator()(void* file) const { gzclose(GzFile(file)); }

absl::StatusOr<CsvReader> CsvReader::Open(const std::string& path) {
  CsvReader reader;
  reader.path_ = path;
  reader.file_.reset(gzopen(path.c_str(), "rb"));
  if (!reader.file_) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  const auto more = reader.NextLine();
  if (!more.ok()) return more.status();
  if (!*more) return absl::InvalidArgumentError(absl::StrCat(path, ":1: no line of column names"));
  for (const std::string_view cell : reader.cells_) {
    if (std::ranges::find(reader.columns_, cell) != reader.columns_.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":1: column '", std::string(cell), "' twice"));
    }
    reader.columns_.emplace_back(cell);
  }
  return reader;
}

absl::StatusOr<std::size_t> CsvReader::Column(std::string_view name) const {
  const auto found = std::ranges::find(columns_, name);
  if (found != columns_.end()) return static_cast<std::size_t>(found - columns_.begin());
  return absl::InvalidArgumentError(absl::StrCat(path_, ":1: no column '", std::string(name),
                                                 "' among ", absl::StrJoin(columns_, ",")));
}

absl::StatusOr<bool> CsvReader::NextLine() {
  text_.clear();
  std::array<char, 4'096> piece{};
  while (!text_.ends_with('\n') && text_.size() < kLineBytesMax) {
    const auto before = gztell(GzFile(file_.get()));
    if (gzgets(GzFile(file_.get()), piece.data(), static_cast<int>(piece.size())) == nullptr) break;
    const auto read = static_cast<std::size_t>(gztell(GzFile(file_.get())) - before);
    text_.append(piece.data(), read);
    if (text_.find('\0', text_.size() - read) == text_.npos) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ":", line_ + 1, ": a byte that is zero: this is no text"));
  }
  int error = Z_OK;
  const char* what = gzerror(GzFile(file_.get()), &error);
  if (error != Z_OK && error != Z_STREAM_END) {
    return absl::DataLossError(absl::StrCat(path_, ":", line_ + 1, ": cut short or damaged: ",
                                            error == Z_ERRNO ? std::strerror(errno) : what));
  }
  if (text_.empty()) return false;
  ++line_;
  if (line_ == 1 && text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);
  absl::StripTrailingAsciiWhitespace(&text_);
  if (text_.size() >= kLineBytesMax || text_.find('"') != text_.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ":", line_, ": a quote, or more than a MiB in a line"));
  }
  Split(text_, cells_);
  return true;
}

absl::StatusOr<bool> CsvReader::NextRow() {
  auto more = NextLine();
  if (!more.ok() || !*more) return more;
  if (cells_.size() != columns_.size()) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ":", line_, ": ", cells_.size(),
                                                   " cells under ", columns_.size(), " columns"));
  }
  return true;
}

absl::StatusOr<std::int64_t> CsvReader::Decimal(std::size_t column, int decimals) const {
  const std::optional<std::int64_t> number = ParseDecimal(cell(column), decimals);
  if (!number) {
    return Error(column, absl::StrCat("'", std::string(cell(column)), "' is no number that fits"));
  }
  return *number;
}

absl::StatusOr<std::int64_t> CsvReader::Whole(std::size_t column, std::int64_t low,
                                              std::int64_t high) const {
  const std::string_view text = cell(column);
  const std::optional<std::int64_t> value = ParseDecimal(text, 0);
  if (text.find_first_not_of("-0123456789") != std::string_view::npos || !value || *value < low ||
      *value > high) {
    return Error(column, absl::StrCat("expected a whole number from ", low, " to ", high));
  }
  return *value;
}

absl::Status CsvReader::Error(std::size_t column, std::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(path_, ":", line_, ": column '", columns_[column], "': ", std::string(what)));
}

}  // namespace tools
