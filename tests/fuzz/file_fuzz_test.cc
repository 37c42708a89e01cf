#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/file_input.h"
#include "tests/fuzz/mutations.h"
#include "tests/support/feed_files.h"

namespace tools {
namespace {

std::string SomeFeed() {
  const std::string path = TestPath("some.pwfeed");
  auto feed = FeedWriter::Create(path, FeedSource::kCity, 1);
  EXPECT_TRUE(feed.ok());
  engine::MarketDefinition market;
  market.id = engine::MarketId{1};
  EXPECT_TRUE(feed->Define(engine::CommandType::kGenesis, 5, engine::GenesisBody{}).ok());
  EXPECT_TRUE(feed->Define(engine::CommandType::kDefineMarket, 5, market).ok());
  for (std::int64_t time_ns = 6; time_ns < 12; ++time_ns) {
    const std::vector<engine::OrderBody> orders(static_cast<std::size_t>(time_ns) % 3 + 1);
    EXPECT_TRUE(feed->Append(engine::CommandType::kSubmitOrders, time_ns, engine::CredentialId{1},
                             std::span(orders))
                    .ok());
  }
  EXPECT_TRUE(feed->Finish().ok());
  return ReadBytes(path);
}

TEST(FileFuzz, SurvivesMutatedFiles) {
  const std::string texts[] = {
      "order_id,account,side,price_ticks,energy_wh,party,response,response_param\n"
      "1,a,buy,200,500,p,quadratic,30000\n2,b,sell,-5,700,q,fixed,0\n",
      "account,start_utc,load_wh,pv_wh\nh1,2024-01-01T00:00:00Z,500,20\n"
      "h2,2024-01-01T00:00:00Z,5,2000\n",
      SomeFeed(),
      std::string(kNemBids),
      std::string(kNemDispatch),
      std::string(kNemDemand),
      "hour,a,b\n0,0.010,1\n1,0.0055,2\n2,0.25,0\n",
      "time,a\n2011-07-01 00:30:00,0.5\n2011-07-01 01:00:00,0.25\n2011-07-01 01:30:00,1\n",
  };
  for (const std::string& text : texts) {
    fuzz::TakeMutants("file", fuzz::BytesOf(text),
                      engine::Repeats(engine::kSanitized ? 100 : 1'000, 100'000), TakeFile);
  }
}

}  // namespace
}  // namespace tools
