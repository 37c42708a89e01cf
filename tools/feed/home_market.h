// The markets that feeds define: the exchange's own defaults under a name, a zone and two tariffs.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/market_definition.h"
#include "tools/feed/net_load.h"

namespace tools {

struct MarketTerms {
  std::string name;              // At most 32 bytes.
  std::string zone = "Etc/UTC";  // IANA, at most 32 bytes.
  std::string currency = "EUR";  // ISO 4217.
  std::int32_t retail_ticks = 320;
  std::int32_t feed_in_ticks = 80;
};

// Puts the terms into `market`. Ensures: an error where one does not fit.
absl::Status SetTerms(const MarketTerms& terms, engine::MarketDefinition& market);

// Market 1, where the homes of `span` trade; its band ends at zero, or at the feed-in tariff where
// that is below, and at 1,000 ticks, or twice the retail tariff where that is above.
absl::StatusOr<engine::MarketDefinition> HomeMarket(const LoadSpan& span, const MarketTerms& terms);

}  // namespace tools
