#include "tools/feed/feed_file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/feed_files.h"
#include "tools/feed/feed_info.h"

namespace tools {
namespace {

using engine::CommandType;
using engine::CredentialId;
using testing::HasSubstr;

engine::OrderBody Order(std::uint64_t id) {
  return {.account = engine::AccountId(1),
          .client_order_id = engine::ClientOrderId(id),
          .product = {.market = engine::MarketId(1), .start_minute = 600},
          .limit_ticks = 20,
          .energy_wh = 500};
}

absl::Status Submit(FeedWriter& feed, std::int64_t time_ns, std::size_t orders,
                    std::uint32_t credential = 1) {
  std::vector<engine::OrderBody> bodies;
  for (std::size_t i = 0; i < orders; ++i) bodies.push_back(Order(i + 1));
  return feed.Append(CommandType::kSubmitOrders, time_ns, CredentialId(credential),
                     std::span<const engine::OrderBody>(bodies));
}

absl::Status WriteSmallFeed(FeedWriter& feed) {
  engine::MarketDefinition market;
  market.id = engine::MarketId(1);
  for (const absl::Status& s :
       {feed.Define(CommandType::kGenesis, 5, engine::GenesisBody{.order_capacity = 10}),
        feed.Define(CommandType::kDefineMarket, 5, market), Submit(feed, 7, 1),
        Submit(feed, 7, 3, 2), Submit(feed, 9, 2)}) {
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

std::string SmallFeed() { return MakeFeed("small.pwfeed", FeedSource::kNem, WriteSmallFeed); }

// Reads to the end or to the first error.
absl::Status ReadAll(const std::string& path, std::size_t* records = nullptr) {
  auto feed = FeedReader::Open(path);
  if (!feed.ok()) return feed.status();
  for (;;) {
    const auto command = feed->Next();
    if (!command.ok()) return command.status();
    if (!command->has_value()) return absl::OkStatus();
    if (records != nullptr) ++*records;
  }
}

TEST(Feed, ComesBackAsItWasWritten) {
  auto feed = FeedReader::Open(SmallFeed());
  ASSERT_TRUE(feed.ok()) << feed.status();
  EXPECT_EQ(feed->header().records, 5u);
  EXPECT_EQ(feed->header().source, FeedSource::kNem);
  EXPECT_EQ(feed->header().seed, 1u);
  EXPECT_EQ(feed->header().first_time_ns, 5);
  std::vector<engine::CommandHeader> headers;
  std::size_t orders = 0;
  for (;;) {
    const auto command = feed->Next();
    ASSERT_TRUE(command.ok()) << command.status();
    if (!command->has_value()) break;
    headers.push_back((*command)->header());
    for (const engine::OrderBody& order : (*command)->Items<engine::OrderBody>()) {
      EXPECT_EQ(order.energy_wh, 500u);
      ++orders;
    }
  }
  ASSERT_EQ(headers.size(), 5u);
  EXPECT_EQ(orders, 6u);
  EXPECT_EQ(headers[4].sequence, 5u);
  EXPECT_EQ(headers[4].time_ns, 9);
}

TEST(Feed, NumbersTheCommandsOfEachCredential) {
  auto feed = FeedReader::Open(SmallFeed());
  ASSERT_TRUE(feed.ok());
  std::vector<std::uint64_t> numbers;
  for (auto command = feed->Next(); command.ok() && command->has_value(); command = feed->Next()) {
    numbers.push_back((*command)->header().client_seq);
  }
  EXPECT_THAT(numbers, testing::ElementsAre(0, 0, 1, 1, 2));
}

TEST(Feed, CanBeReadAgain) {
  auto feed = FeedReader::Open(SmallFeed());
  ASSERT_TRUE(feed.ok());
  for (int pass = 0; pass < 2; ++pass) {
    std::size_t records = 0;
    for (auto command = feed->Next(); command.ok() && command->has_value();
         command = feed->Next()) {
      ++records;
    }
    EXPECT_EQ(records, 5u);
    feed->Rewind();
  }
}

TEST(Feed, IsNotThereUntilItIsFinished) {
  const std::string path = TestPath("unfinished.pwfeed");
  std::filesystem::remove(path);
  auto feed = FeedWriter::Create(path, FeedSource::kCity, 1);
  ASSERT_TRUE(feed.ok());
  ASSERT_TRUE(WriteSmallFeed(*feed).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_THAT(ReadAll(path + ".partial").message(), HasSubstr("not a feed"));
  ASSERT_TRUE(feed->Finish().ok());
  EXPECT_TRUE(ReadAll(path).ok());
  EXPECT_FALSE(Submit(*feed, 10, 1).ok());
}

TEST(Feed, TakesThePlaceOfAFeedAndOfNothingElse) {
  const std::string key = TestPath("lottery.key");
  std::ofstream(key) << "secret\n";
  for (const std::string& path : {key, std::string("/dev/null"), std::string(testing::TempDir())}) {
    const absl::Status status = FeedWriter::Create(path, FeedSource::kCity, 1).status();
    EXPECT_EQ(status.message(), path + ": is there and is no feed: remove it, or name another");
  }
  EXPECT_EQ(ReadBytes(key), "secret\n");
  std::ofstream(key, std::ios::trunc).flush();  // As of a name that was reserved.
  EXPECT_TRUE(FeedWriter::Create(key, FeedSource::kCity, 1).ok());
  EXPECT_TRUE(FeedWriter::Create(SmallFeed(), FeedSource::kCity, 1).ok());
}

TEST(Feed, LeavesNothingBehindWhereItIsNotFinished) {
  const std::string path = TestPath("dropped.pwfeed");
  {
    auto feed = FeedWriter::Create(path, FeedSource::kCity, 1);
    ASSERT_TRUE(feed.ok());
    ASSERT_TRUE(WriteSmallFeed(*feed).ok());
    ASSERT_TRUE(std::filesystem::exists(path + ".partial"));
  }
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Feed, CutShortAnywhereIsAnErrorThatNamesTheOffset) {
  const std::string whole = ReadBytes(SmallFeed());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string path = WriteText("cut.pwfeed", std::string_view(whole).substr(0, size));
    const absl::Status status = ReadAll(path);
    ASSERT_FALSE(status.ok()) << size;
    EXPECT_THAT(status.message(), HasSubstr("cut.pwfeed")) << size;
    if (size >= sizeof(FeedHeader)) {
      EXPECT_THAT(status.message(), HasSubstr("offset " + std::to_string(size) + ": cut short"));
    }
  }
}

TEST(Feed, WithBytesBehindItIsAnError) {
  const std::string path = WriteText("long.pwfeed", ReadBytes(SmallFeed()) + "12345678");
  EXPECT_THAT(ReadAll(path).message(), HasSubstr("more than the feed"));
}

TEST(Feed, WithAnyByteChangedIsAnError) {
  const std::string whole = ReadBytes(SmallFeed());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    EXPECT_FALSE(ReadAll(WriteText("changed.pwfeed", changed)).ok()) << "offset " << at;
  }
}

TEST(Feed, DamageNamesTheRecordAndItsOffset) {
  std::string bytes = ReadBytes(SmallFeed());
  const std::size_t third =
      sizeof(FeedHeader) + (40 + 32) + (40 + sizeof(engine::MarketDefinition));
  bytes[third + 40 + 20] ^= 1;
  std::size_t records = 0;
  const absl::Status status = ReadAll(WriteText("damaged.pwfeed", bytes), &records);
  EXPECT_EQ(records, 2u);
  EXPECT_THAT(status.message(),
              HasSubstr("offset " + std::to_string(third) + ": record 3 of 5 is damaged"));
}

TEST(Feed, TakesNoRecordOlderThanTheOneBefore) {
  auto feed = FeedWriter::Create(TestPath("old.pwfeed"), FeedSource::kCity, 1);
  ASSERT_TRUE(feed.ok() && WriteSmallFeed(*feed).ok());
  EXPECT_THAT(Submit(*feed, 8, 1).message(), HasSubstr("record 6 is older"));
  EXPECT_FALSE(feed->Finish().ok());
}

TEST(Feed, TakesNoDefinitionAfterACommandAndNoCommandWithoutACredential) {
  auto feed = FeedWriter::Create(TestPath("late.pwfeed"), FeedSource::kCity, 1);
  ASSERT_TRUE(feed.ok() && WriteSmallFeed(*feed).ok());
  const engine::MeteringPointBody point{.id = engine::MeteringPointId(1)};
  EXPECT_THAT(feed->Define(CommandType::kDefineMeteringPoint, 10, point).message(),
              HasSubstr("definition after"));
  auto second = FeedWriter::Create(TestPath("nobody.pwfeed"), FeedSource::kCity, 1);
  ASSERT_TRUE(second.ok() && WriteSmallFeed(*second).ok());
  EXPECT_THAT(Submit(*second, 10, 1, 0).message(), HasSubstr("credential"));
}

TEST(Feed, BeginsWithItsOnlyGenesis) {
  auto feed = FeedWriter::Create(TestPath("twice.pwfeed"), FeedSource::kCity, 1);
  ASSERT_TRUE(feed.ok());
  ASSERT_TRUE(feed->Define(CommandType::kGenesis, 1, engine::GenesisBody{}).ok());
  EXPECT_FALSE(feed->Define(CommandType::kGenesis, 1, engine::GenesisBody{}).ok());
  auto second = FeedWriter::Create(TestPath("without.pwfeed"), FeedSource::kCity, 1);
  ASSERT_TRUE(second.ok());
  EXPECT_THAT(Submit(*second, 1, 1).message(), HasSubstr("kGenesis"));
}

TEST(Feed, HoldsNoToken) {
  auto feed = FeedWriter::Create(TestPath("token.pwfeed"), FeedSource::kCity, 1);
  ASSERT_TRUE(feed.ok());
  ASSERT_TRUE(feed->Define(CommandType::kGenesis, 1, engine::GenesisBody{}).ok());
  engine::CredentialBody credential{.id = CredentialId(1)};
  credential.token_hash[31] = std::byte{1};
  EXPECT_THAT(feed->Define(CommandType::kDefineCredential, 1, credential).message(),
              HasSubstr("token"));
}

TEST(Feed, HoldsNoCommandThatTimeAsksFor) {
  auto feed = FeedWriter::Create(TestPath("due.pwfeed"), FeedSource::kCity, 1);
  ASSERT_TRUE(feed.ok() && WriteSmallFeed(*feed).ok());
  EXPECT_THAT(feed->Define(CommandType::kOpenProduct, 10, engine::ProductBody{}).message(),
              HasSubstr("which no feed has"));
}

TEST(Feed, HoldsNoOrderThatTheWireWouldRefuse) {
  for (auto spoil : {+[](engine::OrderBody& o) { o.side = engine::Side(2); },
                     +[](engine::OrderBody& o) { o.response = engine::Response(3); },
                     +[](engine::OrderBody& o) { o.time_in_force = engine::TimeInForce(1); },
                     +[](engine::OrderBody& o) { o.zero = 1; }}) {
    auto feed = FeedWriter::Create(TestPath("bad.pwfeed"), FeedSource::kCity, 1);
    ASSERT_TRUE(feed.ok() && WriteSmallFeed(*feed).ok());
    engine::OrderBody order = Order(1);
    spoil(order);
    EXPECT_FALSE(feed->Append(CommandType::kSubmitOrders, 10, CredentialId(1),
                              std::span<const engine::OrderBody>(&order, 1))
                     .ok());
  }
}

TEST(Feed, TakesAFullFrameAndNoMore) {
  auto feed = FeedWriter::Create(TestPath("full.pwfeed"), FeedSource::kCity, 1);
  ASSERT_TRUE(feed.ok() && WriteSmallFeed(*feed).ok());
  EXPECT_TRUE(Submit(*feed, 10, engine::kFrameOrdersMax).ok());
  EXPECT_FALSE(Submit(*feed, 10, engine::kFrameOrdersMax + 1).ok());
}

TEST(Feed, ThatIsMissingIsAnErrorWithItsName) {
  EXPECT_THAT(ReadAll(TestPath("nowhere.pwfeed")).message(), HasSubstr("nowhere.pwfeed"));
  EXPECT_FALSE(FeedWriter::Create(TestPath("no") + "/folder/x", FeedSource::kCity, 1).ok());
}

TEST(FeedInfo, TellsWhatIsInAFeed) {
  std::ostringstream out;
  ASSERT_TRUE(PrintInfo(SmallFeed(), out).ok());
  EXPECT_THAT(out.str(), HasSubstr("from recorded NEM bids, seed 1"));
  EXPECT_THAT(out.str(), HasSubstr("5 records of 680 bytes"));
  EXPECT_THAT(out.str(), HasSubstr("1970-01-01T00:00:00.000Z"));
  EXPECT_THAT(out.str(), HasSubstr("orders submitted: 6\nframes: 3\n"));
  EXPECT_THAT(out.str(), HasSubstr("3000 Wh in bids, 0 Wh in asks"));
}

TEST(FeedInfo, SaysWhereADamagedFeedBreaks) {
  std::string bytes = ReadBytes(SmallFeed());
  bytes[sizeof(FeedHeader) + 50] ^= 1;
  std::ostringstream out;
  EXPECT_THAT(PrintInfo(WriteText("damaged.pwfeed", bytes), out).message(),
              HasSubstr("offset 64: record 1 of 5"));
}

}  // namespace
}  // namespace tools
