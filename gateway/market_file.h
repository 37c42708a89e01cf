// The markets file: TOML, one [[market]] a market.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/core/market_definition.h"

namespace gateway {

// Ensures: an error that names file, line, key and what is allowed. Keys left out have the default
// of MarketDefinition, the time zone UTC; `id` must be there. At least one market.
absl::StatusOr<std::vector<engine::MarketDefinition>> ParseMarkets(std::string_view text,
                                                                   const std::string& file);

// A file with one market that says in comments what every key is.
std::string DefaultMarketText();

// A [[market]] table that ParseMarkets makes the same market of. Requires: a possible market.
std::string MarketText(const engine::MarketDefinition& market);

}  // namespace gateway
