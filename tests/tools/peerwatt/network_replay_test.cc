#include "tools/peerwatt/network_replay.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace tools {
namespace {

using testing::HasSubstr;

constexpr engine::ProductId kProduct{engine::MarketId{1}, 15'000'000};

NetworkReplayResult ResultOf(std::uint64_t fills, std::uint64_t rounds_to_come, bool told) {
  NetworkReplayResult result;
  result.orders = 3;
  result.accepted = 2;
  result.refused[engine::Reason::kUnknownOrder] = 1;
  result.fills = fills;
  result.rounds_to_come = rounds_to_come;
  result.elapsed_ns = 1'000'000'000;
  result.products[kProduct].is_told = told;
  return result;
}

nlohmann::json JsonOf(const NetworkReplayResult& result) {
  std::ostringstream out;
  PrintReplayJson(result, out);
  return nlohmann::json::parse(out.str());
}

std::string TextOf(const NetworkReplayResult& result) {
  std::ostringstream out;
  PrintReplayText(result, out);
  return out.str();
}

TEST(NetworkReplayResult, SaysThatFillsWereNotWaitedForInsteadOfZero) {
  const NetworkReplayResult result = ResultOf(0, 96, /*told=*/false);
  EXPECT_TRUE(JsonOf(result)["fills"].is_null());
  EXPECT_EQ(JsonOf(result)["rounds_to_come"], 96);
  EXPECT_THAT(JsonOf(result)["note"], HasSubstr("96 products were not waited for"));
  EXPECT_THAT(TextOf(result), HasSubstr("96 products were not waited for"));
}

TEST(NetworkReplayResult, CountsTheFillsOfTheRoundsThatItHeard) {
  EXPECT_EQ(JsonOf(ResultOf(5, 90, /*told=*/true))["fills"], 5);
  EXPECT_EQ(JsonOf(ResultOf(0, 0, /*told=*/true))["fills"], 0);
  EXPECT_FALSE(JsonOf(ResultOf(5, 0, /*told=*/true)).contains("note"));
  EXPECT_THAT(TextOf(ResultOf(5, 90, /*told=*/true)), HasSubstr("5 (fills of 90 products"));
}

TEST(NetworkReplayResult, CountsRefusalsByReason) {
  EXPECT_EQ(JsonOf(ResultOf(0, 0, /*told=*/true))["refused"],
            (nlohmann::json{{"unknown_order", 1}}));
  EXPECT_THAT(TextOf(ResultOf(0, 0, /*told=*/true)), HasSubstr("refused   1 unknown_order"));
}

// A replay that began before its daemon, or elsewhere, says so at once.
TEST(NetworkReplay, EndsWhereNoDaemonIsThere) {
  ReplayPlan plan;
  plan.clients = {{.credential = engine::CredentialId{5}, .token = "pw_secret"}};
  NetworkReplayOptions options;
  options.port = 1;
  const auto replay = ReplayOverNetwork(plan, options);
  EXPECT_TRUE(absl::IsUnavailable(replay.status()));
  EXPECT_EQ(replay.status().message(), "cannot connect to 127.0.0.1:1: Connection refused");
}

}  // namespace
}  // namespace tools
