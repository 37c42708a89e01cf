#include "gateway/market_file.h"

#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/clearing/rule_parameters.h"
#include "engine/core/clearing/rules.h"
#include "tests/support/random_source.h"

namespace gateway {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

std::string MarketError(const std::string& text) {
  const auto markets = ParseMarkets(text, "markets.toml");
  return markets.ok() ? "" : std::string(markets.status().message());
}

TEST(MarketFile, DefaultTextGivesTheDefaults) {
  const auto markets = ParseMarkets(DefaultMarketText(), "default");
  ASSERT_TRUE(markets.ok()) << markets.status();
  ASSERT_EQ(markets->size(), 1U);
  engine::MarketDefinition expected;
  expected.id = engine::MarketId(1);
  std::string_view("UTC").copy(expected.time_zone.data(), 3);
  EXPECT_EQ(markets->front(), expected);
}

// What stands there for rules that are not the default one can be said of them.
TEST(MarketFile, DefaultTextHasTheParametersOfEveryRule) {
  const std::string all = DefaultMarketText();
  std::set<std::string> taken;
  for (const engine::RuleEntry& rule : engine::Rules()) {
    std::string text = "[[market]]\nid = 1\nrule = \"" + std::string(rule.name) + "\"\n";
    std::istringstream lines(all);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("# Only with rule =")) continue;
      line.back() = ' ';
      const bool ours = line.find(" " + std::string(rule.name) + " ") != std::string::npos;
      std::getline(lines, line);
      if (!ours) continue;
      text += line.substr(2) + "\n";
      taken.insert(line);
    }
    EXPECT_THAT(MarketError(text), Not(HasSubstr("unknown"))) << text;
  }
  EXPECT_GE(taken.size(), 10u);
}

// Else what `MarketText` writes of such a market would be refused.
TEST(MarketFile, IsInUtcWhereItSaysNoTimeZone) {
  const auto markets = ParseMarkets("[[market]]\nid = 1\n", "short");
  ASSERT_TRUE(markets.ok()) << markets.status();
  EXPECT_EQ(std::string(markets->front().time_zone.data()), "UTC");
  const auto again = ParseMarkets(MarketText(markets->front()), "written");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->front(), markets->front());
}

TEST(MarketFile, TakesEveryField) {
  const auto markets = ParseMarkets(
      "[[market]]\nid = 7\nname = \"North\"\ncurrency = \"CHF\"\ntime_zone = \"Europe/Zurich\"\n"
      "rule = \"uniform_price\"\nrule_version = 1\nmargin = \"time\"\n"
      "self_trade = \"cancel_older\"\ncarry_over = true\nslot_minutes = 30\nband_low_ticks = -50\n"
      "band_levels = 500\nopen_before_s = 7200\ngate_before_s = 600\nmin_notice_s = 61\n"
      "rounds = 3\nround_interval_s = 900\nfreeze_s = 30\nindicative_interval_s = 10\n"
      "indicative_min_parties = 4\nindicative_step_ticks = 5\nindicative_step_wh = 6\n"
      "order_max_wh = 8000\nparty_orders_max = 9\nbook_orders_max = 10000\nretail_ticks = 300\n"
      "feed_in_ticks = 80\nk = \"1/3\"\n",
      "markets.toml");
  ASSERT_TRUE(markets.ok()) << markets.status();
  const engine::MarketDefinition& market = markets->front();
  EXPECT_EQ(market.id, engine::MarketId(7));
  EXPECT_EQ(std::string(market.name.data()), "North");
  EXPECT_EQ(std::string(market.currency.data(), 3), "CHF");
  EXPECT_EQ(std::string(market.time_zone.data()), "Europe/Zurich");
  EXPECT_EQ(market.rule.margin, engine::Margin::kTime);
  EXPECT_EQ(market.rule.self_trade, engine::SelfTrade::kCancelOlder);
  EXPECT_EQ(market.carry_over, 1);
  EXPECT_EQ(market.slot_minutes, 30U);
  EXPECT_EQ(market.band_low_ticks, -50);
  EXPECT_EQ(market.rounds, 3U);
  EXPECT_EQ(market.rule.k_denominator, 3U);
  EXPECT_EQ(market.feed_in_ticks, 80);
}

TEST(MarketFile, TakesTheParametersOfTheRule) {
  const auto markets = ParseMarkets(
      "[[market]]\nid = 7\nrule = \"stackelberg\"\nties = \"higher\"\nlone_trader = \"drop\"\n"
      "step_ticks = 5\nmin_order_wh = \"10\"\nadmission = \"strict\"\nobjective = \"asws\"\n",
      "markets.toml");
  ASSERT_TRUE(markets.ok()) << markets.status();
  const engine::RuleParameters& rule = markets->front().rule;
  EXPECT_EQ(rule.rule, engine::Rule::kStackelberg);
  EXPECT_EQ(rule.ties, engine::Ties::kHigher);
  EXPECT_EQ(rule.lone_trader, engine::LoneTrader::kDrop);
  EXPECT_EQ(rule.step_ticks, 5U);
  EXPECT_EQ(rule.min_order_wh, 10U);
  EXPECT_EQ(rule.admission, engine::Admission::kStrict);
}

TEST(MarketFile, ReadsBackWhatItWrites) {
  engine::MarketDefinition market;
  market.id = engine::MarketId(9);
  market.band_low_ticks = -7;
  market.feed_in_ticks = 80;
  market.retail_ticks = 320;
  market.carry_over = 1;
  std::string_view("N\"\\\n\x01o\x7f").copy(market.name.data(), 7);
  std::string_view("Europe/Berlin").copy(market.time_zone.data(), 13);
  for (const engine::RuleEntry& rule : engine::Rules()) {
    market.rule = engine::RuleParameters();
    market.rule.rule = rule.rule;
    while (const auto* needed = engine::FindImpossible(market.rule)) {
      ASSERT_TRUE(needed->set(market.rule, "1000"));
    }
    if (rule.rule == engine::Rule::kVcg) market.rule.balance_account = engine::AccountId(7);
    const auto markets = ParseMarkets(MarketText(market), "markets.toml");
    ASSERT_TRUE(markets.ok()) << markets.status();
    EXPECT_EQ(markets->front(), market);
  }
}

TEST(MarketFile, RefusesWhatCannotBeWithItsPlace) {
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nslots = 4\n"),
              HasSubstr("markets.toml:3: unknown key slots"));
  EXPECT_THAT(MarketError("[[market]]\nid = 0\n"), HasSubstr("markets.toml:2: id = 0: allowed is"));
  EXPECT_THAT(MarketError("[[market]]\nname = \"x\"\n"),
              HasSubstr("markets.toml:1: a market without an id"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\ntime_zone = \"Mars\"\n"), HasSubstr("IANA name"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\ncurrency = \"euro\"\n"), HasSubstr("ISO 4217"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nmargin = \"luck\"\n"),
              HasSubstr("markets.toml:3: margin: allowed is pro_rata or time"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"luck\"\n"),
              HasSubstr("markets.toml:3: rule: allowed are uniform, stackelberg"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"stackelberg\"\nk = \"1/3\"\n"),
              HasSubstr("markets.toml:4: k: not a parameter of the rule stackelberg"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"stackelberg\"\nobjective = \"welfare\"\n"
                          "step_ticks = 2\n"),
              HasSubstr("markets.toml:4: objective = welfare: allowed is welfare only with "
                        "step_ticks 1 and lone_trader keep; here step_ticks = 2"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"stackelberg\"\nstep_ticks = 0\n"),
              HasSubstr("markets.toml:4: step_ticks: allowed is 1 to 65536"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"mcafee\"\n"),
              HasSubstr("markets.toml:1: rule mcafee: lot_wh: allowed is 1 to"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"mcafee\"\nlot_wh = 0\n"),
              HasSubstr("markets.toml:4: lot_wh: allowed is 1 to"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"mcafee\"\nlot_wh = 1000001\n"),
              HasSubstr("lot_wh = 1000001: allowed is lot_wh <= order_max_wh"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"vcg\"\n"),
              HasSubstr("markets.toml:3: rule = vcg: allowed is an account where the rule is vcg; "
                        "here balance_account = 0"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"vcg\"\ndeficit_cap_units = -1\n"),
              HasSubstr("deficit_cap_units: allowed is 0 to"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\nrule = \"huang\"\nband_levels = 65536\n"
                          "order_max_wh = 4000000000\n"),
              HasSubstr("band_levels <= 2^63 - 1"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\ncarry_over = 1\n"), HasSubstr("true or false"));
  EXPECT_THAT(MarketError("[[market]]\nid = 1\n[[market]]\nid = 1\n"),
              HasSubstr("markets.toml:3: market 1 twice"));
  EXPECT_THAT(MarketError("[markets]\nid = 1\n"), HasSubstr("[[market]] tables only"));
  EXPECT_THAT(MarketError(""), HasSubstr("no [[market]]"));
}

// The error of a market with these keys behind its id, which is in line 2.
std::string KeysError(const std::string& keys) {
  return MarketError("[[market]]\nid = 1\n" + keys);
}

TEST(MarketFile, NamesTheKeyOfAGameThatDoesNotFit) {
  const std::string played = "rule = \"stackelberg\"\nschedule = \"bisecting\"\n";
  EXPECT_THAT(KeysError(played + "game_budget_ms = 240001\n"),
              HasSubstr("markets.toml:5: game_budget_ms = 240001: allowed is game_budget_ms <= "
                        "1000 * (gate_before_s - min_notice_s); here gate_before_s = 300"));
  EXPECT_THAT(KeysError(played + "rounds = 2\nround_interval_s = 20\n"),
              HasSubstr("markets.toml:6: round_interval_s = 20: allowed is game_budget_ms < "));
  EXPECT_THAT(KeysError(played + "answer_ms = 20001\n"),
              HasSubstr("answer_ms = 20001: allowed is answer_ms <= game_budget_ms"));
  EXPECT_THAT(KeysError(played + "indicative_interval_s = 1\n"),
              HasSubstr("indicative_interval_s = 1: allowed is 0 where schedule is not none"));
  EXPECT_THAT(KeysError(played + "announce_from = \"band\"\n"),
              HasSubstr("announce_from = band: allowed is band only with schedule descending"));
  EXPECT_THAT(KeysError(played + "objective = \"welfare\"\n"),
              HasSubstr("objective = welfare: allowed is asws where schedule is not none"));
}

TEST(MarketFile, NamesTheKeyOfAValueThatDoesNotGoWithTheOthers) {
  for (const char* minutes : {"4", "7", "20", "61"}) {
    EXPECT_EQ(
        KeysError("rounds = 1\nslot_minutes = " + std::string(minutes) + "\n"),
        "markets.toml:4: slot_minutes = " + std::string(minutes) + ": allowed is 5, 15, 30 or 60");
  }
  EXPECT_EQ(KeysError("retail_ticks = 80\nfeed_in_ticks = 81\n"),
            "markets.toml:4: feed_in_ticks = 81: allowed is feed_in_ticks <= retail_ticks; here "
            "retail_ticks = 80");
  EXPECT_EQ(KeysError("retail_ticks = -1\n"),
            "markets.toml:3: retail_ticks = -1: allowed is feed_in_ticks <= retail_ticks; here "
            "feed_in_ticks = 0");
  EXPECT_EQ(KeysError("gate_before_s = 60\nmin_notice_s = 61\n"),
            "markets.toml:4: min_notice_s = 61: allowed is min_notice_s <= gate_before_s; here "
            "gate_before_s = 60");
  EXPECT_THAT(KeysError("rounds = 2\n"),
              HasSubstr("markets.toml:3: rounds = 2: allowed is round_interval_s > 0 where"));
  EXPECT_THAT(KeysError("rounds = 2\nfreeze_s = 60\nround_interval_s = 60\n"),
              HasSubstr("markets.toml:4: freeze_s = 60: allowed is freeze_s < round_interval_s"));
  EXPECT_THAT(KeysError("open_before_s = 600\nfreeze_s = 300\n"),
              HasSubstr("markets.toml:4: freeze_s = 300: allowed is freeze_s < what lies between"));
  EXPECT_THAT(KeysError("gate_before_s = 600\nopen_before_s = 600\n"),
              HasSubstr("markets.toml:4: open_before_s = 600: allowed is open_before_s > "));
  EXPECT_THAT(
      KeysError("band_levels = 2\nband_low_ticks = 1000000000\n"),
      HasSubstr("markets.toml:4: band_low_ticks = 1000000000: allowed is band_low_ticks + "));
}

TEST(MarketFile, NamesTheParameterThatNoOrderOrGameCouldMeet) {
  EXPECT_THAT(KeysError("rule = \"stackelberg\"\nannounce_from = \"band\"\n"),
              HasSubstr("announce_from = band: allowed is band only with schedule descending"));
  EXPECT_THAT(KeysError("rule = \"stackelberg\"\nmin_order_wh = \"1000001\"\n"),
              HasSubstr("min_order_wh = 1000001: allowed is min_order_wh <= order_max_wh"));
}

TEST(MarketFile, TakesWhatTheEngineTakesAndNamesALineOfAKeyForTheRest) {
  for (std::uint64_t seed = 0; seed < engine::Repeats(3'000, 100'000); ++seed) {
    SCOPED_TRACE(seed);
    engine::RandomSource random(seed);
    const auto draw = [&random](std::uint64_t low, std::uint64_t high) {
      return static_cast<std::uint32_t>(low + random.Below(high - low + 1));
    };
    engine::MarketDefinition market;
    market.id = engine::MarketId(1);
    std::string_view("UTC").copy(market.time_zone.data(), 3);
    market.slot_minutes = 5 * draw(1, 6);
    market.open_before_s = draw(1, 1'000);
    market.gate_before_s = draw(0, 300);
    market.min_notice_s = draw(0, 200);
    market.rounds = draw(1, 3);
    market.round_interval_s = draw(0, 200);
    market.freeze_s = draw(0, 200);
    market.band_levels = draw(1, 4);
    market.band_low_ticks = 999'999'995 + static_cast<std::int32_t>(draw(0, 5));
    market.retail_ticks = static_cast<std::int32_t>(draw(0, 6)) - 3;
    market.feed_in_ticks = static_cast<std::int32_t>(draw(0, 6)) - 5;
    if (draw(0, 3) == 0) {
      market.rule.rule = engine::Rule::kMuda;
      market.indicative_interval_s = draw(0, 1);
    }
    const std::string error = MarketError(MarketText(market));
    ASSERT_EQ(error.empty(), engine::IsPossible(market)) << error;
    if (error.empty()) continue;
    ASSERT_THAT(error, MatchesRegex("markets.toml:[0-9]+: [a-z_]+ = .*"));
  }
}

}  // namespace
}  // namespace gateway
