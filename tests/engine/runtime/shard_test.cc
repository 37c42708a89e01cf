#include "engine/runtime/shard.h"

#include <algorithm>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/runtime/shard_world.h"

namespace engine {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::vector<EventType> TypesOf(const std::vector<Event>& events) {
  std::vector<EventType> types(events.size());
  std::transform(events.begin(), events.end(), types.begin(),
                 [](const Event& event) { return event.type; });
  return types;
}

template <typename Part>
bool SameBytes(const Part& one, const Part& other) {
  const auto bytes = std::as_bytes(std::span(&one, 1));
  return std::ranges::equal(bytes, std::as_bytes(std::span(&other, 1)));
}

// Two homes that are logged on, each over its own gateway, with the product of 10:00 open.
class ShardOfTwoHomes : public testing::Test {
 protected:
  void SetUp() override {
    world_.Init(SmallMarket(), 2);
    world_.Start();
    world_.Settle();
    LogonBoth();
  }
  void LogonBoth() {
    world_.Logon(0, 1);
    world_.Logon(1, 2);
    world_.Take(0);
    world_.Take(1);
  }
  Reason FirstReason(std::size_t link) {
    for (const Event& event : world_.Take(link)) {
      if (event.type == EventType::kRefusals) return event.refusals.refusals[0].reason;
      if (event.type == EventType::kAnswer && event.answer.refused == 0) return event.answer.reason;
    }
    return Reason::kMalformed;
  }

  ShardWorld world_;
};

TEST_F(ShardOfTwoHomes, NothingLeavesBeforeItIsDurable) {
  world_.disk_answers = false;
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  world_.Settle();
  EXPECT_EQ(world_.shard->exchange().open_orders(), 1u);
  EXPECT_TRUE(world_.Take(0).empty());
  EXPECT_FALSE(world_.shard->AtRest());
  world_.disk_answers = true;
  world_.Settle();
  EXPECT_EQ(TypesOf(world_.Take(0)), std::vector{EventType::kAnswer});
  EXPECT_TRUE(world_.shard->AtRest());
}

// Whoever reads them tells somebody.
TEST_F(ShardOfTwoHomes, CountsOnlyWhatIsDurable) {
  const ShardCounters& counters = world_.shard->counters();
  const std::uint64_t before = counters.sequence.value();
  world_.disk_answers = false;
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  world_.Settle();
  ASSERT_TRUE(world_.Submit(0, 2, Bid(1, 2, 20, 0)));
  world_.Settle();
  EXPECT_EQ(world_.shard->exchange().sequence(), before + 2);
  EXPECT_EQ(counters.sequence.value(), before);
  EXPECT_EQ(counters.durable_sequence.value(), before);
  EXPECT_EQ(counters.orders_accepted.value(), 0U);
  EXPECT_EQ(counters.open_orders.value(), 0U);
  world_.disk_answers = true;
  world_.Settle();
  EXPECT_EQ(counters.sequence.value(), before + 2);
  EXPECT_EQ(counters.durable_sequence.value(), before + 2);
  EXPECT_EQ(counters.orders_accepted.value(), 1U);
  EXPECT_EQ(counters.open_orders.value(), 1U);
  EXPECT_EQ(counters.orders_refused[static_cast<std::size_t>(Reason::kEnergyZero)].value(), 1U);
}

// What was counted without a command, too: a difference of two readings is no negative number.
TEST_F(ShardOfTwoHomes, CountsNothingBack) {
  const ShardCounters& counters = world_.shard->counters();
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  world_.Settle();
  LogonBoth();  // Questions: nothing to be written.
  const std::uint64_t queries = counters.queries.value();
  const std::uint64_t events = counters.events.value();
  ASSERT_GE(queries, 2U);
  world_.disk_answers = false;
  ASSERT_TRUE(world_.Submit(0, 2, Bid(1, 2, 20, 500)));
  world_.Settle();
  EXPECT_GE(counters.queries.value(), queries);
  EXPECT_GE(counters.events.value(), events);
}

TEST_F(ShardOfTwoHomes, WhatWasAnsweredSurvivesAPowerCut) {
  world_.disk_answers = false;
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  world_.Settle();
  world_.Kill();
  world_.disk_answers = true;
  world_.Start();
  EXPECT_EQ(world_.shard->exchange().open_orders(), 0u);  // Nobody had heard of it.
  LogonBoth();
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  world_.Settle();
  ASSERT_EQ(world_.Take(0, EventType::kAnswer).size(), 1u);
  world_.Kill();
  world_.Start();
  EXPECT_EQ(world_.shard->exchange().open_orders(), 1u);
}

TEST_F(ShardOfTwoHomes, AnOrderStampedBeforeTheGateButStillInTheRingIsInTheRound) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 30, 500)));
  world_.SettleAt(kGateNs - 1);
  ASSERT_TRUE(world_.Submit(1, 1, Ask(2, 1, 10, 500)));
  world_.SettleAt(kGateNs + 5);
  EXPECT_EQ(CountOf(world_.Take(0), EventType::kFill), 1u);
  EXPECT_EQ(CountOf(world_.Take(1), EventType::kFill), 1u);
}

TEST_F(ShardOfTwoHomes, AnOrderStampedAtTheGateIsRefused) {
  world_.clock.Set(kGateNs);
  ASSERT_TRUE(world_.Submit(1, 1, Ask(2, 1, 10, 500)));
  world_.Settle();
  const Reason reason = FirstReason(1);
  EXPECT_TRUE(reason == Reason::kGateClosed || reason == Reason::kUnknownProduct);
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 1u);
}

TEST_F(ShardOfTwoHomes, AGateWaitsForAGatewayThatReads) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 30, 500)));
  world_.SettleAt(kGateNs - 1);
  const std::int64_t stamp = world_.gateways[1].BeginRead(world_.clock);
  EXPECT_EQ(stamp, kGateNs - 1);
  const OwnedCommand ask = world_.Orders(2, 1, {Ask(2, 1, 10, 500)});
  world_.SettleAt(kGateNs + 10);
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 0u);
  EXPECT_GT(world_.shard->IdleNs(), 0);
  // The other gateway's later order is not taken before the round that it is too late for.
  ASSERT_TRUE(world_.Submit(0, 2, Bid(1, 2, 40, 500)));
  world_.Settle();
  ASSERT_TRUE(world_.Put(1, ask));
  world_.gateways[1].EndRead();
  world_.Settle();
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 1u);
  EXPECT_EQ(CountOf(world_.Take(1), EventType::kFill), 1u);
  const std::vector<Event> events = world_.Take(0);
  EXPECT_EQ(CountOf(events, EventType::kFill), 1u);
  EXPECT_EQ(CountOf(events, EventType::kRefusals), 1u);
}

TEST_F(ShardOfTwoHomes, ARoundIsStampedWithItsGateWhenTheShardIsOnTime) {
  world_.SettleAt(kGateNs + 900'000'000);
  EXPECT_EQ(world_.shard->exchange().time_ns(), kGateNs);
  EXPECT_EQ(world_.shard->counters().rounds_late.value(), 0u);
}

TEST_F(ShardOfTwoHomes, ARoundMissedWhileItWasDownIsClearedOnReturnIfThereIsNotice) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 30, 500)));
  ASSERT_TRUE(world_.Submit(1, 1, Ask(2, 1, 10, 500)));
  world_.Settle();
  world_.Kill();
  world_.clock.Set(kGateNs + 200 * kSecond);
  world_.Start();
  LogonBoth();
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 1u);
  EXPECT_EQ(world_.shard->counters().rounds_late.value(), 1u);
  EXPECT_EQ(world_.shard->exchange().open_orders(), 0u);
}

TEST_F(ShardOfTwoHomes, ARoundMissedForTooLongIsVoid) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 30, 500)));
  world_.Settle();
  world_.Kill();
  world_.clock.Set(kGateNs + 241 * kSecond);
  world_.Start();
  world_.Settle();
  EXPECT_EQ(world_.shard->counters().rounds_void.value(), 1u);
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 0u);
}

// The shard stands still from before the gate of 10:00 to after that of 10:15.
TEST_F(ShardOfTwoHomes, AVoidRoundTakesNoTimeFromTheGatesBehindIt) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  world_.Settle();
  world_.Take(0);
  const std::int64_t next_gate_ns = kGateNs + std::int64_t{15} * 60 * kSecond;
  world_.clock.Set(next_gate_ns - 1);
  OrderBody order = Bid(2, 1, 20, 500);
  order.product.start_minute = kStart + 15;
  ASSERT_TRUE(world_.Submit(1, 1, order));
  world_.SettleAt(next_gate_ns + 1);
  EXPECT_EQ(CountOf(world_.Take(0), EventType::kRoundVoid), 1u);
  EXPECT_EQ(FirstReason(1), Reason::kNone);
}

TEST_F(ShardOfTwoHomes, ARestartComesToTheSameDigest) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 30, 500)));
  ASSERT_TRUE(world_.Submit(1, 1, Ask(2, 1, 10, 300)));
  world_.SettleAt(kGateNs);
  ASSERT_TRUE(world_.Submit(0, 2, Bid(1, 2, 30, 500)));
  world_.Settle();
  const DigestBytes digest = world_.shard->exchange().StateDigest();
  const std::uint64_t sequence = world_.shard->exchange().sequence();
  world_.Kill();
  world_.Start();
  EXPECT_EQ(world_.recovered.sequence, sequence);
  EXPECT_EQ(ToHex(world_.recovered.digest), ToHex(digest));
  EXPECT_EQ(world_.recovered.rounds, 1u);
}

TEST_F(ShardOfTwoHomes, AResendAfterARestartHearsTheSameBytes) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 30, 0)));  // Refused: no energy.
  world_.Settle();
  const std::vector<Event> first = world_.Take(0);
  ASSERT_EQ(TypesOf(first), (std::vector{EventType::kAnswer, EventType::kRefusals}));
  world_.Kill();
  world_.clock.Advance(kSecond);
  world_.Start();
  LogonBoth();
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 30, 0)));
  world_.Settle();
  const std::vector<Event> again = world_.Take(0);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_TRUE(SameBytes(again[0].answer, first[0].answer));
  EXPECT_TRUE(SameBytes(again[1].refusals, first[1].refusals));
  EXPECT_EQ(world_.shard->counters().screened.value(), 1u);
}

TEST_F(ShardOfTwoHomes, EventsGoWhereTheCredentialLoggedOnLast) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 30, 500)));
  world_.Settle();
  EXPECT_EQ(world_.Take(0).size(), 1u);
  world_.Logon(1, 1);
  EXPECT_EQ(TypesOf(world_.Take(1)),
            (std::vector{EventType::kLogonMarket, EventType::kLogonAnswer}));
  world_.SettleAt(kGateNs);
  EXPECT_EQ(CountOf(world_.Take(0), EventType::kRoundCleared), 0u);
  EXPECT_EQ(CountOf(world_.Take(1), EventType::kRoundCleared), 1u);
}

TEST_F(ShardOfTwoHomes, ADisconnectOfALogonThatIsNotTheLastIsDropped) {
  const auto log_on = [this](std::size_t link) {
    world_.Logon(link, 1);
    const std::vector<Event> answer = world_.Take(link, EventType::kLogonAnswer);
    return answer.size() == 1 ? answer[0].logon_answer.logon : 0;
  };
  const auto disconnect = [this](std::size_t link, std::uint64_t logon) {
    CommandHeader header;
    header.time_ns = world_.clock.NowNs();
    header.credential = CredentialId{1};
    header.type = CommandType::kDisconnect;
    const DisconnectBody body{.logon = logon};
    ASSERT_TRUE(world_.Put(link, OwnedCommand(header, std::span<const DisconnectBody>(&body, 1))));
    world_.Settle();
  };
  const std::uint64_t older = log_on(0);
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  world_.Settle();
  const std::uint64_t newer = log_on(1);
  ASSERT_GT(newer, older);
  disconnect(0, older);
  EXPECT_EQ(world_.shard->exchange().open_orders(), 1u);
  disconnect(1, newer);
  EXPECT_EQ(world_.shard->exchange().open_orders(), 0u);
}

TEST_F(ShardOfTwoHomes, ARefusedLogonIsAnsweredWhereItWasAsked) {
  world_.Logon(1, 77);
  const std::vector<Event> events = world_.Take(1);
  ASSERT_EQ(TypesOf(events), std::vector{EventType::kLogonAnswer});
  EXPECT_EQ(events[0].logon_answer.reason, Reason::kNotAuthorised);
  EXPECT_EQ(events[0].logon_answer.session, 77u);
  EXPECT_TRUE(world_.Take(0).empty());
}

TEST_F(ShardOfTwoHomes, ANewProductIsToldOnEveryLink) {
  world_.SettleAt(ExchangeDriver::MinuteNs(kStart));
  EXPECT_EQ(CountOf(world_.Take(0), EventType::kProductOpened), 1u);
  EXPECT_EQ(CountOf(world_.Take(1), EventType::kProductOpened), 1u);
}

TEST_F(ShardOfTwoHomes, ItSleepsUntilTheNextThingIsDue) {
  world_.clock.Advance(kSecond);  // The journal's idle batch.
  world_.Settle();
  EXPECT_EQ(world_.shard->IdleNs(), kGateNs - world_.clock.NowNs());
}

TEST_F(ShardOfTwoHomes, ADiskThatFailsStopsItAndNothingUndurableIsTold) {
  world_.disk->CutFrom(world_.disk->operations());
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  world_.Settle();
  EXPECT_FALSE(world_.shard->status().ok());
  EXPECT_FALSE(world_.shard->Turn());
  EXPECT_TRUE(world_.Take(0).empty());
}

TEST_F(ShardOfTwoHomes, CountsWhatItDid) {
  ASSERT_TRUE(world_.Put(0, world_.Orders(1, 1, {Bid(1, 1, 20, 500), Bid(1, 2, 20, 0)})));
  world_.Settle();
  const ShardCounters& counters = world_.shard->counters();
  EXPECT_EQ(counters.orders_accepted.value(), 1u);
  EXPECT_EQ(counters.orders_refused[static_cast<std::size_t>(Reason::kEnergyZero)].value(), 1u);
  EXPECT_EQ(counters.queries.value(), 2u);
  EXPECT_EQ(counters.open_orders.value(), 1u);
  EXPECT_EQ(counters.sequence.value(), counters.durable_sequence.value());
}

TEST_F(ShardOfTwoHomes, SettleLeavesNothingBehind) {
  ASSERT_TRUE(world_.Submit(0, 1, Bid(1, 1, 20, 500)));
  ASSERT_TRUE(world_.shard->Turn());
  ASSERT_TRUE(world_.shard->Settle().ok());
  EXPECT_EQ(world_.Take(0).size(), 1u);
  EXPECT_TRUE(world_.shard->AtRest());
}

// A gateway that takes no events: 256 places in its ring, 1,024 held.
TEST_F(ShardOfTwoHomes, AFullEventRingStopsTheIntakeLosesNothingAndResumes) {
  std::uint64_t sent = 0;
  for (bool stuck = false; !stuck;) {
    while (world_.Submit(0, sent + 1, Bid(1, sent + 1, 20, 0))) ++sent;
    world_.Settle();
    stuck = !world_.Submit(0, sent + 1, Bid(1, sent + 1, 20, 0));
    if (!stuck) ++sent;
  }
  // Answers that are out or held are those of commands that were taken; the rest is in the ring.
  EXPECT_LT(world_.shard->counters().commands.value(), sent);
  const std::uint64_t taken = world_.shard->exchange().sequence();
  EXPECT_FALSE(world_.shard->Turn());
  EXPECT_GT(world_.shard->IdleNs(), 0);
  ASSERT_TRUE(world_.Submit(1, 1, Bid(2, 1, 20, 500)));
  world_.Settle();
  EXPECT_EQ(world_.shard->exchange().sequence(), taken);
  const std::vector<Event> events = world_.SettleAndTake(0);
  EXPECT_EQ(CountOf(events, EventType::kAnswer), sent);
  std::uint64_t expected = 1;
  for (const Event& event : events) {
    if (event.type != EventType::kAnswer) continue;
    EXPECT_EQ(event.answer.client_seq, expected++);
  }
  EXPECT_EQ(CountOf(world_.Take(1), EventType::kAnswer), 1u);
}

TEST(Shard, SleepsWhereAnIndicativePriceWaitsForAGatewayThatTakesNothing) {
  ShardWorld world;
  MarketDefinition market = SmallMarket();
  market.indicative_interval_s = 1;
  market.indicative_min_parties = 1;
  world.Init(market, 2);
  world.Start();
  world.Settle();
  world.Logon(0, 1);
  std::uint64_t sent = 0;
  for (bool stuck = false; !stuck;) {
    while (world.Submit(0, sent + 1, Bid(1, sent + 1, 20, 0))) ++sent;
    world.Settle();
    stuck = !world.Submit(0, sent + 1, Bid(1, sent + 1, 20, 0));
    if (!stuck) ++sent;
  }
  world.clock.Advance(2 * kSecond);
  world.Settle();
  EXPECT_GT(world.shard->IdleNs(), 0);
}

}  // namespace
}  // namespace engine
