// A round of a text of orders, as `peerwatt clear` prints it.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "nlohmann/json.hpp"
#include "tools/peerwatt/clear.h"
#include "tools/peerwatt/rule_option.h"

namespace tools {

inline constexpr char kHeader[] = "order_id,account,side,price_ticks,energy_wh\n";

inline std::string WriteCsv(const std::string& text) {
  const std::string path = testing::TempDir() + "orders-" + std::to_string(::getpid()) + ".csv";
  std::ofstream(path, std::ios::trunc) << text;
  return path;
}

inline absl::StatusOr<nlohmann::json> ClearText(const std::string& csv,
                                                const std::vector<std::string>& parameters = {},
                                                const std::string& name = "uniform",
                                                ClearSetup setup = {}) {
  const absl::StatusOr<OrdersFile> file = ReadOrdersFile(WriteCsv(csv));
  if (!file.ok()) return file.status();
  const absl::StatusOr<engine::RuleParameters> rule = ParseRule(name, parameters);
  if (!rule.ok()) return rule.status();
  setup.rule = *rule;
  const absl::StatusOr<ClearedRound> round = ClearOrders(*file, setup);
  if (!round.ok()) return round.status();
  std::ostringstream out;
  PrintJson(*file, *round, out);
  return nlohmann::json::parse(out.str());
}

}  // namespace tools
