#include "tools/feed/journal_export.h"

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/acts.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/feed_files.h"
#include "tests/support/feed_replay.h"
#include "tests/support/journal_records.h"

namespace tools {
namespace {

using engine::CommandType;
using engine::ExchangeDriver;
using testing::HasSubstr;

constexpr const char* kKey = "a secret of sixteen bytes or more";

// Three accounts trade, one corrects itself, one leaves.
ExchangeDriver TradedDay() {
  ExchangeDriver driver;
  driver.AddMarket(engine::SmallMarket());
  for (const std::uint32_t account : {70u, 71u, 72u}) driver.AddAccount(account);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(560));
  driver.Submit(engine::Bid(70, 1, 30, 500));
  driver.Submit(engine::Ask(71, 1, 20, 400));
  driver.Submit(engine::Ask(72, 9, 25, 300));
  driver.Replace(engine::Bid(70, 1, 30, 600));
  driver.Cancel(72, 9);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(700));
  return driver;
}

void WriteJournal(const ExchangeDriver& driver, engine::SimDisk& disk) {
  ASSERT_TRUE(disk.CreateFolder("shard-0").ok());
  auto journal = engine::OpenInMemory(disk, engine::JournalTail{});
  ASSERT_TRUE(journal.ok()) << journal.status();
  for (const engine::OwnedCommand& command : driver.journal) {
    (*journal)->Append(command.view());
    while ((*journal)->durable_sequence() != (*journal)->appended_sequence()) {
      ASSERT_TRUE((*journal)->Turn(0).ok());
    }
  }
  ASSERT_TRUE((*journal)->Settle().ok());
}

std::string Export(const ExchangeDriver& driver, const std::string& key, const std::string& name) {
  engine::SimDisk disk;
  WriteJournal(driver, disk);
  std::ostringstream report;
  return MakeFeed(name, FeedSource::kJournal, [&](FeedWriter& feed) {
    return ExportJournal(disk, {.folder = "shard-0", .key_file = WriteText("key", key)}, feed,
                         report);
  });
}

TEST(JournalExport, TradesAsTheJournalDid) {
  const ExchangeDriver driver = TradedDay();
  ASSERT_EQ(driver.Fills().size(), 2u);
  FeedReplay replay(Export(driver, kKey, "day.pwfeed"));
  EXPECT_TRUE(replay.refused.empty());
  EXPECT_EQ(replay.fills, 2u);
  EXPECT_EQ(replay.traded_wh, 400u);
  EXPECT_EQ(replay.prices[engine::kStart], driver.Fills()[0].price_ticks);
}

TEST(JournalExport, HoldsNoOldNumberNoTokenAndNoClusterId) {
  const std::string path = Export(TradedDay(), kKey, "day.pwfeed");
  std::set<std::uint64_t> accounts;
  for (const auto& account :
       DefinitionsOf<engine::AccountBody>(path, CommandType::kDefineAccount)) {
    accounts.insert(static_cast<std::uint64_t>(account.id));
    EXPECT_LE(static_cast<std::uint64_t>(account.party), 3u);
    EXPECT_LE(static_cast<std::uint64_t>(account.metering_point), 3u);
  }
  EXPECT_EQ(accounts, (std::set<std::uint64_t>{1, 2, 3}));
  for (const auto& c :
       DefinitionsOf<engine::CredentialBody>(path, CommandType::kDefineCredential)) {
    EXPECT_EQ(c.token_hash, engine::TokenHash{});
  }
  for (const auto& genesis : DefinitionsOf<engine::GenesisBody>(path, CommandType::kGenesis)) {
    EXPECT_EQ(genesis.cluster_id, (std::array<std::byte, 16>{}));
  }
  for (const FedOrder& fed : OrdersOf(path)) {
    EXPECT_NE(fed.order.client_order_id, engine::ClientOrderId(1));
  }
}

// As an operator's files become commands now.
TEST(JournalExport, TakesDefinitionsOutOfActsAndNoRoles) {
  ExchangeDriver driver;
  const auto secret = engine::TokenHash{std::byte{1}};
  ASSERT_TRUE(ApplyAct(driver, std::vector{engine::SmallMarket()}));
  ASSERT_TRUE(ApplyAct(
      driver, std::vector<engine::MeteringPointBody>{{.id = engine::MeteringPointId{70}}}));
  ASSERT_TRUE(ApplyAct(driver, std::vector<engine::CredentialBody>{
                                   {.id = engine::CredentialId{70}, .token_hash = secret},
                                   {.id = engine::CredentialId{71},
                                    .kind = engine::CredentialKind::kOperator,
                                    .roles = engine::kAllRoles}}));
  ASSERT_TRUE(ApplyAct(driver, std::vector<engine::CertificateBody>{
                                   {.credential = engine::CredentialId{70}, .hash = secret}}));
  driver.AddAccount(70);
  driver.AddAccount(72, 0, 71);
  const std::string path = Export(driver, kKey, "acts.pwfeed");
  EXPECT_EQ(DefinitionsOf<engine::MarketDefinition>(path, CommandType::kDefineMarket).size(), 1u);
  EXPECT_EQ(DefinitionsOf<engine::AccountBody>(path, CommandType::kDefineAccount).size(), 2u);
  const auto credentials =
      DefinitionsOf<engine::CredentialBody>(path, CommandType::kDefineCredential);
  ASSERT_EQ(credentials.size(), 2u);
  for (const engine::CredentialBody& body : credentials) {
    EXPECT_EQ(body.roles, engine::kNoRoles);
    EXPECT_EQ(body.token_hash, engine::TokenHash{});
  }
}

TEST(JournalExport, RepeatsWithItsKeyAndDiffersWithAnother) {
  const ExchangeDriver driver = TradedDay();
  const std::string first = ReadBytes(Export(driver, kKey, "first.pwfeed"));
  EXPECT_EQ(first, ReadBytes(Export(driver, kKey, "again.pwfeed")));
  EXPECT_NE(first, ReadBytes(Export(driver, "another secret of some bytes", "other.pwfeed")));
}

TEST(JournalExport, KeepsWhatWasRefused) {
  ExchangeDriver driver = TradedDay();
  driver.Submit(engine::Bid(70, 2, 30, 500));  // Long after the gate.
  FeedReplay replay(Export(driver, kKey, "late.pwfeed"));
  EXPECT_EQ(replay.refused.size(), 1u);
}

TEST(JournalExport, MakesADisconnectACancelOfAll) {
  ExchangeDriver driver;
  driver.AddMarket(engine::SmallMarket());
  driver.AddAccount(70);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(560));
  driver.Submit(engine::Bid(70, 1, 30, 500));
  ASSERT_TRUE(driver.ApplyFrom(engine::CredentialId(70), 0, CommandType::kDisconnect,
                               std::span<const engine::OrderScopeBody>()));
  FeedReplay replay(Export(driver, kKey, "left.pwfeed"));
  EXPECT_TRUE(replay.refused.empty());
  EXPECT_EQ(replay.rounds, 0u);
}

TEST(JournalExport, NeedsAKeyAndAJournal) {
  engine::SimDisk disk;
  ASSERT_TRUE(disk.CreateFolder("shard-0").ok());
  std::ostringstream report;
  auto feed = FeedWriter::Create(TestPath("x.pwfeed"), FeedSource::kJournal, 0);
  ASSERT_TRUE(feed.ok());
  const auto why_not = [&](const std::string& key_file) {
    return std::string(
        ExportJournal(disk, {.folder = "shard-0", .key_file = key_file}, *feed, report).message());
  };
  EXPECT_THAT(why_not(TestPath("nowhere")), HasSubstr("cannot read the key"));
  EXPECT_THAT(why_not(WriteText("short", "fifteen bytes..")), HasSubstr("16 to 4096 bytes"));
  EXPECT_THAT(why_not(WriteText("key", kKey)), HasSubstr("the journal is empty"));
}

}  // namespace
}  // namespace tools
