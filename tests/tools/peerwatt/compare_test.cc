// The same orders through several rules: by hand, and a drawn city whose sums must agree.
#include "tools/peerwatt/compare.h"

#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/product.h"
#include "tests/support/feed_files.h"
#include "tools/feed/city.h"
#include "tools/peerwatt/compare_svg.h"
#include "tools/peerwatt/offline_replay.h"

namespace tools {
namespace {

using engine::CommandType;
using testing::HasSubstr;

constexpr engine::ProductId kProduct{engine::MarketId{1}, 600};

engine::OrderBody Order(std::uint64_t account, std::uint64_t id, engine::Side side,
                        std::int32_t ticks, std::uint32_t energy_wh) {
  return {.account = engine::AccountId{account},
          .client_order_id = engine::ClientOrderId{id},
          .product = kProduct,
          .limit_ticks = ticks,
          .energy_wh = energy_wh,
          .side = side};
}

// Homes of one credential, from 1.
class HomesFeed {
 public:
  HomesFeed(FeedWriter& feed, std::uint32_t homes, engine::MarketDefinition market = {})
      : feed_(feed) {
    Take(feed.Define(CommandType::kGenesis, 1, engine::GenesisBody{.order_capacity = 1'000}));
    market.id = engine::MarketId{1};
    Take(feed.Define(CommandType::kDefineMarket, 1, market));
    for (std::uint32_t home = 1; home <= homes; ++home) {
      Take(feed.Define(CommandType::kDefineMeteringPoint, 1,
                       engine::MeteringPointBody{.id = engine::MeteringPointId{home}}));
    }
    Take(feed.Define(CommandType::kDefineCredential, 1,
                     engine::CredentialBody{.id = engine::CredentialId{1}}));
    for (std::uint32_t home = 1; home <= homes; ++home) {
      Take(feed.Define(CommandType::kDefineAccount, 1,
                       engine::AccountBody{.id = engine::AccountId{home},
                                           .party = engine::PartyId{home},
                                           .metering_point = engine::MeteringPointId{home},
                                           .market = engine::MarketId{1},
                                           .credential = engine::CredentialId{1}}));
    }
  }

  void WaitUntil(std::int64_t time_ns) { time_ns_ = time_ns; }
  template <typename Body>
  void Send(CommandType type, const std::vector<Body>& bodies) {
    Take(feed_.Append(type, ++time_ns_, engine::CredentialId{1}, std::span<const Body>(bodies)));
  }
  absl::Status status() const { return status_; }

 private:
  void Take(const absl::Status& status) { status_.Update(status); }

  FeedWriter& feed_;
  std::int64_t time_ns_ = 10;
  absl::Status status_;
};

// Of four, with a replaced and a cancelled order.
class SmallFeed : public HomesFeed {
 public:
  explicit SmallFeed(FeedWriter& feed) : HomesFeed(feed, 4) {
    Send(CommandType::kSubmitOrders, std::vector{Order(1, 1, engine::Side::kBuy, 30, 1'000),
                                                 Order(2, 1, engine::Side::kBuy, 20, 1'000),
                                                 Order(3, 1, engine::Side::kSell, 10, 1'500),
                                                 Order(4, 1, engine::Side::kSell, 22, 1'000),
                                                 Order(1, 2, engine::Side::kBuy, 12, 500)});
    Send(CommandType::kReplaceOrders, std::vector{Order(2, 1, engine::Side::kBuy, 25, 800)});
    Send(CommandType::kCancelOrders,
         std::vector{
             engine::OrderKeyBody{engine::AccountId{1}, engine::ClientOrderId{2}, kProduct}});
  }
};

std::string MakeSmallFeed() {
  return MakeFeed("small.pwfeed", FeedSource::kNem,
                  [](FeedWriter& feed) { return SmallFeed(feed).status(); });
}

TEST(Compare, MeasuresSurplusByTheLimitsAndWhatIsLeftToTheGrid) {
  const auto comparison = CompareRules(
      MakeSmallFeed(),
      {.rules = {"uniform", "pay_as_bid", "reverse", "continuous"}, .chosen = kProduct});
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  ASSERT_EQ(comparison->results.size(), 4U);
  const RuleResult& uniform = comparison->results[0];
  EXPECT_EQ(uniform.energy_wh, 1'800U);
  EXPECT_EQ(uniform.paid_units, 22 * 1'800);
  EXPECT_EQ(uniform.buyers_surplus_units, 8 * 1'000 + 3 * 800);
  EXPECT_EQ(uniform.sellers_surplus_units, 12 * 1'500);
  EXPECT_EQ(uniform.unserved_wh, 0U);
  EXPECT_EQ(uniform.unsold_wh, 700U);
  EXPECT_EQ(comparison->optimum_units, 28'400);
  ASSERT_EQ(uniform.book.size(), 4U);
  EXPECT_EQ(uniform.chosen_buy_ticks, 22);
  const RuleResult& pairs = comparison->results[1];
  EXPECT_EQ(pairs.buyers_surplus_units, 14'200);
  EXPECT_EQ(pairs.sellers_surplus_units, 14'200);
  const RuleResult& reverse = comparison->results[2];  // Has two buyers: nothing.
  EXPECT_EQ(reverse.energy_wh, 0U);
  EXPECT_EQ(reverse.unserved_wh, 1'800U);
  EXPECT_EQ(reverse.unsold_wh, 2'500U);
  // The first order of the third home meets two bids, the replaced one the last ask.
  const RuleResult& continuous = comparison->results[3];
  EXPECT_EQ(continuous.energy_wh, 2'300U);
  EXPECT_EQ(continuous.paid_units, 30 * 1'000 + 20 * 500 + 22 * 800);
  EXPECT_EQ(continuous.buyers_surplus_units, 3 * 800);
  EXPECT_EQ(continuous.sellers_surplus_units, 20 * 1'000 + 10 * 500);
  EXPECT_EQ(continuous.unserved_wh, 0U);
  EXPECT_EQ(continuous.unsold_wh, 200U);
}

// Whose orders are all filled has nothing open, and still comes to an end that tells its price.
TEST(Compare, EndsAProductThatHasTradedAll) {
  const std::string feed = MakeFeed("filled.pwfeed", FeedSource::kNem, [](FeedWriter& writer) {
    HomesFeed homes(writer, 2);
    homes.Send(CommandType::kSubmitOrders, std::vector{Order(1, 1, engine::Side::kBuy, 30, 100),
                                                       Order(2, 1, engine::Side::kSell, 20, 100)});
    return homes.status();
  });
  const auto comparison =
      CompareRules(feed, {.rules = {"uniform", "continuous"}, .chosen = kProduct});
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  for (const RuleResult& result : comparison->results) {
    EXPECT_EQ(result.rounds, 1U) << result.name;
    EXPECT_EQ(result.chosen_wh, 100U) << result.name;
  }
  EXPECT_EQ(comparison->results[1].chosen_buy_ticks, 30);
}

TEST(Compare, FollowsACancelOfAll) {
  const std::string feed = MakeFeed("cancelled.pwfeed", FeedSource::kNem, [](FeedWriter& writer) {
    SmallFeed small(writer);
    small.Send(CommandType::kCancelAll,
               std::vector{engine::OrderScopeBody{.account = engine::AccountId{2}}});
    return small.status();
  });
  const auto comparison = CompareRules(feed, {.rules = {"uniform"}, .chosen = {}});
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_EQ(comparison->results[0].energy_wh, 1'000U);
  EXPECT_EQ(comparison->results[0].unserved_wh, 0U);
}

TEST(Compare, OfACityAddsUpUnderEveryRule) {
  CityOptions city;
  city.homes = 60;
  const std::string path = MakeFeed("city.pwfeed", FeedSource::kCity,
                                    [&city](FeedWriter& feed) { return GenerateCity(city, feed); });
  const auto comparison =
      CompareRules(path, {.rules = {"uniform", "uniform:price=last_ask", "stackelberg",
                                    "pay_as_bid", "huang", "vcg", "continuous"},
                          .chosen = {}});
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  const RuleResult& uniform = comparison->results.front();
  const auto replay = ReplayOffline(path);
  ASSERT_TRUE(replay.ok());
  EXPECT_EQ(uniform.energy_wh, replay->energy_wh);
  EXPECT_GT(uniform.energy_wh, 0U);
  EXPECT_EQ(uniform.welfare_units(), comparison->optimum_units);
  for (const RuleResult& result : comparison->results) {
    EXPECT_LE(result.welfare_units(), comparison->optimum_units) << result.name;
    EXPECT_GE(result.buyers_surplus_units, 0) << result.name;
    EXPECT_GE(result.sellers_surplus_units, 0) << result.name;
    if (result.refused != uniform.refused) continue;
    EXPECT_EQ(result.energy_wh + result.unserved_wh, uniform.energy_wh + uniform.unserved_wh);
    EXPECT_EQ(result.energy_wh + result.unsold_wh, uniform.energy_wh + uniform.unsold_wh);
  }
  EXPECT_GT(comparison->results[4].operator_balance_units, 0);  // huang
  EXPECT_LT(comparison->results[5].operator_balance_units, 0);  // vcg
}

TEST(Compare, NamesTheRuleOrTheRecordThatCannotBe) {
  const std::string feed = MakeSmallFeed();
  const auto error = [&feed](const std::string& rule) {
    return std::string(CompareRules(feed, {.rules = {rule}, .chosen = {}}).status().message());
  };
  EXPECT_THAT(error("luck"), HasSubstr("rule luck: known are uniform"));
  EXPECT_THAT(error("uniform:k=2/1"), HasSubstr("parameter k=2/1"));
  EXPECT_THAT(error("mcafee"), HasSubstr("lot_wh"));
  EXPECT_THAT(error("mcafee:lot_wh=2000000"), HasSubstr("record 2: rule mcafee:lot_wh=2000000"));
  EXPECT_FALSE(CompareRules(TestPath("none.pwfeed"), {.rules = {"uniform"}, .chosen = {}}).ok());
  const std::string live = MakeFeed("live.pwfeed", FeedSource::kNem, [](FeedWriter& writer) {
    SmallFeed small(writer);
    engine::OrderBody bid = Order(1, 9, engine::Side::kBuy, 30, 10);
    bid.response = engine::Response::kQuadratic;
    bid.response_param = 1;
    small.Send(CommandType::kSubmitOrders, std::vector{bid});
    return small.status();
  });
  EXPECT_THAT(
      std::string(CompareRules(live, {.rules = {"uniform"}, .chosen = {}}).status().message()),
      HasSubstr("a bid with a response"));
}

TEST(Compare, PrintsATableUnderItsWarningAndDrawsTheRound) {
  const auto comparison =
      CompareRules(MakeSmallFeed(), {.rules = {"uniform", "huang"}, .chosen = kProduct});
  ASSERT_TRUE(comparison.ok());
  std::ostringstream table;
  PrintComparison(*comparison, table);
  EXPECT_EQ(table.str().find("bids held fixed; not a forecast of behaviour under another rule"), 0);
  EXPECT_THAT(table.str(), HasSubstr("uniform"));
  std::ostringstream svg;
  DrawRound(*comparison, "a <title>", svg);
  EXPECT_THAT(svg.str(), HasSubstr("a &lt;title>"));
  EXPECT_THAT(svg.str(), HasSubstr(">uniform: 22, 1.800 kWh<"));
  EXPECT_THAT(svg.str(), HasSubstr(">huang: 25 / 22, 1.000 kWh<"));
  EXPECT_THAT(svg.str(), HasSubstr("stroke=\"#1f77b4\""));
  EXPECT_THAT(svg.str(), HasSubstr("</svg>"));
  std::ostringstream empty;
  DrawRound(Comparison(), "none", empty);
  EXPECT_THAT(empty.str(), HasSubstr("no order in this round"));
}

// Home h of 20 buys, or of the 20 behind them sells, an equal energy in each of 96 slots, its limit
// always the same. At true limits the price is between 196 and 204 ticks.
constexpr std::uint32_t kFirstStart = 3'000;
constexpr std::uint32_t kSlots = 96;

engine::ProductId Slot(std::uint32_t slot) {
  return {engine::MarketId{1}, kFirstStart + 15 * slot};
}

// Of orders that are not there, before the second and the third of three rounds.
constexpr bool kCancelsBetweenRounds = true;

std::string MakeStationaryFeed(engine::MarketDefinition market = {}, bool cancels = false) {
  return MakeFeed("stationary.pwfeed", FeedSource::kNem, [&market, cancels](FeedWriter& writer) {
    HomesFeed homes(writer, 40, market);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      // Behind the gate of the slot before it.
      homes.WaitUntil(engine::StartNs(kFirstStart + 15 * slot - 19));
      std::vector<engine::OrderBody> orders;
      for (std::uint32_t home = 1; home <= 20; ++home) {
        const auto step = static_cast<std::int32_t>(8 * home);
        orders.push_back(Order(home, 1, engine::Side::kBuy, 300 - step, 1'000));
        orders.push_back(Order(20 + home, 1, engine::Side::kSell, 100 + step, 1'000));
      }
      for (engine::OrderBody& order : orders) order.product = Slot(slot);
      homes.Send(CommandType::kSubmitOrders, orders);
      for (const std::uint32_t minutes : {7U, 6U}) {
        if (!cancels) continue;
        homes.WaitUntil(engine::StartNs(Slot(slot).start_minute - minutes));
        homes.Send(CommandType::kCancelOrders,
                   std::vector{engine::OrderKeyBody{engine::AccountId{1}, engine::ClientOrderId{99},
                                                    Slot(slot)}});
      }
    }
    return homes.status();
  });
}

Comparison Compared(const std::string& feed, const CompareOptions& options) {
  const auto comparison = CompareRules(feed, options);
  EXPECT_TRUE(comparison.ok()) << comparison.status();
  return comparison.ok() ? *comparison : Comparison();
}

std::string TableOf(const Comparison& comparison) {
  std::ostringstream table;
  PrintComparison(comparison, table);
  return table.str();
}

// Each number by hand. The two rules that drop a pair lose 8,400 of 28,400 units of welfare, and
// refuse the second bid of a home, and so its cancel.
constexpr char kTableOfFourHomes[] =
    "rule        energy kWh      price      buyers     sellers"
    "    operator  unserved %   unsold %  welfare %   refused\n"
    "uniform           1.80     0.0220        0.01        0.02"
    "        0.00         0.0       28.0      100.0         0\n"
    "stackelberg       1.00     0.0250        0.01        0.01"
    "        0.00        44.4       60.0       70.4         2\n"
    "huang             1.00     0.0250        0.01        0.01"
    "        0.00        44.4       60.0       70.4         2\n"
    "vcg               1.80     0.0140        0.02        0.02"
    "       -0.02         0.0       28.0      100.0         0\n";

TEST(Compare, OfFourHomesIsThisTable) {
  const std::vector<std::string> rules{"uniform", "stackelberg", "huang", "vcg"};
  const std::string table = TableOf(Compared(MakeSmallFeed(), {.rules = rules, .chosen = {}}));
  EXPECT_THAT(table, HasSubstr(kTableOfFourHomes));
  EXPECT_THAT(table, HasSubstr("that of objective=asws is always\nthe highest of its range"));
}

TEST(CompareAgents, ThatAreTruthfulAreTheFeedAsItIs) {
  const std::vector<std::string> rules{"uniform", "huang", "vcg"};
  const std::string feed = MakeSmallFeed();
  const std::string as_fed = TableOf(Compared(feed, {.rules = rules, .chosen = {}}));
  const std::string truthful =
      TableOf(Compared(feed, {.rules = rules, .chosen = {}, .agents = Agents::kTruthful}));
  EXPECT_EQ(truthful.substr(truthful.find('\n')), as_fed.substr(as_fed.find('\n')));
  EXPECT_EQ(truthful.find("a simulation, not a forecast: all bid the feed's limits"), 0);
}

TEST(CompareAgents, ThatLearnComeToTheCompetitivePriceOfAStationaryMarket) {
  const std::string feed = MakeStationaryFeed();
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    for (const std::uint32_t slot : {kSlots / 2, kSlots - 1}) {
      const RuleResult zip =
          Compared(
              feed,
              {.rules = {"uniform"}, .chosen = Slot(slot), .agents = Agents::kZip, .seed = seed})
              .results.at(0);
      EXPECT_NEAR(zip.chosen_buy_ticks, 200, 10) << "seed " << seed << " slot " << slot;
      EXPECT_GE(zip.chosen_wh, 10'000U) << "seed " << seed << " slot " << slot;
    }
  }
}

TEST(CompareAgents, ThatLearnTradeLessThanTheOptimumAndLoseNoEnergyOrMoney) {
  const std::vector<std::string> rules{"uniform", "pay_as_bid", "huang", "vcg"};
  const Comparison zip =
      Compared(MakeStationaryFeed(), {.rules = rules, .chosen = {}, .agents = Agents::kZip});
  for (const RuleResult& result : zip.results) {
    EXPECT_GT(result.welfare_units(), zip.optimum_units / 2) << result.name;
    EXPECT_LT(result.welfare_units(), zip.optimum_units) << result.name;
    EXPECT_GE(result.buyers_surplus_units, 0) << result.name;
    EXPECT_GE(result.sellers_surplus_units, 0) << result.name;
    EXPECT_EQ(result.energy_wh + result.unserved_wh, std::uint64_t{kSlots} * 20 * 1'000);
    EXPECT_EQ(result.unserved_wh, result.unsold_wh) << result.name;
    EXPECT_EQ(result.sent_wh, std::uint64_t{kSlots} * 40 * 1'000) << result.name;
    EXPECT_GT(result.shaded_units, 0) << result.name;
  }
  EXPECT_EQ(zip.results[0].operator_balance_units, 0);
}

TEST(CompareAgents, ThatLearnAreTheSameOfTheSameSeedUnderEachRule) {
  const std::string feed = MakeStationaryFeed();
  const auto table = [&feed](std::vector<std::string> rules, std::uint64_t seed) {
    return TableOf(Compared(
        feed, {.rules = std::move(rules), .chosen = {}, .agents = Agents::kZip, .seed = seed}));
  };
  EXPECT_EQ(table({"uniform", "huang"}, 7), table({"uniform", "huang"}, 7));
  EXPECT_NE(table({"uniform"}, 7), table({"uniform"}, 8));
  EXPECT_THAT(table({"uniform"}, 7), HasSubstr("zero-intelligence-plus agents, seed 7"));
  // A rule's agents have learned nothing under the rules before it.
  const Comparison both = Compared(
      feed, {.rules = {"huang", "uniform"}, .chosen = {}, .agents = Agents::kZip, .seed = 7});
  const Comparison alone =
      Compared(feed, {.rules = {"uniform"}, .chosen = {}, .agents = Agents::kZip, .seed = 7});
  EXPECT_EQ(both.results[1].buyers_surplus_units, alone.results[0].buyers_surplus_units);
  EXPECT_EQ(both.results[1].shaded_units, alone.results[0].shaded_units);
}

TEST(CompareAgents, LearnFromEachRoundWhetherSomethingComesBeforeTheNextOrNot) {
  engine::MarketDefinition market;
  market.rounds = 3;
  market.round_interval_s = 60;
  market.carry_over = 1;
  const CompareOptions options{.rules = {"uniform"}, .chosen = {}, .agents = Agents::kZip};
  const RuleResult quiet = Compared(MakeStationaryFeed(market), options).results.at(0);
  const RuleResult busy =
      Compared(MakeStationaryFeed(market, kCancelsBetweenRounds), options).results.at(0);
  EXPECT_EQ(busy.refused, 2 * kSlots);
  EXPECT_EQ(quiet.energy_wh, busy.energy_wh);
  EXPECT_EQ(quiet.paid_units, busy.paid_units);
  EXPECT_EQ(quiet.shaded_units, busy.shaded_units);
  EXPECT_EQ(quiet.energy_wh + quiet.unserved_wh, std::uint64_t{kSlots} * 20 * 1'000);
  // Nobody bids anew for a later round, and who is filled is not in it.
  EXPECT_EQ(quiet.sent_wh, std::uint64_t{kSlots} * 40 * 1'000 * 3 - 4 * quiet.energy_wh);
}

TEST(CompareAgents, BidForAReplacedOrderByItsNewValue) {
  const Comparison zip =
      Compared(MakeSmallFeed(), {.rules = {"uniform"}, .chosen = kProduct, .agents = Agents::kZip});
  const RuleResult& uniform = zip.results.at(0);
  ASSERT_EQ(uniform.book.size(), 4U);
  for (const FedOrderState& order : uniform.book) {
    if (order.side == engine::Side::kBuy) {
      EXPECT_TRUE(order.limit_ticks == 30 || order.limit_ticks == 25) << order.limit_ticks;
      EXPECT_LE(order.sent_ticks, order.limit_ticks);
      EXPECT_GE(order.sent_ticks, order.limit_ticks * 65 / 100);
    } else {
      EXPECT_GE(order.sent_ticks, order.limit_ticks);
      EXPECT_LE(order.sent_ticks, order.limit_ticks * 135 / 100);
    }
  }
}

}  // namespace
}  // namespace tools
