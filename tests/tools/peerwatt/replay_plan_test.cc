#include "tools/peerwatt/replay_plan.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/feed_files.h"

namespace tools {
namespace {

using engine::CommandType;
using testing::HasSubstr;

constexpr char kTokens[] = "credential,token\n1,pw_a\n2,pw_b\n";
constexpr char kAccounts[] =
    "account,party,metering_point,market,credential,import_limit_w,export_limit_w\n"
    "11,1,1,1,1,0,0\n12,2,2,1,2,0,0\n13,3,3,1,2,0,0\n";

engine::OrderBody Order(std::uint64_t account, std::uint64_t id) {
  engine::OrderBody order;
  order.account = engine::AccountId{account};
  order.client_order_id = engine::ClientOrderId{id};
  order.product = {engine::MarketId{1}, 15'000};
  order.energy_wh = 100;
  return order;
}

// Credential 7 has accounts 11 to 13: it submits two orders, corrects one, cancels one and all.
absl::Status WriteFeed(FeedWriter& feed) {
  engine::MarketDefinition market;
  market.id = engine::MarketId{1};
  const engine::CredentialId credential{7};
  absl::Status status = feed.Define(CommandType::kGenesis, 1, engine::GenesisBody());
  status.Update(feed.Define(CommandType::kDefineMarket, 1, market));
  for (std::uint64_t id = 11; id <= 13; ++id) {
    engine::AccountBody account;
    account.id = engine::AccountId{id};
    account.party = engine::PartyId{id};
    account.market = market.id;
    account.credential = credential;
    status.Update(feed.Define(CommandType::kDefineAccount, 1, account));
  }
  const std::vector<engine::OrderBody> orders = {Order(11, 1), Order(12, 1)};
  const std::vector<engine::OrderBody> replaced = {Order(12, 1)};
  const std::vector<engine::OrderKeyBody> keys = {
      {engine::AccountId{11}, engine::ClientOrderId{1}, {engine::MarketId{1}, 15'000}}};
  const std::vector<engine::OrderScopeBody> all(1);
  const auto append = [&](CommandType type, std::int64_t time_ns, const auto& bodies) {
    status.Update(feed.Append(type, time_ns, credential, std::span(bodies)));
  };
  append(CommandType::kSubmitOrders, 10, orders);
  append(CommandType::kReplaceOrders, 20, replaced);
  append(CommandType::kCancelOrders, 30, keys);
  append(CommandType::kCancelAll, 40, all);
  return status;
}

class ReplayPlanTest : public testing::Test {
 protected:
  absl::StatusOr<ReplayPlan> Plan(std::size_t connections = 0) {
    return MakeReplayPlan(MakeFeed("day.pwfeed", FeedSource::kCity, WriteFeed), folder_,
                          connections);
  }
  std::string Refusal(std::size_t connections = 0) {
    return std::string(Plan(connections).status().message());
  }

  const std::string tokens_ = WriteText("tokens.csv", kTokens);
  const std::string accounts_ = WriteText("accounts.csv", kAccounts);
  const std::string folder_ = std::filesystem::path(tokens_).parent_path().string();
};

TEST_F(ReplayPlanTest, SendsEachAccountsOrdersByItsCredentialInTheFeedsOrder) {
  const auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->clients.size(), 2u);
  EXPECT_EQ(plan->clients[1].token, "pw_b");
  ASSERT_EQ(plan->items.size(), 7u);
  EXPECT_EQ(plan->items[0].client, 0u);
  EXPECT_EQ(plan->items[1].client, 1u);
  EXPECT_EQ(plan->items[2].type, CommandType::kReplaceOrders);
  EXPECT_EQ(plan->items[2].time_ns, 20);
  EXPECT_EQ(plan->items[3].order.client_order_id, engine::ClientOrderId{1});
  EXPECT_EQ(plan->markets.size(), 1u);
}

TEST_F(ReplayPlanTest, CancelsAllOfEachAccountOfTheFeedsCredential) {
  const auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::vector<std::uint64_t> accounts;
  for (const PlannedItem& item : plan->items) {
    if (item.type == CommandType::kCancelAll) {
      accounts.push_back(static_cast<std::uint64_t>(item.order.account));
    }
  }
  EXPECT_THAT(accounts, testing::ElementsAre(11, 12, 13));
}

TEST_F(ReplayPlanTest, TakesAsManyConnectionsAsThereAreCredentials) { EXPECT_TRUE(Plan(2).ok()); }

TEST_F(ReplayPlanTest, RefusesFewerConnectionsThanCredentialsInsteadOfDroppingOrders) {
  EXPECT_THAT(Refusal(1), HasSubstr("belong to 2 credentials"));
  EXPECT_THAT(Refusal(1), HasSubstr("feed setup --credentials 1"));
}

TEST_F(ReplayPlanTest, RefusesMoreConnectionsThanCredentials) {
  EXPECT_THAT(Refusal(3), HasSubstr("feed setup --credentials 3"));
}

TEST_F(ReplayPlanTest, RefusesAnAccountThatTheSetupLacks) {
  WriteText("accounts.csv", "account,credential\n11,1\n");
  EXPECT_THAT(Refusal(), HasSubstr("day.pwfeed: record 6: account 12 is not in"));
}

TEST_F(ReplayPlanTest, NamesTheLineOfAnAccountWhoseCredentialHasNoToken) {
  WriteText("accounts.csv", "account,credential\n11,1\n12,9\n13,2\n");
  EXPECT_THAT(Refusal(),
              HasSubstr("accounts.csv:3: column 'credential': tokens.csv has no credential 9"));
}

TEST_F(ReplayPlanTest, NamesTheLineOfACellThatIsNoNumber) {
  WriteText("tokens.csv", "credential,token\n1,pw_a\ntwo,pw_b\n");
  EXPECT_THAT(Refusal(), HasSubstr("tokens.csv:3: column 'credential': expected a whole number"));
}

TEST_F(ReplayPlanTest, NamesTheColumnThatAHeaderLacks) {
  WriteText("tokens.csv", "credential,secret\n1,pw_a\n");
  EXPECT_THAT(Refusal(), HasSubstr("tokens.csv"));
  EXPECT_THAT(Refusal(), HasSubstr("'token'"));
  WriteText("tokens.csv", kTokens);
  WriteText("accounts.csv", "account;credential\n11;1\n");
  EXPECT_THAT(Refusal(), HasSubstr("accounts.csv"));
  EXPECT_THAT(Refusal(), HasSubstr("'account'"));
}

TEST_F(ReplayPlanTest, RefusesAHeaderWithQuotesARowTooShortAndAnEmptyFile) {
  WriteText("tokens.csv", "\"credential\",\"token\"\n1,pw_a\n");
  EXPECT_THAT(Refusal(), HasSubstr("tokens.csv:1"));
  WriteText("tokens.csv", "credential,token\n1\n");
  EXPECT_THAT(Refusal(), HasSubstr("tokens.csv:2"));
  WriteText("tokens.csv", "credential,token\n");
  EXPECT_THAT(Refusal(), HasSubstr("tokens.csv: has no credential"));
}

TEST_F(ReplayPlanTest, NamesAFileThatIsMissing) {
  std::filesystem::remove(tokens_);
  EXPECT_THAT(Refusal(), HasSubstr("tokens.csv"));
}

}  // namespace
}  // namespace tools
