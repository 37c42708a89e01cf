// The recorded energy bids of Australia's National Electricity Market, as one market of all regions
// without networks between them.
//
// Each dispatch interval is a slot. A unit's bands, best price first (asks from the cheapest, bids
// of scheduled loads from the dearest), are cut off where they exceed the unit's AVAILABILITY in
// the dispatch file. Each region's demand is one bid at the band's upper end. Prices become whole
// ticks (1 tick = 1 AUD/MWh): bids rounded down, asks up, below zero kept so. Energy becomes whole
// watt-hours, rounded down. Everything rounded, cut or left out is counted and told.
//
// An order enters when it was offered, but not before its product opens nor after its gate. Each
// unit and each region has an account, a party and a credential of its own, in order of first
// appearance; a region's demand enters demand_lead_s before the gate.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "tools/feed/feed_file.h"

namespace tools {

enum class IntervalStamp : std::uint8_t { kStart, kEnd };

struct NemImportOptions {
  // Columns round, interval_end, offer_time, duid, side (S or B), band, price_aud_mwh, mw.
  std::string bids_csv;
  std::string dispatch_csv;  // Columns round, DUID, AVAILABILITY.
  std::string demand_csv;    // Columns round, interval_end, region, total_demand_mw.
  IntervalStamp stamp = IntervalStamp::kEnd;  // What `interval_end` says of its interval.
  std::string zone = "Australia/Brisbane";    // NEM time: UTC+10 all year.
  std::uint32_t interval_minutes = 5;
  std::int32_t floor_ticks = -1'100;  // The band; bids outside it are left out. Loss factors take
  std::int32_t cap_ticks = 16'000;    // offers past the market's own -1,000 and 15,100.
  std::uint32_t open_before_s = 3'600;
  std::uint32_t gate_before_s = 30;
  std::uint32_t demand_lead_s = 30;
};

// Writes the definitions and all orders into `feed` and leaves it unfinished.
// Ensures: an error names file, line and column. Memory: all bids.
absl::Status ImportNem(const NemImportOptions& options, FeedWriter& feed, std::ostream& report);

}  // namespace tools
