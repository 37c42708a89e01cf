// Measured load and PV of homes, from CSV files, as net loads and orders.
//
// A file has a column of times and a column a home. Times are either row numbers of equal intervals
// (`0,1,2,...`) or local times `2011-07-01 00:30:00` without daylight saving, each one interval
// after the one before. A home's PV stands under the same column name in the PV file; one without
// has no PV; where both files have just one column, they are the same home's.
//
// Energy is added up and divided without loss: a home's energy from the first interval to the end
// of each slot is rounded down to whole watt-hours, and the slot has the difference to the slot
// before. What a slot loses to rounding is carried into the next; a total loses less than one
// watt-hour.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/feed/bidding_policy.h"
#include "tools/feed/feed_file.h"
#include "tools/feed/net_load.h"

namespace tools {

enum class ProfileUnit : std::uint8_t {
  kKwh,
  kKw
};  // A cell: energy of, or mean power in, its interval.
enum class ProfileStamp : std::uint8_t { kStart, kEnd };  // What a time says of its interval.

struct ProfileImportOptions {
  std::string load_csv;
  std::string pv_csv;       // Empty: no PV. May be the same file.
  std::string load_column;  // Empty: all but the first are homes.
  std::string pv_column;
  ProfileUnit unit = ProfileUnit::kKwh;
  ProfileStamp stamp = ProfileStamp::kStart;
  std::string zone = "Etc/UTC";          // IANA; of the first interval.
  std::string first_day = "2026-01-01";  // When row number 0 begins. Not used with local times.
  std::uint32_t interval_minutes = 60;   // With row numbers.
  std::uint32_t skip_days = 0;           // Left out at the beginning.
  std::uint32_t days = 0;                // 0: all that follow.
  std::uint32_t slot_minutes = 15;
  std::int32_t retail_ticks = 320;
  std::int32_t feed_in_ticks = 80;
  BiddingPolicy policy;
};

// Whole watt-hours a slot and home, side by side.
class MeasuredLoad : public NetLoad {
 public:
  explicit MeasuredLoad(const LoadSpan& span);

  LoadSpan span() const override { return span_; }
  std::int64_t NetWh(std::size_t slot, std::size_t home) const override {
    return load_wh(slot, home) - pv_wh(slot, home);
  }

  std::int64_t load_wh(std::size_t slot, std::size_t home) const {
    return load_wh_[At(slot, home)];
  }
  std::int64_t pv_wh(std::size_t slot, std::size_t home) const { return pv_wh_[At(slot, home)]; }
  void SetLoad(std::size_t slot, std::size_t home, std::uint32_t wh) {
    load_wh_[At(slot, home)] = wh;
  }
  void SetPv(std::size_t slot, std::size_t home, std::uint32_t wh) { pv_wh_[At(slot, home)] = wh; }

 private:
  std::size_t At(std::size_t slot, std::size_t home) const { return slot * span_.homes + home; }

  LoadSpan span_;
  std::vector<std::uint32_t> load_wh_;
  std::vector<std::uint32_t> pv_wh_;
};

// The net loads alone. Ensures: an error names the file, line and column.
absl::StatusOr<std::unique_ptr<const MeasuredLoad>> ReadProfiles(
    const ProfileImportOptions& options);

// Writes the homes' orders into `feed`, leaves it unfinished, and tells `report` the totals.
absl::Status ImportProfiles(const ProfileImportOptions& options, FeedWriter& feed,
                            std::ostream& report);

}  // namespace tools
