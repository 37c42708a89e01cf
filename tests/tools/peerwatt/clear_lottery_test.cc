// Rounds of rules with a lottery, drawn again offline.
#include <string>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "engine/core/clearing/lottery.h"
#include "engine/core/hex.h"
#include "tests/tools/peerwatt/clear_text.h"

namespace tools {
namespace {

TEST(Clear, DrawsALotteryAnewFromItsSecretAndTheBook) {
  const std::string rows =
      "1,a,buy,90,5\n2,b,buy,80,5\n3,c,buy,85,4\n4,d,sell,30,5\n5,e,sell,40,5\n";
  std::uint32_t first = 0;
  for (unsigned number = 1; number <= 40; ++number) {
    ClearSetup setup;
    setup.secret = engine::LotteryBytes{static_cast<std::byte>(number)};
    const auto json = ClearText(kHeader + rows, {"lot_wh=5"}, "sbba", setup);
    ASSERT_TRUE(json.ok()) << json.status();
    EXPECT_EQ((*json)["price_ticks"], 80);
    EXPECT_EQ((*json)["volume_wh"], 5);
    EXPECT_EQ((*json)["lottery"]["secret"], engine::ToHex(*setup.secret));
    engine::LotteryBytes seed{};
    ASSERT_TRUE(engine::FromHex((*json)["lottery"]["seed"].get<std::string>(), seed));
    const std::uint64_t unlucky = engine::Lottery(seed).Below(2);
    EXPECT_EQ((*json)["fills"][1]["order_id"], unlucky == 0 ? 5 : 4) << "the seed is the round's";
    first += unlucky == 0 ? 1 : 0;
  }
  EXPECT_GT(first, 10U);
  EXPECT_LT(first, 30U);
}

TEST(Clear, ClearsByHalvesOfTheParties) {
  std::string csv = "order_id,account,party,side,price_ticks,energy_wh\n";
  for (int i = 0; i < 40; ++i) {
    csv += absl::StrCat(i, ",a", i, ",p", i / 2 * 2, i < 20 ? ",buy,90,5\n" : ",sell,30,5\n");
  }
  for (const char* long_side : {"long_side=lottery", "long_side=vickrey"}) {
    const auto json = ClearText(csv, {long_side}, "muda");
    ASSERT_TRUE(json.ok()) << json.status();
    EXPECT_GT((*json)["volume_wh"], 50);
    EXPECT_GE((*json)["operator_balance_units"], 0);
    for (const auto& fill : (*json)["fills"]) {
      // What the other half names: the scarcer side's limit, or the middle where none is.
      const std::int64_t price = fill["price_ticks"].get<std::int64_t>();
      EXPECT_TRUE(price == 30 || price == 60 || price == 90) << price;
    }
    EXPECT_EQ((*json)["lottery"]["secret"],
              "0000000000000000000000000000000000000000000000000000000000000001");
  }
}

TEST(Clear, RefusesASecretThatIsNone) {
  const auto message = [](const char* rule, const std::string& hex) {
    return std::string(ParseSecret(*ParseRule(rule, {}), hex).status().message());
  };
  const std::string some(64, 'a');
  EXPECT_EQ(message("muda", some), "");
  EXPECT_EQ(message("muda", "12"), "secret 12: expected 64 hex digits in lower case, not all 0");
  EXPECT_NE(message("muda", std::string(64, '0')), "");
  EXPECT_NE(message("muda", std::string(64, 'g')), "");
  EXPECT_EQ(message("uniform", some), "secret: the rule has no lottery");
  EXPECT_EQ(ParseRule("sbba", {}).status().message(),
            "rule sbba: parameter lot_wh: expected 1 to 4000000000; must be given");
  EXPECT_FALSE(ParseRule("muda", {"long_side=best"}).ok());
}

}  // namespace
}  // namespace tools
