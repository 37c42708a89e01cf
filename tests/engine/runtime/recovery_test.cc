#include "engine/runtime/recovery.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/runtime/shard_world.h"

namespace engine {
namespace {

using testing::HasSubstr;

// Definitions, two orders, a round with its outcome.
std::vector<OwnedCommand> SomeJournal() {
  ExchangeDriver driver;
  driver.now_ns = kMorningNs;
  driver.AddMarket(SmallMarket());
  driver.AddAccount(1);
  driver.AddAccount(2);
  driver.AdvanceTo(kGateNs - 1);
  driver.Submit(Bid(1, 1, 30, 500));
  driver.Submit(Ask(2, 1, 10, 500));
  driver.AdvanceTo(kGateNs);
  return std::move(driver.journal);
}

absl::Status ReplayAll(const std::vector<OwnedCommand>& journal, Exchange& exchange) {
  for (const OwnedCommand& command : journal) {
    if (absl::Status status = Replay(command.view(), exchange); !status.ok()) return status;
  }
  return absl::OkStatus();
}

TEST(Recovery, OfAnEmptyJournalIsAnEmptyExchange) {
  SimDisk disk;
  Exchange exchange;
  const absl::StatusOr<Recovery> recovery =
      RecoverExchange(disk, {.folder = "shard-0", .identity = kWorldIdentity}, exchange);
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  EXPECT_EQ(recovery->sequence, 0u);
  EXPECT_EQ(recovery->tail.next_sequence, 1u);
}

TEST(Recovery, ReplaysEveryRecord) {
  ShardWorld world;
  const std::vector<OwnedCommand> journal = SomeJournal();
  world.Append(journal);
  Exchange direct;
  ASSERT_TRUE(ReplayAll(journal, direct).ok());
  world.clock.Set(kGateNs);
  world.Start();
  EXPECT_EQ(world.recovered.sequence, journal.size());
  EXPECT_EQ(world.recovered.rounds, 1u);
  EXPECT_EQ(ToHex(world.recovered.digest), ToHex(direct.StateDigest()));
}

TEST(Recovery, StopsWhereARoundComesOutOtherwiseAndNamesIt) {
  std::vector<OwnedCommand> journal = SomeJournal();
  for (OwnedCommand& command : journal) {
    if (command.header().type != CommandType::kOutcome) continue;
    auto outcome = command.view().Items<OutcomeBody>()[0];
    ++outcome.buy_price_ticks;
    command = OwnedCommand(command.header(), std::span<const OutcomeBody>(&outcome, 1));
  }
  Exchange exchange;
  const absl::Status status = ReplayAll(journal, exchange);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("market 1 product 600"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("round 1"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at 21 and 20 ticks"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at 20 and 20 ticks"));
}

TEST(Recovery, StopsAtACommandThatItsExchangeWouldNotHaveTaken) {
  std::vector<OwnedCommand> journal = SomeJournal();
  for (OwnedCommand& command : journal) {
    if (IsFromClient(command.header().type)) command.header().client_seq = 7;
  }
  Exchange exchange;
  const absl::Status status = ReplayAll(journal, exchange);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("contradicts the state"));
}

TEST(Recovery, StopsAtASequenceOrATimeThatDoesNotFollow) {
  std::vector<OwnedCommand> journal = SomeJournal();
  Exchange skipped;
  EXPECT_FALSE(Replay(journal[1].view(), skipped).ok());
  journal[1].header().time_ns = journal[0].header().time_ns - 1;
  Exchange earlier;
  ASSERT_TRUE(Replay(journal[0].view(), earlier).ok());
  EXPECT_FALSE(Replay(journal[1].view(), earlier).ok());
}

TEST(Recovery, StopsAtARoundWithoutItsOutcome) {
  std::vector<OwnedCommand> journal = SomeJournal();
  std::vector<OwnedCommand> without;
  std::uint64_t sequence = 0;
  for (OwnedCommand& command : journal) {
    if (command.header().type == CommandType::kOutcome) continue;
    command.header().sequence = ++sequence;
    without.push_back(command);
  }
  Exchange exchange;
  EXPECT_FALSE(ReplayAll(without, exchange).ok());
}

}  // namespace
}  // namespace engine
