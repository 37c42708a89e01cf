// The keys of a [[market]] that are whole numbers, and which of them go together.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "engine/core/market_definition.h"
#include "gateway/toml_file.h"

namespace gateway {

struct MarketNumber {
  std::string_view key;
  std::int64_t (*get)(const engine::MarketDefinition&);
  void (*set)(engine::MarketDefinition&, std::int64_t);
  IntegerRange range;
  std::string_view meaning;
};

// In the order in which files have them.
std::span<const MarketNumber> MarketNumbers();
// nullptr where no number has this key.
const MarketNumber* FindMarketNumber(std::string_view key);

// What no single number can tell, such as feed_in_ticks <= retail_ticks.
// Requires: each number of the market is within its range; `table` is what it was read from.
// Ensures: an error names the line of the key at fault, its value, and what the others are.
absl::Status CheckMarketNumbers(const engine::MarketDefinition& market, const TomlTable& table,
                                const std::string& file);

}  // namespace gateway
