// `peerwatt clear`: one round of a CSV of orders, offline, through the code of the daemon.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/command.h"
#include "engine/core/market_definition.h"
#include "engine/core/reason.h"
#include "tools/peerwatt/orders_file.h"

namespace tools {

struct ClearedFill {
  std::uint32_t order = 0;  // Index in OrdersFile::orders.
  std::uint32_t energy_wh = 0;
  std::int64_t amount_units = 0;
  std::int32_t price_ticks = 0;  // The amount over the energy, rounded down.
};
struct ClearedTrade {
  std::uint32_t buy_order = 0;
  std::uint32_t sell_order = 0;
  std::uint64_t energy_wh = 0;
  std::int32_t price_ticks = 0;  // Rounded down: its own with pay_as_bid; else what its
                                 // buyer pays, and with reverse what its seller gets.
};
struct RefusedOrder {
  std::uint32_t order = 0;
  engine::Reason reason{};
};

// With what the round drew: clearing/lottery.h.
struct DrawnLottery {
  engine::LotteryBytes secret{};
  engine::LotteryBytes seed{};
};

struct ClearedRound {
  engine::RuleParameters rule;
  bool traded = false;
  engine::Reason no_trade{};  // Why not, where it is not that nothing crosses.
  std::int32_t buy_price_ticks = 0;
  std::int32_t sell_price_ticks = 0;
  std::int64_t operator_balance_units = 0;  // What buyers pay less what sellers get.
  std::uint64_t energy_wh = 0;
  std::vector<ClearedFill> fills;       // By order; only orders that got energy.
  std::vector<ClearedTrade> trades;     // In priority order.
  std::vector<RefusedOrder> refused;    // By order; also those that a newer one displaced.
  std::optional<DrawnLottery> lottery;  // Where the rule has one.
};

// The market that the round is of. With both tariffs zero there are none.
struct ClearSetup {
  engine::RuleParameters rule;
  std::int32_t feed_in_ticks = 0;
  std::int32_t retail_ticks = 0;
  std::optional<engine::LotteryBytes> secret{};  // Of the lottery; else a 1.
};

absl::StatusOr<ClearedRound> ClearOrders(const OrdersFile& file, const ClearSetup& setup);

void PrintJson(const OrdersFile& file, const ClearedRound& round, std::ostream& out);
// The fills alone: order_id,energy_wh,price_ticks,amount_units.
void PrintCsv(const OrdersFile& file, const ClearedRound& round, std::ostream& out);

}  // namespace tools
