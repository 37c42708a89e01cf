#include "tools/feed/city.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "tools/feed/home_market.h"
#include "tools/feed/seeded_draw.h"

namespace tools {
namespace {

// Parts of a thousand of a day's load in each hour, at the hour's beginning.
constexpr std::array<std::int64_t, 24> kLoadShape{22, 19, 17, 17, 18, 24, 40, 56, 52, 44, 40, 40,
                                                  42, 40, 38, 38, 42, 52, 66, 74, 70, 60, 51, 38};
constexpr std::int64_t ShapeSum() {
  std::int64_t sum = 0;
  for (const std::int64_t part : kLoadShape) sum += part;
  return sum;
}
static_assert(ShapeSum() == 1'000);

struct Daylight {
  std::int64_t sunrise = 0;  // Minutes of the local day, without daylight saving.
  std::int64_t sunset = 0;
  std::int64_t top_permille = 0;  // Of the peak power, at noon, under a clear sky.
};
constexpr std::array<Daylight, 12> kDaylight{{{500, 990, 300},
                                              {450, 1045, 430},
                                              {390, 1095, 580},
                                              {325, 1145, 690},
                                              {270, 1190, 750},
                                              {245, 1220, 770},
                                              {260, 1210, 760},
                                              {305, 1165, 720},
                                              {350, 1100, 630},
                                              {395, 1035, 490},
                                              {445, 985, 330},
                                              {490, 970, 250}}};
constexpr std::array<std::int64_t, 3> kSkyPermille{1'000, 600, 250};

struct LocalTime {
  std::int64_t minute_of_day = 0;
  std::int64_t solar_minute = 0;  // The same without daylight saving.
  std::size_t month = 0;          // From 0.
};

class City : public NetLoad {
 public:
  City(const CityOptions& options, const LoadSpan& span, const absl::TimeZone& zone)
      : seed_(options.policy.seed), pv_share_percent_(options.pv_share_percent), span_(span) {
    local_.reserve(span.slots);
    for (std::size_t slot = 0; slot < span.slots; ++slot) local_.push_back(Local(slot, zone));
    std::size_t sky = 0;
    for (std::size_t hour = 0; hour <= span.slots * span.slot_minutes / 60; ++hour) {
      const std::uint64_t draw = Draw(seed_, DrawFor::kCloud, hour);
      if (hour == 0 || Between(draw, 0, 3) == 0) {
        sky = static_cast<std::size_t>(Between(Mix(draw), 0, 2));
      }
      sky_permille_.push_back(kSkyPermille[sky]);
    }
  }

  LoadSpan span() const override { return span_; }

  std::int64_t NetWh(std::size_t slot, std::size_t home) const override {
    return LoadWh(slot, home) - PvWh(slot, home);
  }

 private:
  LocalTime Local(std::size_t slot, const absl::TimeZone& zone) const {
    const std::int64_t second =
        (span_.start_minute + static_cast<std::int64_t>(slot) * span_.slot_minutes) *
        std::int64_t{60};
    const absl::TimeZone::CivilInfo at = zone.At(absl::FromUnixSeconds(second));
    const std::int64_t minute = std::int64_t{at.cs.hour()} * 60 + at.cs.minute();
    return {.minute_of_day = minute,
            .solar_minute = at.is_dst ? minute - 60 : minute,
            .month = static_cast<std::size_t>(at.cs.month() - 1)};
  }

  std::int64_t LoadWh(std::size_t slot, std::size_t home) const {
    const std::int64_t daily_wh = Between(Draw(seed_, DrawFor::kDailyLoad, home), 6'000, 16'000);
    const std::int64_t noise = Between(Draw(seed_, DrawFor::kLoadNoise, home, slot), 500, 1'500);
    const auto hour = static_cast<std::size_t>(local_[slot].minute_of_day / 60);
    const std::int64_t into = local_[slot].minute_of_day % 60;
    const std::int64_t shape_60 =
        kLoadShape[hour] * (60 - into) + kLoadShape[(hour + 1) % 24] * into;
    return daily_wh * shape_60 * span_.slot_minutes * noise / 3'600 / 1'000'000;
  }

  std::int64_t PvWh(std::size_t slot, std::size_t home) const {
    if (Between(Draw(seed_, DrawFor::kHasPv, home), 0, 99) >= pv_share_percent_) return 0;
    const Daylight& day = kDaylight[local_[slot].month];
    const std::int64_t middle = local_[slot].solar_minute + span_.slot_minutes / 2;
    if (middle <= day.sunrise || middle >= day.sunset) return 0;
    const std::int64_t length = day.sunset - day.sunrise;
    const std::int64_t parabola_permille =
        std::int64_t{4'000} * (middle - day.sunrise) * (day.sunset - middle) / (length * length);
    const std::int64_t bell_permille = parabola_permille * parabola_permille / 1'000;
    const std::int64_t peak_w = Between(Draw(seed_, DrawFor::kPvSize, home), 3'000, 10'000);
    const std::int64_t sky = sky_permille_[slot * span_.slot_minutes / 60];
    const std::int64_t noise = Between(Draw(seed_, DrawFor::kPvNoise, home, slot), 850, 1'000);
    const std::int64_t power_w =
        peak_w * day.top_permille * bell_permille / 1'000'000 * sky * noise / 1'000'000;
    return power_w * span_.slot_minutes / 60;
  }

  const std::uint64_t seed_;
  const std::int64_t pv_share_percent_;
  const LoadSpan span_;
  std::vector<LocalTime> local_;            // By slot.
  std::vector<std::int64_t> sky_permille_;  // By hour from the first slot.
};

}  // namespace

absl::StatusOr<std::unique_ptr<const NetLoad>> MakeCity(const CityOptions& options) {
  absl::TimeZone zone;
  absl::CivilDay first;
  if (!absl::LoadTimeZone(options.zone, &zone)) {
    return absl::InvalidArgumentError(absl::StrCat("'", options.zone, "' is no known time zone"));
  }
  if (!absl::ParseCivilTime(options.first_day, &first)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options.first_day, "' is no day such as 2026-06-15"));
  }
  const std::uint32_t minutes = options.slot_minutes;
  if (minutes != 5 && minutes != 15 && minutes != 30 && minutes != 60) {
    return absl::InvalidArgumentError("a slot has 5, 15, 30 or 60 minutes");
  }
  if (options.homes == 0 || options.days == 0 || options.days > 3'660 ||
      options.pv_share_percent > 100) {
    return absl::InvalidArgumentError("no home, no day, over ten years, or over 100 % with PV");
  }
  const std::int64_t begin = absl::ToUnixSeconds(absl::FromCivil(first, zone));
  const std::int64_t end = absl::ToUnixSeconds(absl::FromCivil(first + options.days, zone));
  if (begin < 86'400 || end / 60 > UINT32_MAX) {
    return absl::InvalidArgumentError("the day lies before 1970-01-02 or too far ahead");
  }
  const LoadSpan span{
      .start_minute = static_cast<std::uint32_t>(begin / 60),
      .slot_minutes = minutes,
      .slots = static_cast<std::size_t>((end - begin) / (std::int64_t{60} * minutes)),
      .homes = options.homes};
  return std::make_unique<const City>(options, span, zone);
}

absl::Status GenerateCity(const CityOptions& options, FeedWriter& feed) {
  auto city = MakeCity(options);
  if (!city.ok()) return city.status();
  const auto market = HomeMarket((*city)->span(), {.name = "city",
                                                   .zone = options.zone,
                                                   .retail_ticks = options.retail_ticks,
                                                   .feed_in_ticks = options.feed_in_ticks});
  if (!market.ok()) return market.status();
  return WriteHomeOrders(**city, *market, options.policy, feed);
}

}  // namespace tools
