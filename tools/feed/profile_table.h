// One CSV file of measured profiles, in memory: a column a home, an interval a row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/feed/profile_import.h"

namespace tools {

struct ProfileTable {
  std::int64_t start_minute = 0;  // Of the first interval; minutes since 1970-01-01T00:00Z.
  std::int64_t interval_minutes = 0;
  std::vector<std::string> homes;  // Column names.
  // Energy of each interval and home, interval by interval, in microwatt-minutes: a kWh is
  // 60,000,000,000, and neither a kW over some minutes nor a kWh is rounded.
  std::vector<std::int64_t> energy;

  std::size_t intervals() const { return energy.size() / homes.size(); }
};

// Reads `path`; where `column` is not empty it is the only home.
// Ensures: at least one home and two intervals; no energy below zero; a home's sum fits.
absl::StatusOr<ProfileTable> ReadProfileTable(const std::string& path, const std::string& column,
                                              const ProfileImportOptions& options);

// A home's energy in each of `slots` slots from `start_minute` on, in whole watt-hours.
// Requires: the slots lie within the table; home < homes.size().
std::vector<std::int64_t> SlotEnergy(const ProfileTable& table, std::size_t home,
                                     const LoadSpan& span);

}  // namespace tools
