// Journals that programs of every format have written: each replays to the outcomes that are in it
// and to the state that it came to then. A golden journal is never written anew: a format or a rule
// that changes gets another beside it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/clearing/rules.h"
#include "engine/core/entry_version.h"
#include "engine/core/matching.h"
#include "engine/runtime/recovery.h"
#include "tests/support/acts.h"
#include "tests/support/day_of_a_rule.h"
#include "tests/support/game_table.h"
#include "tests/support/golden_files.h"
#include "tests/support/journal_records.h"
#include "tests/support/rule_name.h"
#include "tests/support/sim_disk.h"

namespace engine {
namespace {

constexpr char kFormatFolder[] = PEERWATT_GOLDEN "/journal_format_1";

struct Golden {
  const char* name;  // The rule with its version, and what else is special.
  std::uint64_t sequence;
  std::uint64_t rounds;
  const char* digest;
};

// As the program that wrote them said.
constexpr Golden kGolden[] = {
    {"uniform_v1", 235, 4, "3d7dbe27761e8a505a786499e66aeec8"},
    {"stackelberg_v1", 236, 5, "9da579f3fc72565017a32f1795a5dfaa"},
    {"pay_as_bid_v1", 234, 4, "0f470d46d135278be6f3253eda9678af"},
    {"mcafee_v1", 234, 5, "10ca86ab1324be0b246033d6fe6197a5"},
    {"trade_reduction_v1", 234, 5, "e0d4d625dc4579522b22b474d448cef2"},
    {"huang_v1", 234, 5, "cfd1ecc8aad7521982b65326b624bffc"},
    {"vcg_v1", 234, 4, "aa652e129f97422cb8e4e79a842e951c"},
    {"reverse_v1", 236, 5, "c3c19153aaef180a812e29f0fda21651"},
    {"forward_v1", 236, 5, "fb64a7e46fe89ebbac5ac5e397df8e16"},
    {"continuous_v1", 234, 5, "2e7bdaaa470568e235a9066b3e41286d"},
    {"continuous_sweep_v1", 42, 4, "ceb63f65b67f933d10cd3038c6f43117"},
    {"sbba_v1", 234, 5, "95a02f9897e079e30f04966f19f24018"},
    {"muda_v1", 234, 4, "d47fe0a3439e6bbef978552d3bab74d8"},
    {"played_descending_v1", 241, 4, "fc91c3297865091f45bb7a59d993d208"},
    {"played_bisecting_v1", 127, 4, "63a6a8e476f5262dcb60583fce1044fd"},
    {"limits_v1", 188, 8, "82d5b3f7df8ab50a71547b7b2634e66b"},
    {"limits_v2", 188, 8, "5de7528190971358490f6eab635ea101"},
    {"acts_v1", 76, 16, "023c20287b87d6102b05d08abed0d1ae"},
};

// The commands of a day as a segment, without the zeros at its end.
std::vector<std::byte> SegmentOf(const ExchangeDriver& driver) {
  SimDisk disk;
  EXPECT_TRUE(disk.CreateFolder("shard-0").ok());
  auto journal = OpenInMemory(disk, {},
                              {.folder = "shard-0",
                               .identity = kTestIdentity,
                               .segment_bytes = std::uint64_t{1} << 20,
                               .batch_bytes = 16 * kBlockBytes,
                               .make_segments_in_thread = false});
  EXPECT_TRUE(journal.ok());
  for (const OwnedCommand& command : driver.journal) {
    if (!(*journal)->HasRoom(command.view().header().length)) {
      EXPECT_TRUE((*journal)->Settle().ok());
    }
    (*journal)->Append(command.view());
  }
  EXPECT_TRUE((*journal)->Settle().ok());
  std::vector<std::byte> bytes = disk.Bytes("shard-0/" + SegmentName(1));
  while (!bytes.empty() && bytes.back() == std::byte()) bytes.pop_back();
  return bytes;
}

void AddRunningDigest(ExchangeDriver& driver) {
  ASSERT_TRUE(driver.Apply(CommandType::kRunningDigest,
                           RunningDigestBody{.digest = driver.exchange.running_digest()}));
}

absl::StatusOr<Recovery> Recovered(const std::vector<std::byte>& segment, Exchange& exchange) {
  SimDisk disk;
  PutFile(SegmentName(1), segment, disk);
  return RecoverExchange(disk, {.folder = "shard-0"}, exchange);
}

template <typename Take>
void ForEachCommand(const std::vector<std::byte>& segment, Take take) {
  SimDisk disk;
  PutFile(SegmentName(1), segment, disk);
  const auto tail = Recover(disk, {.folder = "shard-0"}, [&](CommandView command) {
    take(command);
    return absl::OkStatus();
  });
  EXPECT_TRUE(tail.ok()) << tail.status();
}

// How much the outcomes in it say was traded.
std::uint64_t TradedWh(const std::vector<std::byte>& segment) {
  std::uint64_t energy_wh = 0;
  ForEachCommand(segment, [&energy_wh](CommandView command) {
    if (command.header().type != CommandType::kOutcome) return;
    for (const auto& outcome : command.Items<OutcomeBody>()) energy_wh += outcome.energy_wh;
  });
  return energy_wh;
}

// What this program would add to the golden journals: to a folder that the environment names, with
// the lines for the table above on the standard output.
void Write(const std::string& name, ExchangeDriver& driver) {
  AddRunningDigest(driver);
  const std::vector<std::byte> segment = SegmentOf(driver);
  Exchange exchange;
  const absl::StatusOr<Recovery> recovery = Recovered(segment, exchange);
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  ASSERT_EQ(recovery->digest, driver.exchange.StateDigest());
  const char* folder = std::getenv("PEERWATT_WRITE_GOLDEN");
  if (folder == nullptr) return;
  std::ofstream out(std::string(folder) + "/" + name + ".seg", std::ios::binary);
  out.write(reinterpret_cast<const char*>(segment.data()),
            static_cast<std::streamsize>(segment.size()));
  std::cout << "    {\"" << name << "\", " << recovery->sequence << ", " << recovery->rounds
            << ", \"" << ToHex(recovery->digest) << "\"},\n";
}

class GoldenJournal : public testing::TestWithParam<Golden> {};

TEST_P(GoldenJournal, ReplaysToItsOutcomesAndItsState) {
  const std::vector<std::byte> segment =
      BytesOfFile(std::string(kFormatFolder) + "/" + GetParam().name + ".seg");
  ASSERT_FALSE(segment.empty());
  EXPECT_GT(TradedWh(segment), 0u) << "a day on which nothing trades guards nothing";
  Exchange exchange;
  const absl::StatusOr<Recovery> recovery = Recovered(segment, exchange);
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  EXPECT_EQ(recovery->sequence, GetParam().sequence);
  EXPECT_EQ(recovery->rounds, GetParam().rounds);
  EXPECT_EQ(ToHex(recovery->digest), GetParam().digest);
}

INSTANTIATE_TEST_SUITE_P(, GoldenJournal, testing::ValuesIn(kGolden),
                         [](const auto& golden) { return std::string(golden.param.name); });

TEST(GoldenJournals, AreOfEveryRuleAndAllOfThemAreReplayed) {
  std::set<std::string> known;
  for (const Golden& golden : kGolden) known.insert(golden.name);
  for (const RuleEntry& entry : Rules()) {
    EXPECT_TRUE(known.contains(RuleNameOf(entry))) << entry.name;
  }
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(kFormatFolder)) {
    EXPECT_TRUE(known.contains(file.path().stem().string())) << file.path();
    ++files;
  }
  EXPECT_EQ(files, known.size());
}

TEST(GoldenJournals, OneOfThemHasASweepThatTookMoreThanACommand) {
  std::size_t commands = 0;
  ForEachCommand(BytesOfFile(std::string(kFormatFolder) + "/continuous_sweep_v1.seg"),
                 [&commands](CommandView command) {
                   commands += command.header().type == CommandType::kContinueMatching ? 1 : 0;
                 });
  EXPECT_EQ(commands, 1u);
}

TEST(GoldenJournals, OneOfThemHasActsOfEveryKindOfDefinitionAndOfAnOperator) {
  std::set<CommandType> kinds;
  std::set<CredentialId> actors;
  ForEachCommand(BytesOfFile(std::string(kFormatFolder) + "/acts_v1.seg"),
                 [&](CommandView command) {
                   const DefinitionView what(command);
                   if (what.act() == nullptr) return;
                   kinds.insert(what.type());
                   actors.insert(what.act()->who);
                 });
  EXPECT_EQ(kinds.size(), 5u);
  EXPECT_EQ(actors, (std::set<CredentialId>{CredentialId{}, CredentialId{9}}));
}

TEST(GoldenJournals, CanBeWrittenOfEveryRule) {
  for (const RuleEntry& entry : Rules()) {
    SCOPED_TRACE(entry.name);
    DayOfARule day(7, entry, /*steps=*/150);
    Write(RuleNameOf(entry), day.driver);
  }
}

// One order that has more trades than a command may make, and another that waits for their end.
TEST(GoldenJournals, CanBeWrittenOfASweep) {
  constexpr std::uint32_t kAsks = Matching::kTradesACommand + 1;
  MarketDefinition market = SmallMarket();
  market.rule.rule = Rule::kContinuous;
  market.party_orders_max = kPartyOrdersMax;
  ExchangeDriver driver;
  driver.AddMarket(market);
  for (const std::uint32_t account : {1u, 3u, 4u}) driver.AddAccount(account);
  driver.AddAccount(2, /*party=*/2, /*credential=*/1);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  for (std::uint32_t first = 0; first < kAsks; first += kFrameOrdersMax) {
    std::vector<OrderBody> asks;
    for (std::uint32_t i = first; i < std::min(first + kFrameOrdersMax, kAsks); ++i) {
      asks.push_back(Ask(1 + i % 2, i + 1, 20, 1));
    }
    ASSERT_TRUE(driver.Submit(1, asks).empty());
  }
  ASSERT_TRUE(driver.Submit(3, {Bid(3, 1, 20, kAsks + 5)}).empty());
  ASSERT_EQ(driver.Submit(Bid(4, 1, 20, 1)), Reason::kMatching);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
  Write("continuous_sweep_v1", driver);
}

// Orders at limits of connections, of which two parties share one, in two rounds, by each version
// of order entry.
TEST(GoldenJournals, CanBeWrittenOfLimits) {
  for (std::uint16_t version = 1; version <= kEntryVersion; ++version) {
    RandomSource random(11);
    ExchangeDriver driver(1'000, version);
    driver.AddMarket(TwoRounds(/*carry_over=*/1));
    for (std::uint32_t account = 1; account <= 8; ++account) {
      driver.AddAccount(account);
      const MeteringPointBody point{
          .id = MeteringPointId{account}, .import_limit_w = 2'000, .export_limit_w = 2'000};
      ASSERT_TRUE(driver.Apply(CommandType::kDefineMeteringPoint, point));
    }
    const AccountBody shared{.id = AccountId{9},
                             .party = PartyId{9},
                             .metering_point = MeteringPointId{1},
                             .market = kMarket,
                             .credential = CredentialId{2}};
    ASSERT_TRUE(driver.Apply(CommandType::kDefineAccount, shared));
    driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
    for (std::uint64_t id = 1; id <= 120; ++id) {
      const auto account = static_cast<std::uint32_t>(1 + random.Below(9));
      const Side side = account % 2 == 0 ? Side::kBuy : Side::kSell;
      const auto ticks = static_cast<std::int32_t>(side == Side::kBuy ? 40 : 10);
      const auto energy_wh = static_cast<std::uint32_t>(1 + random.Below(200));
      driver.Submit(account == 9 ? 2 : account, {MakeOrder(side, account, id, ticks, energy_wh)});
      if (id == 60) driver.AdvanceTo(ExchangeDriver::MinuteNs(586));
    }
    driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
    Write("limits_v" + std::to_string(version), driver);
  }
}

// Every kind of definition, by whoever owns the machine and by an operator, before and while there
// is trading.
TEST(GoldenJournals, CanBeWrittenOfActs) {
  ExchangeDriver driver;
  std::vector<MarketDefinition> markets(2, TwoRounds(1));
  markets[1].id = MarketId{2};
  std::vector<MeteringPointBody> points;
  std::vector<CredentialBody> credentials;
  std::vector<AccountBody> accounts;
  for (std::uint32_t id = 1; id <= 4; ++id) {
    points.push_back({.id = MeteringPointId{id}, .import_limit_w = 10'000});
    credentials.push_back({.id = CredentialId{id}, .token_hash = {std::byte(id)}});
    accounts.push_back({.id = AccountId{id},
                        .party = PartyId{id},
                        .metering_point = MeteringPointId{id},
                        .market = kMarket,
                        .credential = CredentialId{id}});
  }
  credentials.push_back({.id = CredentialId{9},
                         .kind = CredentialKind::kOperator,
                         .roles = kAllRoles,
                         .token_hash = {std::byte{9}}});
  ASSERT_TRUE(ApplyAct(driver, markets));
  ASSERT_TRUE(ApplyAct(driver, points));
  ASSERT_TRUE(ApplyAct(driver, credentials));
  ASSERT_TRUE(ApplyAct(driver, accounts));
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  ASSERT_TRUE(driver.Submit(1, {Bid(1, 1, 30, 500)}).empty());
  ASSERT_TRUE(driver.Submit(2, {Ask(2, 1, 20, 300)}).empty());
  const std::vector<CertificateBody> certificates = {
      {.credential = CredentialId{1}, .place = 0, .hash = {std::byte{1}}},
      {.credential = CredentialId{2}, .place = 1, .hash = {std::byte{2}}}};
  ASSERT_TRUE(ApplyAct(driver, certificates, 9, "certificates for Übergabe 4711, \"new\" ones"));
  driver.AdvanceTo(ExchangeDriver::MinuteNs(590));
  points[2].export_limit_w = 5'000;
  credentials[4].roles = static_cast<std::uint8_t>(Role::kSurveillance);
  ASSERT_TRUE(ApplyAct(driver, std::vector{points[2]}, 9));
  ASSERT_TRUE(ApplyAct(driver, std::vector{credentials[4]}, 9));
  ASSERT_FALSE(ApplyAct(driver, std::vector{points[2]}, 9));
  ASSERT_TRUE(driver.Submit(3, {Ask(3, 1, 25, 100)}).empty());
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kStart));
  Write("acts_v1", driver);
}

TEST(GoldenJournals, CanBeWrittenOfAPlayedRound) {
  for (const Schedule schedule : {Schedule::kDescending, Schedule::kBisecting}) {
    GameTable table(PlayedMarket(schedule));
    table.PlayHonestly(3);
    const ResumeBody resume{.product = {}, .until_ns = table.driver.now_ns + 5 * kSecondNs};
    ASSERT_TRUE(table.driver.Apply(CommandType::kResumeGames, resume));
    table.PlayHonestly();
    ASSERT_TRUE(table.IsOver());
    Write(schedule == Schedule::kDescending ? "played_descending_v1" : "played_bisecting_v1",
          table.driver);
  }
}

}  // namespace
}  // namespace engine
