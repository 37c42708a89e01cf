#include "tools/feed/city.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/feed_files.h"
#include "tests/support/feed_replay.h"

namespace tools {
namespace {

using engine::CommandType;
using testing::HasSubstr;

constexpr std::int64_t kNsPerMinute = 60'000'000'000;

CityOptions SmallCity() {
  CityOptions options;
  options.homes = 40;
  return options;
}

std::string CityFeed(const CityOptions& options, const std::string& name = "city.pwfeed") {
  return MakeFeed(name, FeedSource::kCity,
                  [&](FeedWriter& feed) { return GenerateCity(options, feed); });
}

std::int64_t TotalWh(const NetLoad& city, std::size_t first_slot, std::size_t end_slot) {
  std::int64_t total = 0;
  for (std::size_t slot = first_slot; slot < end_slot; ++slot) {
    for (std::size_t home = 0; home < city.span().homes; ++home) total += city.NetWh(slot, home);
  }
  return total;
}

TEST(City, RepeatsFromItsSeed) {
  CityOptions options = SmallCity();
  const std::string first = ReadBytes(CityFeed(options, "first.pwfeed"));
  EXPECT_EQ(first, ReadBytes(CityFeed(options, "again.pwfeed")));
  options.policy.seed = 2;
  EXPECT_NE(first, ReadBytes(CityFeed(options, "other.pwfeed")));
}

TEST(City, IsTheSameOnEveryMachine) {
  const auto city = MakeCity(SmallCity());
  ASSERT_TRUE(city.ok());
  EXPECT_EQ((*city)->NetWh(0, 0), 73);
  EXPECT_EQ(TotalWh(**city, 0, 96), -65'057);
}

TEST(City, HasALocalDayOfSlots) {
  const std::map<std::string, std::size_t> slots{
      {"2026-06-15", 96}, {"2026-03-29", 92}, {"2026-10-25", 100}};
  for (const auto& [day, count] : slots) {
    CityOptions options = SmallCity();
    options.first_day = day;
    const auto city = MakeCity(options);
    ASSERT_TRUE(city.ok());
    EXPECT_EQ((*city)->span().slots, count) << day;
  }
}

TEST(City, NeedsMostOnWinterEveningsAndHasEnergyOverOnSummerNoons) {
  CityOptions options = SmallCity();
  options.homes = 400;
  options.days = 7;
  const auto summer = MakeCity(options);
  options.first_day = "2026-01-12";
  const auto winter = MakeCity(options);
  ASSERT_TRUE(summer.ok() && winter.ok());
  for (std::size_t midnight = 0; midnight < std::size_t{7} * 96; midnight += 96) {
    const std::int64_t night = TotalWh(**winter, midnight + 8, midnight + 16);
    EXPECT_GT(TotalWh(**winter, midnight + 76, midnight + 84), 3 * night) << midnight;
    EXPECT_LT(TotalWh(**summer, midnight + 48, midnight + 56), night) << midnight;
  }
  EXPECT_LT(TotalWh(**summer, 0, std::size_t{7} * 96), TotalWh(**winter, 0, std::size_t{7} * 96));
}

TEST(City, WithoutPvOnlyBuys) {
  CityOptions options = SmallCity();
  options.pv_share_percent = 0;
  for (const FedOrder& fed : OrdersOf(CityFeed(options))) {
    ASSERT_EQ(fed.order.side, engine::Side::kBuy);
  }
}

TEST(City, BidsNeverWorseThanTheGrid) {
  const CityOptions options = SmallCity();
  std::set<engine::Side> sides;
  for (const FedOrder& fed : OrdersOf(CityFeed(options))) {
    ASSERT_GE(fed.order.limit_ticks, options.feed_in_ticks);
    ASSERT_LE(fed.order.limit_ticks, options.retail_ticks);
    sides.insert(fed.order.side);
  }
  EXPECT_EQ(sides.size(), 2u);
}

TEST(City, SendsEachOrderBeforeItsGateAndManyLate) {
  std::size_t orders = 0;
  std::size_t late = 0;
  for (const FedOrder& fed : OrdersOf(CityFeed(SmallCity()))) {
    const std::int64_t gate =
        std::int64_t{fed.order.product.start_minute} * kNsPerMinute - 300 * (kNsPerMinute / 60);
    const std::int64_t lead = gate - fed.time_ns;
    ASSERT_GE(lead, 30 * (kNsPerMinute / 60));
    ASSERT_LE(lead, 60 * kNsPerMinute);
    if (fed.type != CommandType::kSubmitOrders) continue;
    ++orders;
    if (lead < 12 * kNsPerMinute) ++late;
  }
  EXPECT_GT(orders, 3'000u);
  EXPECT_NEAR(static_cast<double>(late) / static_cast<double>(orders), 0.5, 0.04);
}

TEST(City, SendsNearlyAllInTheLastSecondsOfAnEveningOfBursts) {
  CityOptions options = SmallCity();
  options.policy.burst_permille = 900;
  options.policy.burst_s = 5;
  options.policy.last_lead_s = 1;
  std::size_t orders = 0;
  std::size_t last = 0;
  for (const FedOrder& fed : OrdersOf(CityFeed(options))) {
    const std::int64_t gate =
        std::int64_t{fed.order.product.start_minute} * kNsPerMinute - 300 * (kNsPerMinute / 60);
    const std::int64_t lead = gate - fed.time_ns;
    ASSERT_GE(lead, kNsPerMinute / 60);
    if (fed.type != CommandType::kSubmitOrders) continue;
    ++orders;
    if (lead <= 6 * (kNsPerMinute / 60)) ++last;
  }
  // Of those that do not wait, three in a hundred come so late too.
  EXPECT_NEAR(static_cast<double>(last) / static_cast<double>(orders), 0.9, 0.02);
}

TEST(City, OrdersWhatItsHomesNeedAfterTheirCorrections) {
  const CityOptions options = SmallCity();
  const auto city = MakeCity(options);
  ASSERT_TRUE(city.ok());
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::int64_t> last;  // By slot and account.
  std::size_t corrections = 0;
  for (const FedOrder& fed : OrdersOf(CityFeed(options))) {
    const std::int64_t sign = fed.order.side == engine::Side::kBuy ? 1 : -1;
    const auto home = static_cast<std::uint64_t>(fed.order.account);
    const bool fresh = !last.contains({fed.order.product.start_minute, home});
    EXPECT_EQ(fresh, fed.type == CommandType::kSubmitOrders);
    if (!fresh) ++corrections;
    last[{fed.order.product.start_minute, home}] = sign * std::int64_t{fed.order.energy_wh};
  }
  const LoadSpan span = (*city)->span();
  for (std::size_t slot = 0; slot < span.slots; ++slot) {
    const std::uint32_t minute = span.start_minute + static_cast<std::uint32_t>(slot) * 15;
    for (std::size_t home = 0; home < span.homes; ++home) {
      const auto ordered = last.find({minute, home + 1});
      ASSERT_EQ((*city)->NetWh(slot, home), ordered == last.end() ? 0 : ordered->second);
    }
  }
  EXPECT_NEAR(static_cast<double>(corrections), 384, 80);
}

TEST(City, IsTakenWholeByAnExchangeAndTradesInside) {
  const std::string feed = CityFeed(SmallCity());
  FeedReplay replay(feed);
  EXPECT_TRUE(replay.refused.empty());
  EXPECT_EQ(replay.exchange.open_orders(), 0u);
  EXPECT_GT(replay.traded_wh, 10'000u);
  FeedReplay again(feed);
  EXPECT_EQ(replay.exchange.StateDigest(), again.exchange.StateDigest());
}

TEST(City, PricesFallWhereMuchIsOffered) {
  CityOptions options = SmallCity();
  options.homes = 100;
  FeedReplay replay(CityFeed(options));
  const auto city = MakeCity(options);
  ASSERT_TRUE(city.ok());
  const std::uint32_t midnight = (*city)->span().start_minute;
  ASSERT_TRUE(replay.prices.contains(midnight + 13 * 60) &&
              replay.prices.contains(midnight + 18 * 60 + 30));
  EXPECT_LT(replay.prices[midnight + 13 * 60], replay.prices[midnight + 18 * 60 + 30]);
}

TEST(City, GivesAnAggregatorItsHomesInOneFrame) {
  CityOptions options = SmallCity();
  options.policy.homes_per_credential = 16;
  const std::string path = CityFeed(options);
  const auto credentials =
      DefinitionsOf<engine::CredentialBody>(path, CommandType::kDefineCredential);
  ASSERT_EQ(credentials.size(), 3u);
  EXPECT_EQ(credentials[0].kind, engine::CredentialKind::kAggregator);
  for (const FedOrder& fed : OrdersOf(path)) {
    ASSERT_EQ(static_cast<std::uint64_t>(fed.credential),
              (static_cast<std::uint64_t>(fed.order.account) - 1) / 16 + 1);
  }
  FeedReplay replay(path);
  EXPECT_TRUE(replay.refused.empty());
}

TEST(City, SplitsAnAggregatorOfThousandsIntoFrames) {
  CityOptions options = SmallCity();
  options.homes = 2'500;
  options.slot_minutes = 60;
  options.policy.homes_per_credential = 10'000;
  FeedReplay replay(CityFeed(options));
  EXPECT_TRUE(replay.refused.empty());
  EXPECT_EQ(replay.rounds, 24u);
}

TEST(City, RefusesWhatCannotBe) {
  const auto why_not = [](auto change) {
    CityOptions options = SmallCity();
    change(options);
    auto feed = FeedWriter::Create(TestPath("bad.pwfeed"), FeedSource::kCity, 1);
    EXPECT_TRUE(feed.ok());
    return std::string(GenerateCity(options, *feed).message());
  };
  EXPECT_THAT(why_not([](auto& o) { o.zone = "Europe/Atlantis"; }), HasSubstr("time zone"));
  EXPECT_THAT(why_not([](auto& o) { o.first_day = "today"; }), HasSubstr("no day"));
  EXPECT_THAT(why_not([](auto& o) { o.slot_minutes = 7; }), HasSubstr("5, 15, 30 or 60"));
  EXPECT_THAT(why_not([](auto& o) { o.homes = 0; }), HasSubstr("no home"));
  EXPECT_THAT(why_not([](auto& o) { o.feed_in_ticks = 500; }), HasSubstr("no band"));
  EXPECT_THAT(why_not([](auto& o) { o.policy.home_shade_permille = 900; }), HasSubstr("shades"));
  EXPECT_THAT(why_not([](auto& o) {
                o.zone = "Asia/Kathmandu";
                o.slot_minutes = 60;
              }),
              HasSubstr("shorter slots"));
}

}  // namespace
}  // namespace tools
