#include "tools/peerwatt/orders_file.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/core/limits.h"
#include "tools/feed/csv.h"

namespace tools {
namespace {

constexpr std::array<const char*, 5> kRequired = {"order_id", "account", "side", "price_ticks",
                                                  "energy_wh"};
constexpr std::array<const char*, 3> kOptional = {"party", "response", "response_param"};

// Where the columns stand in the file.
struct Columns {
  std::array<std::size_t, kRequired.size()> required{};
  std::array<std::optional<std::size_t>, kOptional.size()> optional;
};

absl::StatusOr<Columns> FindColumns(const std::string& path, const CsvReader& csv) {
  Columns columns;
  for (const std::string& name : csv.columns()) {
    if (std::count(kRequired.begin(), kRequired.end(), name) +
            std::count(kOptional.begin(), kOptional.end(), name) ==
        0) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":1: unknown column '", name, "'; known are ",
                       absl::StrJoin(kRequired, ", "), ", ", absl::StrJoin(kOptional, ", ")));
    }
  }
  for (std::size_t i = 0; i < kRequired.size(); ++i) {
    absl::StatusOr<std::size_t> at = csv.Column(kRequired[i]);
    if (!at.ok()) return at.status();
    columns.required[i] = *at;
  }
  for (std::size_t i = 0; i < kOptional.size(); ++i) {
    const auto at = std::find(csv.columns().begin(), csv.columns().end(), kOptional[i]);
    if (at != csv.columns().end()) {
      columns.optional[i] = static_cast<std::size_t>(at - csv.columns().begin());
    }
  }
  return columns;
}

class OrdersReader {
 public:
  explicit OrdersReader(Columns columns) : columns_(columns) {}

  absl::Status Add(const CsvReader& csv) {
    FileOrder order;
    order.order_id = std::string(csv.cell(columns_.required[0]));
    if (order.order_id.empty()) return csv.Error(columns_.required[0], "is empty");
    const auto [earlier, fresh] = lines_.try_emplace(order.order_id, csv.line());
    if (!fresh) {
      return csv.Error(columns_.required[0],
                       absl::StrCat("order ", order.order_id, " is in line ", earlier->second));
    }
    if (absl::Status status = SetAccount(csv, order); !status.ok()) return status;
    const std::string_view side = csv.cell(columns_.required[2]);
    if (side != "buy" && side != "sell") {
      return csv.Error(columns_.required[2], "expected buy or sell");
    }
    order.side = side == "buy" ? engine::Side::kBuy : engine::Side::kSell;
    const absl::StatusOr<std::int64_t> price =
        csv.Whole(columns_.required[3], -engine::kPriceTicksMax, engine::kPriceTicksMax);
    if (!price.ok()) return price.status();
    const absl::StatusOr<std::int64_t> energy = csv.Whole(columns_.required[4], 0, INT64_MAX);
    if (!energy.ok()) return energy.status();
    order.price_ticks = *price;
    order.energy_wh = *energy;
    if (absl::Status status = SetResponse(csv, order); !status.ok()) return status;
    file_.lowest_ticks = file_.orders.empty() ? *price : std::min(file_.lowest_ticks, *price);
    file_.highest_ticks = file_.orders.empty() ? *price : std::max(file_.highest_ticks, *price);
    if (file_.highest_ticks - file_.lowest_ticks >= engine::kBandLevelsMax) {
      return csv.Error(columns_.required[3],
                       absl::StrCat("prices span more than ", engine::kBandLevelsMax,
                                    " ticks: ", file_.lowest_ticks, " to ", file_.highest_ticks));
    }
    file_.orders.push_back(std::move(order));
    return absl::OkStatus();
  }

  OrdersFile Take() { return std::move(file_); }

 private:
  absl::Status SetAccount(const CsvReader& csv, FileOrder& order) {
    const std::string account(csv.cell(columns_.required[1]));
    if (account.empty()) return csv.Error(columns_.required[1], "is empty");
    std::string party = account;
    if (columns_.optional[0]) party = std::string(csv.cell(*columns_.optional[0]));
    if (party.empty()) party = account;
    const auto [party_at, new_party] =
        parties_.try_emplace(party, static_cast<std::uint32_t>(parties_.size()));
    const auto [at, fresh] =
        accounts_.try_emplace(account, static_cast<std::uint32_t>(file_.party_of.size()));
    order.account = at->second;
    if (fresh) {
      file_.party_of.push_back(party_at->second);
    } else if (file_.party_of[order.account] != party_at->second) {
      return csv.Error(*columns_.optional[0],
                       absl::StrCat("account ", account, " was another party's before"));
    }
    return absl::OkStatus();
  }

  absl::Status SetResponse(const CsvReader& csv, FileOrder& order) {
    if (columns_.optional[1]) {
      const std::string_view response = csv.cell(*columns_.optional[1]);
      constexpr std::array<std::string_view, 3> kWords = {"fixed", "quadratic", "logarithmic"};
      const auto* const word = std::find(kWords.begin(), kWords.end(), response);
      if (word != kWords.end()) {
        order.response = static_cast<engine::Response>(word - kWords.begin());
      } else if (!response.empty()) {
        return csv.Error(*columns_.optional[1], "expected fixed, quadratic or logarithmic");
      }
    }
    if (columns_.optional[2] && !csv.cell(*columns_.optional[2]).empty()) {
      const absl::StatusOr<std::int64_t> value = csv.Whole(*columns_.optional[2], 0, UINT32_MAX);
      if (!value.ok()) return value.status();
      order.response_param = static_cast<std::uint32_t>(*value);
    }
    return absl::OkStatus();
  }

  Columns columns_;
  OrdersFile file_;
  absl::flat_hash_map<std::string, std::size_t> lines_;  // By order_id.
  absl::flat_hash_map<std::string, std::uint32_t> accounts_;
  absl::flat_hash_map<std::string, std::uint32_t> parties_;
};

}  // namespace

absl::StatusOr<OrdersFile> ReadOrdersFile(const std::string& path) {
  absl::StatusOr<CsvReader> csv = CsvReader::Open(path);
  if (!csv.ok()) return csv.status();
  const absl::StatusOr<Columns> columns = FindColumns(path, *csv);
  if (!columns.ok()) return columns.status();
  OrdersReader reader(*columns);
  for (;;) {
    const absl::StatusOr<bool> row = csv->NextRow();
    if (!row.ok()) return row.status();
    if (!*row) return reader.Take();
    if (absl::Status status = reader.Add(*csv); !status.ok()) return status;
  }
}

}  // namespace tools
