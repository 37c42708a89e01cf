#include "tools/feed/profile_import.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/feed/home_market.h"
#include "tools/feed/profile_table.h"

namespace tools {
namespace {

// The days asked for, in whole slots within the table.
absl::StatusOr<LoadSpan> SpanOf(const ProfileTable& table, const ProfileImportOptions& options) {
  const std::int64_t slot = options.slot_minutes;
  if (slot != 5 && slot != 15 && slot != 30 && slot != 60) {
    return absl::InvalidArgumentError("a slot has 5, 15, 30 or 60 minutes");
  }
  const std::int64_t end =
      table.start_minute + static_cast<std::int64_t>(table.intervals()) * table.interval_minutes;
  const std::int64_t start = table.start_minute + std::int64_t{options.skip_days} * 1'440;
  const std::int64_t most = (end - start) / slot;
  const std::int64_t asked = options.days == 0 ? most : std::int64_t{options.days} * 1'440 / slot;
  if (start < 1'440 || end > UINT32_MAX || asked > most || most <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.load_csv, ": has ", (end - table.start_minute) / 1'440,
                     " days from minute ", table.start_minute, " of UTC; ", options.days,
                     " were asked for after ", options.skip_days));
  }
  return LoadSpan{.start_minute = static_cast<std::uint32_t>(start),
                  .slot_minutes = options.slot_minutes,
                  .slots = static_cast<std::size_t>(asked),
                  .homes = table.homes.size()};
}

// The PV column of each home of `load`, by name; none where it has no PV.
absl::StatusOr<std::vector<std::optional<std::size_t>>> MatchHomes(const ProfileTable& load,
                                                                   const ProfileTable& pv) {
  std::vector<std::optional<std::size_t>> matched(load.homes.size());
  if (load.homes.size() == 1 && pv.homes.size() == 1) {
    matched[0] = 0;
    return matched;
  }
  for (std::size_t column = 0; column < pv.homes.size(); ++column) {
    const auto home = std::ranges::find(load.homes, pv.homes[column]);
    if (home == load.homes.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the PV of '", pv.homes[column], "' is no home's: no such load column"));
    }
    matched[static_cast<std::size_t>(home - load.homes.begin())] = column;
  }
  return matched;
}

absl::Status AddPv(const ProfileTable& load, const ProfileImportOptions& options,
                   MeasuredLoad& measured) {
  const auto pv = ReadProfileTable(options.pv_csv, options.pv_column, options);
  if (!pv.ok()) return pv.status();
  if (pv->start_minute != load.start_minute || pv->interval_minutes != load.interval_minutes ||
      pv->intervals() != load.intervals()) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.pv_csv, ": has other times than ", options.load_csv));
  }
  const auto matched = MatchHomes(load, *pv);
  if (!matched.ok()) return matched.status();
  for (std::size_t home = 0; home < matched->size(); ++home) {
    if (!(*matched)[home]) continue;
    const auto slots = SlotEnergy(*pv, *(*matched)[home], measured.span());
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      measured.SetPv(slot, home, static_cast<std::uint32_t>(slots[slot]));
    }
  }
  return absl::OkStatus();
}

}  // namespace

MeasuredLoad::MeasuredLoad(const LoadSpan& span)
    : span_(span), load_wh_(span.slots * span.homes), pv_wh_(span.slots * span.homes) {}

absl::StatusOr<std::unique_ptr<const MeasuredLoad>> ReadProfiles(
    const ProfileImportOptions& options) {
  const auto load = ReadProfileTable(options.load_csv, options.load_column, options);
  if (!load.ok()) return load.status();
  const auto span = SpanOf(*load, options);
  if (!span.ok()) return span.status();
  auto measured = std::make_unique<MeasuredLoad>(*span);
  for (std::size_t home = 0; home < span->homes; ++home) {
    const auto slots = SlotEnergy(*load, home, *span);
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      measured->SetLoad(slot, home, static_cast<std::uint32_t>(slots[slot]));
    }
  }
  if (!options.pv_csv.empty()) {
    if (auto s = AddPv(*load, options, *measured); !s.ok()) return s;
  }
  return measured;
}

absl::Status ImportProfiles(const ProfileImportOptions& options, FeedWriter& feed,
                            std::ostream& report) {
  const auto measured = ReadProfiles(options);
  if (!measured.ok()) return measured.status();
  const LoadSpan span = (*measured)->span();
  const auto market = HomeMarket(span, {.name = "homes",
                                        .zone = options.zone,
                                        .retail_ticks = options.retail_ticks,
                                        .feed_in_ticks = options.feed_in_ticks});
  if (!market.ok()) return market.status();
  if (auto s = WriteHomeOrders(**measured, *market, options.policy, feed); !s.ok()) return s;
  std::int64_t load_wh = 0;
  std::int64_t pv_wh = 0;
  for (std::size_t slot = 0; slot < span.slots; ++slot) {
    for (std::size_t home = 0; home < span.homes; ++home) {
      load_wh += (*measured)->load_wh(slot, home);
      pv_wh += (*measured)->pv_wh(slot, home);
    }
  }
  report << span.homes << " homes, " << span.slots << " slots of " << span.slot_minutes
         << " minutes: load " << load_wh << " Wh, PV " << pv_wh << " Wh\n";
  return absl::OkStatus();
}

}  // namespace tools
