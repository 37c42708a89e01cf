// A city that never was, drawn from a seed, whose homes use and make energy as real ones do. All
// arithmetic is on integers, so a seed gives the same feed on every machine.
//
// Load of a home: a daily 6 to 16 kWh, uniform, spread over the local hours by a table with a
// morning peak at 7 and an evening peak at 19, straight lines between the hours, and each slot
// times a uniform 0.5 to 1.5.
//
// PV: `pv_share_percent` of the homes have 3 to 10 kWp, uniform. Output is the square of a parabola
// from sunrise to sunset; both, and its top, come from a table of months for 50 degrees north. It
// is dimmed by clouds over the whole city (clear 1.0, broken 0.6, overcast 0.25; each hour the sky
// stays as it is with probability 3/4, else it is drawn anew) and by 0.85 to 1.0, uniform, for each
// home and slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/feed/bidding_policy.h"
#include "tools/feed/feed_file.h"
#include "tools/feed/net_load.h"

namespace tools {

struct CityOptions {
  std::size_t homes = 500;
  std::string first_day = "2026-06-15";  // Local; slots begin at its midnight.
  std::uint32_t days = 1;                // Local: 23, 24 or 25 hours each.
  std::string zone = "Europe/Berlin";    // IANA.
  std::uint32_t slot_minutes = 15;
  std::uint32_t pv_share_percent = 30;
  std::int32_t retail_ticks = 320;  // 0.32 EUR/kWh.
  std::int32_t feed_in_ticks = 80;
  BiddingPolicy policy{.connection_limit_w = 43'000};  // Its seed is the whole city's.
};

// The net loads alone.
absl::StatusOr<std::unique_ptr<const NetLoad>> MakeCity(const CityOptions& options);

// Writes the city's days into `feed` and leaves it unfinished.
absl::Status GenerateCity(const CityOptions& options, FeedWriter& feed);

}  // namespace tools
