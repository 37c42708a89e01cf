#include "tools/peerwatt/feed_setup.h"

#include <cstring>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "gateway/accounts_file.h"
#include "gateway/market_file.h"
#include "tests/support/feed_files.h"
#include "tools/feed/city.h"

namespace tools {
namespace {

using testing::HasSubstr;

std::string CityFeed() {
  CityOptions city;
  city.homes = 5;
  city.slot_minutes = 60;
  return MakeFeed("city.pwfeed", FeedSource::kCity,
                  [&](FeedWriter& feed) { return GenerateCity(city, feed); });
}

std::string FeedOfMarket(std::string_view name) {
  engine::MarketDefinition market;
  market.id = engine::MarketId{1};
  std::memcpy(market.name.data(), name.data(), name.size());
  std::memcpy(market.time_zone.data(), "Etc/UTC", 7);
  return MakeFeed("named.pwfeed", FeedSource::kJournal, [&](FeedWriter& feed) {
    absl::Status status = feed.Define(engine::CommandType::kGenesis, 1, engine::GenesisBody());
    status.Update(feed.Define(engine::CommandType::kDefineMarket, 1, market));
    return status;
  });
}

absl::Status WriteSetup(const std::string& feed, const std::string& folder,
                        std::uint32_t credentials = 0) {
  return WriteFeedSetup({.feed = feed, .folder = folder, .credentials = credentials, .seed = 1});
}

TEST(FeedSetup, WritesMarketsThatTheDaemonReadsAsTheyWere) {
  const std::string feed = CityFeed();
  const std::string folder = TestPath("setup");
  const absl::Status status = WriteSetup(feed, folder);
  ASSERT_TRUE(status.ok()) << status;
  const auto markets = gateway::ParseMarkets(ReadBytes(folder + "/markets.toml"), "markets.toml");
  ASSERT_TRUE(markets.ok()) << markets.status();
  EXPECT_EQ(*markets,
            DefinitionsOf<engine::MarketDefinition>(feed, engine::CommandType::kDefineMarket));
}

TEST(FeedSetup, EscapesWhatTomlWouldReadInAName) {
  for (const std::string name : {"the \"north\" end", "back\\slash\\", "two\nlines\ttab", "Zürich",
                                 "x\"\nid = 2", "\x7f\x01"}) {
    const std::string folder = TestPath("setup");
    const absl::Status status = WriteSetup(FeedOfMarket(name), folder);
    ASSERT_TRUE(status.ok()) << status;
    const auto markets = gateway::ParseMarkets(ReadBytes(folder + "/markets.toml"), "markets.toml");
    ASSERT_TRUE(markets.ok()) << name << ": " << markets.status();
    EXPECT_EQ(std::string((*markets)[0].name.data()), name);
  }
}

TEST(FeedSetup, DealsTheAccountsOutToSoManyAggregators) {
  const std::string folder = TestPath("setup");
  ASSERT_TRUE(WriteSetup(CityFeed(), folder, 2).ok());
  gateway::Definitions definitions;
  ASSERT_TRUE(
      gateway::ReadCredentials(ReadBytes(folder + "/credentials.csv"), "c", definitions).ok());
  ASSERT_TRUE(gateway::ReadAccounts(ReadBytes(folder + "/accounts.csv"), "a", definitions).ok());
  EXPECT_EQ(definitions.credentials.size(), 2u);
  EXPECT_EQ(definitions.accounts.size(), 5u);
}

TEST(FeedSetup, KeepsTokensToTheOwner) {
  const std::string folder = TestPath("setup");
  ASSERT_TRUE(WriteSetup(CityFeed(), folder).ok());
  struct stat tokens {};
  ASSERT_EQ(stat((folder + "/tokens.csv").c_str(), &tokens), 0);
  EXPECT_EQ(tokens.st_mode & 0777, 0600u);
}

TEST(FeedSetup, NamesAFeedThatIsMissingOrCutShort) {
  EXPECT_THAT(WriteSetup(TestPath("none.pwfeed"), TestPath("setup")).message(),
              HasSubstr("none.pwfeed"));
  const std::string cut = WriteText("cut.pwfeed", ReadBytes(CityFeed()).substr(0, 1'000));
  EXPECT_THAT(WriteSetup(cut, TestPath("setup")).message(),
              HasSubstr("cut.pwfeed: offset 1000: cut"));
  EXPECT_FALSE(std::filesystem::exists(TestPath("setup")));
}

TEST(FeedSetup, NamesAFolderThatCannotBeMadeOrWritten) {
  const std::string feed = CityFeed();
  EXPECT_THAT(WriteSetup(feed, TestPath("none/setup")).message(),
              HasSubstr("none/setup: No such file"));
  const std::string file = WriteText("file", "");
  EXPECT_THAT(WriteSetup(feed, file).message(), HasSubstr("file/markets.toml: Not a directory"));
}

}  // namespace
}  // namespace tools
