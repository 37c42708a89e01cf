// A CSV of orders for one round, as `peerwatt clear` takes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/core/command.h"
#include "engine/core/reason.h"

namespace tools {

struct FileOrder {
  std::string order_id;
  std::uint32_t account = 0;  // Indices in OrdersFile.
  engine::Side side{};
  engine::Response response{};
  std::uint32_t response_param = 0;
  std::int64_t price_ticks = 0;
  std::int64_t energy_wh = 0;
};

struct OrdersFile {
  std::vector<FileOrder> orders;        // In file order: the order of arrival.
  std::vector<std::uint32_t> party_of;  // By account.
  std::int64_t lowest_ticks = 0;        // Of all orders.
  std::int64_t highest_ticks = 0;
};

// Columns order_id, account, side (buy or sell), price_ticks, energy_wh and, where wanted, party
// (the account by default), response (fixed by default), response_param. An order_id comes once.
// Ensures: an error names file, line and column; prices span at most 65,536 ticks.
absl::StatusOr<OrdersFile> ReadOrdersFile(const std::string& path);

}  // namespace tools
