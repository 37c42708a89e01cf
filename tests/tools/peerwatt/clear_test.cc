#include "tools/peerwatt/clear.h"

#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/limits.h"
#include "nlohmann/json.hpp"
#include "tests/support/naive_auction.h"
#include "tests/support/random_source.h"
#include "tests/tools/peerwatt/clear_text.h"

namespace tools {
namespace {

TEST(Clear, PrintsFillsInInputOrderAndTradesInPriorityOrder) {
  const auto json = ClearText(std::string(kHeader) +
                              "1,a,buy,31,300\n2,b,buy,40,100\n3,c,sell,20,100\n4,d,sell,10,150\n");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["price_ticks"], 31);
  EXPECT_EQ((*json)["buy_price_ticks"], 31);
  EXPECT_EQ((*json)["sell_price_ticks"], 31);
  EXPECT_EQ((*json)["volume_wh"], 250);
  EXPECT_EQ((*json)["fills"].size(), 4u);
  EXPECT_EQ(
      (*json)["fills"][0],
      (nlohmann::json{
          {"order_id", 1}, {"energy_wh", 150}, {"price_ticks", 31}, {"amount_units", 4'650}}));
  EXPECT_EQ(
      (*json)["trades"][0],
      (nlohmann::json{
          {"buy_order_id", 2}, {"sell_order_id", 4}, {"energy_wh", 100}, {"price_ticks", 31}}));
  EXPECT_EQ((*json)["trades"].size(), 3u);
}

TEST(Clear, SaysNullWhereNothingTrades) {
  for (const char* rows : {"", "1,a,buy,10,5\n", "1,a,buy,10,5\n2,b,sell,11,5\n"}) {
    const auto json = ClearText(std::string(kHeader) + rows);
    ASSERT_TRUE(json.ok()) << json.status();
    EXPECT_TRUE((*json)["price_ticks"].is_null());
    EXPECT_EQ((*json)["volume_wh"], 0);
    EXPECT_TRUE((*json)["fills"].empty());
  }
}

TEST(Clear, RefusesTheNewerOrderOfAPartyThatCrosses) {
  const auto json = ClearText(
      "order_id,account,party,side,price_ticks,energy_wh\n"
      "x1,a,p,buy,30,5\nx2,b,p,sell,20,5\nx3,c,q,sell,20,5\n");
  ASSERT_TRUE(json.ok()) << json.status();
  ASSERT_EQ((*json)["refused"].size(), 1u);
  EXPECT_EQ((*json)["refused"][0]["order_id"], "x2");
  EXPECT_EQ((*json)["refused"][0]["reason"], "self_trade");
  EXPECT_EQ((*json)["volume_wh"], 5);
}

TEST(Clear, CancelsTheOlderWhereAskedTo) {
  const auto json = ClearText(
      "order_id,account,party,side,price_ticks,energy_wh\n"
      "1,a,p,buy,30,5\n2,b,p,sell,20,5\n3,c,q,buy,25,5\n",
      {"self_trade=cancel_older"});
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["refused"][0]["order_id"], 1);
  EXPECT_EQ((*json)["refused"][0]["reason"], "self_trade_cancelled");
  EXPECT_EQ((*json)["fills"][0]["order_id"], 2);
}

TEST(Clear, RefusesWhatNoOrderMayHave) {
  const auto json =
      ClearText(std::string(kHeader) + "1,a,buy,30,0\n2,b,buy,30,4000000001\n3,c,buy,30,5\n");
  ASSERT_TRUE(json.ok()) << json.status();
  ASSERT_EQ((*json)["refused"].size(), 2u);
  EXPECT_EQ((*json)["refused"][0]["reason"], "energy_zero");
  EXPECT_EQ((*json)["refused"][1]["reason"], "energy_too_large");
}

TEST(Clear, TakesTheMostOrdersOfAPartyThatAMarketMayAndRefusesTheNext) {
  std::string csv = "order_id,account,party,side,price_ticks,energy_wh\n";
  for (std::uint32_t i = 1; i <= engine::kPartyOrdersMax + 1; ++i) {
    csv += std::to_string(i) + ",a" + std::to_string(i % 3) + ",p,buy,30,5\n";
  }
  const auto json = ClearText(csv);
  ASSERT_TRUE(json.ok()) << json.status();
  ASSERT_EQ((*json)["refused"].size(), 1u);
  EXPECT_EQ((*json)["refused"][0]["order_id"], engine::kPartyOrdersMax + 1);
  EXPECT_EQ((*json)["refused"][0]["reason"], "party_order_limit");
}

struct BadFile {
  const char* csv;
  const char* complaint;  // What the error names.
};

TEST(Clear, NamesThePlaceOfAFault) {
  const BadFile files[] = {
      {"order_id,account,side,price_ticks\n1,a,buy,3\n", "energy_wh"},
      {"order_id,account,side,price_ticks,energy_wh,colour\n", "unknown column 'colour'"},
      {"order_id,account,side,price_ticks,energy_wh\n1,a,hold,3,4\n", ":2:"},
      {"order_id,account,side,price_ticks,energy_wh\n1,a,buy,3,4\n2,b,buy,x,4\n", ":3:"},
      {"order_id,account,side,price_ticks,energy_wh\n1,a,buy,3,4\n2,b,buy,3.5,4\n", ":3:"},
      {"order_id,account,side,price_ticks,energy_wh\n1,a,buy,3,-4\n", "energy_wh"},
      {"order_id,account,side,price_ticks,energy_wh\n1,a,buy,0,4\n2,b,sell,65536,4\n", "span"},
      {"order_id,account,side,price_ticks,energy_wh\n1,a,buy\n", ":2:"},
      {"order_id,account,side,side,price_ticks,energy_wh\n1,a,buy,sell,3,4\n",
       ":1: column 'side' twice"},
      {"order_id,account,side,price_ticks,energy_wh\n1,a,buy,3,4\n2,b,buy,3,4\n1,b,sell,3,4\n",
       ":4: column 'order_id': order 1 is in line 2"},
  };
  for (const BadFile& file : files) {
    const auto json = ClearText(file.csv);
    ASSERT_FALSE(json.ok()) << file.csv;
    EXPECT_NE(json.status().message().find(file.complaint), absl::string_view::npos)
        << json.status();
  }
}

TEST(Clear, TakesTheWidestSpanOfPrices) {
  const auto json = ClearText(std::string(kHeader) + "1,a,sell,-40000,4\n2,b,buy,25535,4\n");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["price_ticks"], -7'233);  // (-40000 + 25535) / 2 = -7232.5, rounded down.
}

constexpr char kResponseHeader[] =
    "order_id,account,side,price_ticks,energy_wh,response,response_param\n";

// The paper's example of demand over supply: see stackelberg_test.
TEST(Clear, PlaysTheStackelbergAuctionWithDeclaredResponses) {
  const std::string csv = std::string(kResponseHeader) +
                          "1,b1,buy,200,2000,quadratic,30000\n2,b2,buy,180,1500,quadratic,30000\n"
                          "3,b3,buy,150,1000,quadratic,30000\n4,b4,buy,90,2000,quadratic,30000\n"
                          "5,s1,sell,60,1000,,\n6,s2,sell,80,1500,,\n7,s3,sell,100,2000,,\n"
                          "8,s4,sell,140,1000,,\n";
  const auto json = ClearText(csv, {}, "stackelberg");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["rule"], "stackelberg");
  EXPECT_EQ((*json)["price_ticks"], 140);
  EXPECT_EQ((*json)["volume_wh"], 2'500);
  EXPECT_EQ((*json)["fills"].size(), 4U);
  EXPECT_EQ((*json)["fills"][0]["energy_wh"], 1'500);
  EXPECT_EQ((*json)["fills"][1]["energy_wh"], 1'000);
  EXPECT_TRUE((*json)["refused"].empty());
}

// The same book: nobody is dropped, and 4.5 kWh are traded at 10 cents.
TEST(Clear, MeetsAllDemandAndSupplyWhereTheObjectiveIsWelfare) {
  const std::string csv = std::string(kResponseHeader) +
                          "1,b1,buy,200,2000,quadratic,30000\n2,b2,buy,180,1500,quadratic,30000\n"
                          "3,b3,buy,150,1000,quadratic,30000\n4,b4,buy,90,2000,quadratic,30000\n"
                          "5,s1,sell,60,1000,,\n6,s2,sell,80,1500,,\n7,s3,sell,100,2000,,\n"
                          "8,s4,sell,140,1000,,\n";
  const auto json = ClearText(csv, {"objective=welfare"}, "stackelberg");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["price_ticks"], 100);
  EXPECT_EQ((*json)["volume_wh"], 4'500);
  EXPECT_EQ((*json)["fills"].size(), 6U);
  EXPECT_EQ((*json)["fills"][2]["energy_wh"], 1'000);
}

TEST(Clear, SaysWhichParametersTheWelfareObjectiveLeavesAsTheyAre) {
  for (const char* parameter : {"step_ticks=2", "lone_trader=drop"}) {
    const absl::Status status = ParseRule("stackelberg", {"objective=welfare", parameter}).status();
    EXPECT_NE(status.message().find("welfare needs step_ticks 1 and lone_trader keep"),
              absl::string_view::npos)
        << status;
  }
  EXPECT_FALSE(ParseRule("stackelberg", {"objective=profit"}).ok());
  EXPECT_TRUE(ParseRule("stackelberg", {"objective=welfare", "ties=higher"}).ok());
}

TEST(Clear, RefusesOrdersThatTheGridIsBetterFor) {
  const std::string csv = std::string(kHeader) + "1,a,buy,320,10\n2,b,buy,321,10\n3,c,sell,80,10\n";
  for (const char* admission : {"admission=closed", "admission=strict"}) {
    const auto json = ClearText(csv, {admission}, "stackelberg",
                                {.rule = {}, .feed_in_ticks = 80, .retail_ticks = 320});
    ASSERT_TRUE(json.ok()) << json.status();
    const bool strict = std::string(admission) == "admission=strict";
    ASSERT_EQ((*json)["refused"].size(), strict ? 3U : 1U);
    EXPECT_EQ((*json)["refused"][0]["reason"], "grid_is_better");
  }
}

TEST(Clear, RefusesResponsesThatCannotBe) {
  const std::string rows =
      "1,a,buy,10,5,quadratic,0\n2,b,sell,10,5,quadratic,7\n3,c,buy,10,5,fixed,7\n"
      "4,d,buy,10,5,logarithmic,7\n5,a,buy,12,5,,\n6,a,buy,11,5,,\n7,e,sell,0,5,,\n";
  const auto json = ClearText(std::string(kResponseHeader) + rows, {}, "stackelberg");
  ASSERT_TRUE(json.ok()) << json.status();
  const std::vector<std::string> reasons = {"bad_response_param", "bad_response_param",
                                            "bad_response_param", "unsupported",
                                            "one_order_a_side"};
  ASSERT_EQ((*json)["refused"].size(), reasons.size());
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    EXPECT_EQ((*json)["refused"][i]["reason"], reasons[i]) << i;
  }
  const auto uniform =
      ClearText(std::string(kResponseHeader) + "1,a,buy,10,5,quadratic,9\n", {}, "uniform");
  ASSERT_TRUE(uniform.ok());
  EXPECT_EQ((*uniform)["refused"][0]["reason"], "unsupported");
}

TEST(Clear, HasTwoPricesAndWhatTheOperatorKeeps) {
  const auto json = ClearText(
      std::string(kHeader) + "1,a,buy,90,100\n2,b,buy,80,100\n3,c,sell,30,100\n4,d,sell,40,100\n",
      {"lot_wh=100"}, "trade_reduction");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_TRUE((*json)["price_ticks"].is_null());
  EXPECT_EQ((*json)["buy_price_ticks"], 80);
  EXPECT_EQ((*json)["sell_price_ticks"], 40);
  EXPECT_EQ((*json)["operator_balance_units"], 4'000);
  EXPECT_EQ((*json)["fills"][0]["amount_units"], 8'000);
  EXPECT_EQ((*json)["fills"][1]["amount_units"], 4'000);
  EXPECT_EQ((*json)["fills"][1]["price_ticks"], 40);
  ASSERT_EQ((*json)["trades"].size(), 1u);
  EXPECT_EQ((*json)["trades"][0]["price_ticks"], 80);
}

TEST(Clear, HasAmountsOfTheirOwnWhereARulePaysEachOrder) {
  const std::string rows = "1,a,buy,40,100\n2,b,buy,31,1\n3,c,sell,10,100\n4,d,sell,20,1\n";
  const auto json = ClearText(std::string(kHeader) + rows, {}, "pay_as_bid");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["fills"][0]["amount_units"], 2'500);
  EXPECT_EQ((*json)["fills"][1]["amount_units"], 25);
  EXPECT_EQ((*json)["trades"][0]["price_ticks"], 25);
  EXPECT_EQ((*json)["trades"][1]["price_ticks"], 25);  // 25.5
  EXPECT_EQ((*json)["operator_balance_units"], 0);
  const auto at_bid = ClearText(std::string(kHeader) + rows, {"pricing=buyer"}, "pay_as_bid");
  EXPECT_EQ((*at_bid)["fills"][3]["amount_units"], 31);
}

TEST(Clear, NeedsNoBalanceAccountOfflineAndReportsTheDeficit) {
  const std::string rows = "1,a,buy,90,10\n2,b,sell,40,10\n";
  const auto json = ClearText(std::string(kHeader) + rows, {}, "vcg");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["buy_price_ticks"], 40);
  EXPECT_EQ((*json)["sell_price_ticks"], 90);
  EXPECT_EQ((*json)["operator_balance_units"], -500);
  const auto capped =
      ClearText(std::string(kHeader) + rows, {"balance_account=1", "deficit_cap_units=499"}, "vcg");
  EXPECT_EQ((*capped)["volume_wh"], 0);
  EXPECT_EQ((*capped)["no_trade"], "deficit_over_cap");
}

TEST(Clear, ClearsReverseAndForwardAuctions) {
  const auto reverse =
      ClearText(std::string(kHeader) + "1,a,buy,90,10\n2,b,sell,40,5\n3,c,sell,30,5\n",
                {"payment=pay_as_bid"}, "reverse");
  ASSERT_TRUE(reverse.ok()) << reverse.status();
  EXPECT_EQ((*reverse)["fills"][0]["amount_units"], 350);
  EXPECT_EQ((*reverse)["trades"][0]["price_ticks"], 30);
  const auto forward = ClearText(
      std::string(kHeader) + "1,a,buy,90,10\n2,b,sell,40,5\n3,c,sell,30,5\n", {}, "forward");
  EXPECT_EQ((*forward)["volume_wh"], 0);
  EXPECT_EQ((*forward)["no_trade"], "not_one_seller");
}

// Three trades of the order that came last, each at the limit of one that waited.
TEST(Clear, TradesContinuouslyInTheOrderOfTheFile) {
  const auto json = ClearText(std::string(kHeader) +
                                  "1,a,sell,30,10\n2,b,sell,20,5\n3,c,sell,25,5\n"
                                  "4,d,buy,40,15\n5,e,buy,10,1\n",
                              {}, "continuous");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["volume_wh"], 15);
  EXPECT_EQ((*json)["price_ticks"], 25);
  ASSERT_EQ((*json)["trades"].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*json)["trades"][i]["buy_order_id"], 4);
    EXPECT_EQ((*json)["trades"][i]["price_ticks"], 20 + 5 * i);
    EXPECT_EQ((*json)["trades"][i]["energy_wh"], 5);
  }
  ASSERT_EQ((*json)["fills"].size(), 4u);
  EXPECT_EQ((*json)["fills"][3]["order_id"], 4);
  EXPECT_EQ((*json)["fills"][3]["energy_wh"], 15);
  EXPECT_EQ((*json)["fills"][3]["amount_units"], 5 * (20 + 25 + 30));
}

TEST(Clear, ClearsByEveryRuleOfTheTable) {
  for (const engine::RuleEntry& rule : engine::Rules()) {
    const std::string name(rule.name);
    const bool in_lots = engine::FindRuleParameter("lot_wh")->belongs_to(rule.rule);
    const auto json = ClearText(
        std::string(kHeader) + "1,a,buy,90,10\n2,b,buy,80,10\n3,c,sell,20,10\n",
        in_lots ? std::vector<std::string>{"lot_wh=10"} : std::vector<std::string>{}, name);
    ASSERT_TRUE(json.ok()) << name << ": " << json.status();
    EXPECT_EQ((*json)["rule"], name);
  }
}

TEST(Clear, RefusesWhatIsNotALotOrASecondOne) {
  const auto json = ClearText(
      std::string(kHeader) + "1,a,buy,90,100\n2,b,buy,80,99\n3,c,sell,30,200\n4,a,buy,85,100\n",
      {"lot_wh=100"}, "mcafee");
  ASSERT_TRUE(json.ok()) << json.status();
  ASSERT_EQ((*json)["refused"].size(), 3u);
  EXPECT_EQ((*json)["refused"][0]["reason"], "not_a_lot");
  EXPECT_EQ((*json)["refused"][1]["reason"], "not_a_lot");
  EXPECT_EQ((*json)["refused"][2]["reason"], "one_order_a_side");
}

TEST(Clear, RefusesUnknownRulesAndParameters) {
  EXPECT_FALSE(ParseRule("mcafee", {}).ok());
  EXPECT_FALSE(ParseRule("trade_reduction", {"lot_wh=0"}).ok());
  EXPECT_FALSE(ParseRule("huang", {"lot_wh=5"}).ok());
  EXPECT_FALSE(ParseRule("first_price", {}).ok());
  EXPECT_FALSE(ParseRule("uniform", {"ties=lower"}).ok());
  EXPECT_FALSE(ParseRule("uniform", {"price=best"}).ok());
  EXPECT_EQ(ParseRule("uniform", {"price=last_bid"})->price, engine::UniformPricing::kLastBid);
  EXPECT_FALSE(ParseRule("stackelberg", {"k=1/2"}).ok());
  EXPECT_FALSE(ParseRule("stackelberg", {"step_ticks=0"}).ok());
  EXPECT_EQ(ParseRule("stackelberg", {"step_ticks=7"})->step_ticks, 7U);
  EXPECT_FALSE(ParseRule("uniform_price", {"k=3/2"}).ok());
  EXPECT_FALSE(ParseRule("uniform_price", {"margin=lottery"}).ok());
  EXPECT_FALSE(ParseRule("uniform_price", {"colour=red"}).ok());
  EXPECT_EQ(ParseRule("uniform_price", {"k=1/3", "margin=time"})->k_denominator, 3u);
  EXPECT_FALSE(ParseRule("stackelberg", {"announce_from=band"}).ok());
  EXPECT_EQ(ParseRule("uniform_price", {"k=1/3", "margin=time", "k=1/2"}).status().message(),
            "rule uniform_price: parameter k twice");
}

TEST(Clear, AgreesWithTheNaiveAuctionThroughTheWholeExchange) {
  for (std::uint64_t seed = 0; seed < engine::Repeats(300, 10'000); ++seed) {
    SCOPED_TRACE(seed);
    engine::RandomSource random(seed);
    std::vector<engine::NaiveOrder> orders(random.Below(60));
    std::string csv = kHeader;
    const bool by_time = random.Below(2) == 0;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      orders[i] = {random.Below(2) == 0 ? engine::Side::kBuy : engine::Side::kSell,
                   static_cast<std::int64_t>(random.Below(30)) - 15, 1 + random.Below(300)};
      csv += std::to_string(i) + ",a" + std::to_string(i) + "," +
             (orders[i].side == engine::Side::kBuy ? "buy," : "sell,") +
             std::to_string(orders[i].limit) + "," + std::to_string(orders[i].open) + "\n";
    }
    engine::RuleParameters rule;
    if (by_time) rule.margin = engine::Margin::kTime;
    const engine::NaiveRound expected = engine::NaiveClear(orders, rule);
    const auto json = ClearText(
        csv, by_time ? std::vector<std::string>{"margin=time"} : std::vector<std::string>{});
    ASSERT_TRUE(json.ok()) << json.status();
    ASSERT_EQ((*json)["volume_wh"], expected.energy);
    if (expected.energy == 0) continue;
    ASSERT_EQ((*json)["price_ticks"], expected.price);
    std::vector<std::uint64_t> filled(orders.size());
    for (const auto& fill : (*json)["fills"]) {
      filled[fill["order_id"].get<std::size_t>()] = fill["energy_wh"].get<std::uint64_t>();
    }
    ASSERT_EQ(filled, expected.filled);
    std::uint64_t traded = 0;
    for (const auto& trade : (*json)["trades"]) traded += trade["energy_wh"].get<std::uint64_t>();
    ASSERT_EQ(traded, expected.energy);
  }
}

}  // namespace
}  // namespace tools
