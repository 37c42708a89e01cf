#include "tools/feed/home_market.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/core/limits.h"

namespace tools {

absl::Status SetTerms(const MarketTerms& terms, engine::MarketDefinition& market) {
  if (terms.name.size() > market.name.size() || terms.zone.size() > market.time_zone.size() ||
      terms.currency.size() != market.currency.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a market's name '", terms.name, "' and zone '", terms.zone,
                     "' have at most 32 bytes, its currency '", terms.currency, "' three letters"));
  }
  std::memcpy(market.name.data(), terms.name.data(), terms.name.size());
  std::memcpy(market.time_zone.data(), terms.zone.data(), terms.zone.size());
  std::memcpy(market.currency.data(), terms.currency.data(), terms.currency.size());
  market.retail_ticks = terms.retail_ticks;
  market.feed_in_ticks = terms.feed_in_ticks;
  return absl::OkStatus();
}

absl::StatusOr<engine::MarketDefinition> HomeMarket(const LoadSpan& span,
                                                    const MarketTerms& terms) {
  engine::MarketDefinition market;
  market.id = engine::MarketId(1);
  market.slot_minutes = span.slot_minutes;
  const std::int64_t low = std::min<std::int64_t>(0, terms.feed_in_ticks);
  const std::int64_t high = std::max<std::int64_t>(999, std::int64_t{terms.retail_ticks} * 2);
  if (terms.feed_in_ticks > terms.retail_ticks || high - low >= engine::kBandLevelsMax) {
    return absl::InvalidArgumentError(absl::StrCat("a feed-in tariff of ", terms.feed_in_ticks,
                                                   " and a retail tariff of ", terms.retail_ticks,
                                                   " ticks make no band"));
  }
  market.band_low_ticks = static_cast<std::int32_t>(low);
  market.band_levels = static_cast<std::uint32_t>(high - low + 1);
  market.book_orders_max = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(span.homes * 3, 1'000, engine::kBookOrdersMax));
  if (span.start_minute % span.slot_minutes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("slots of ", span.slot_minutes, " minutes do not begin at minute ",
                     span.start_minute, " of UTC: take shorter slots or another zone"));
  }
  if (auto s = SetTerms(terms, market); !s.ok()) return s;
  return market;
}

}  // namespace tools
