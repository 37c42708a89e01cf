// `peerwatt settle`: what each account owes by its meter, period by period.
#pragma once

#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/settlement/mid_market_rate.h"
#include "engine/settlement/settlement.h"
#include "tools/peerwatt/readings_file.h"

namespace tools {

struct SettleSetup {
  std::string_view rule;  // Of SettlementRuleNames().
  engine::MidMarketForm form = engine::MidMarketForm::kNet;
  bool slot_by_slot = true;  // Each slot is a period of its own; else the whole file is one.
  engine::GridTariffs tariffs{};
};

struct SettledPeriod {
  std::int64_t first_start_s = 0;  // Of its slots.
  std::int64_t last_start_s = 0;
  std::uint64_t slots = 0;
  engine::Settlement settlement{};
};

std::string SettlementRuleNames();  // "mid_market_rate, ...", for help and errors.
std::string SettlementParametersHelp();

// `parameters` are texts such as "form=printed". Tariffs are not looked at.
absl::StatusOr<SettleSetup> ParseSettle(std::string_view rule,
                                        std::span<const std::string> parameters);

// Ensures: periods by time; what all of them add up to fits 63 bits, or it is an error.
absl::StatusOr<std::vector<SettledPeriod>> SettleReadings(const ReadingsFile& file,
                                                          const SettleSetup& setup);

void PrintSettlementJson(const ReadingsFile& file, const SettleSetup& setup,
                         const std::vector<SettledPeriod>& periods, std::ostream& out);
// The postings: start_utc,account,amount_units,bought_wh,sold_wh,from_grid_wh,to_grid_wh; then,
// with `total` for a time, one row for each account and one, with no account, for all of them.
void PrintSettlementCsv(const ReadingsFile& file, const std::vector<SettledPeriod>& periods,
                        std::ostream& out);

}  // namespace tools
