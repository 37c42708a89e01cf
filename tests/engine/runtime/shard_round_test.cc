// Rounds that take many turns, follow one another or were interrupted.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/runtime/shard_world.h"

namespace engine {
namespace {

// Two markets whose rounds of 10:00 take many turns to be handed out: credentials 1 and 2 are on
// link 0, 100 and 101 on link 1.
class ShardOfTwoBigRounds : public testing::Test {
 protected:
  static constexpr std::uint32_t kOrders = 500;

  void SetUp() override {
    world_.Init(SmallMarket(), 2, 2);
    world_.Start();
    world_.Settle();
    for (const std::uint32_t credential : {1u, 2u, 100u, 101u}) {
      world_.Logon(LinkOf(credential), credential);
      std::vector<OrderBody> orders;
      for (std::uint64_t id = 1; id <= kOrders; ++id) {
        orders.push_back(credential % 2 == 0 ? Bid(credential, id, 50, 10)
                                             : Ask(credential, id, 20, 10));
        orders.back().product.market = MarketOf(credential);
      }
      ASSERT_TRUE(world_.Put(LinkOf(credential), world_.Orders(credential, 1, orders)));
    }
    world_.SettleAt(kGateNs - 1);
    world_.Take(0);
    world_.Take(1);
    ASSERT_EQ(world_.shard->exchange().open_orders(), 4 * kOrders);
  }

  static std::size_t LinkOf(std::uint32_t credential) { return credential < 100 ? 0 : 1; }
  static MarketId MarketOf(std::uint32_t credential) {
    return credential < 100 ? kMarket : kOtherMarket;
  }
  // An order for the product of 10:15, with the time that it is.
  void SubmitForNext(std::uint32_t credential) {
    OrderBody order = Bid(credential, 1, 30, 500);
    order.product = {MarketOf(credential), kStart + 15};
    ASSERT_TRUE(world_.Submit(LinkOf(credential), 2, order));
  }
  // Turns a few times, until the credential's link has an answer.
  std::vector<Event> AnswerSoon(std::uint32_t credential) {
    std::vector<Event> answers;
    for (int i = 0; i < 8 && answers.empty(); ++i) {
      world_.shard->Turn();
      answers = world_.Take(LinkOf(credential), EventType::kAnswer);
    }
    return answers;
  }

  ShardWorld world_{2, {.held_events = 1'024, .events_a_turn = 16}};
};

TEST_F(ShardOfTwoBigRounds, OtherBooksGoOnWhileARoundIsHandedOut) {
  world_.clock.Set(kGateNs);
  for (int i = 0; i < 8; ++i) world_.shard->Turn();
  ASSERT_TRUE(world_.shard->exchange().Draining());
  SubmitForNext(100);
  const std::vector<Event> answers = AnswerSoon(100);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].answer.refused, 0u);
  EXPECT_TRUE(world_.shard->exchange().Draining());
  const std::vector<Event> events = world_.SettleAndTake(0);
  EXPECT_FALSE(world_.shard->exchange().Draining());
  EXPECT_GT(CountOf(events, EventType::kFill), kOrders);
}

TEST_F(ShardOfTwoBigRounds, ARoundIsFinishedWhileAnotherIsStillHandedOut) {
  world_.clock.Set(kGateNs);
  const Exchange& exchange = world_.shard->exchange();
  bool finished_early = false;
  std::uint64_t closed_at = 0;
  for (int i = 0; i < 1'000 && (closed_at == 0 || exchange.Draining()); ++i) {
    world_.shard->Turn();
    world_.Take(0);
    world_.Take(1);
    if (closed_at == 0 && world_.shard->counters().rounds_cleared.value() == 2) {
      closed_at = exchange.sequence();
    }
    // Nobody sends anything: a command behind both outcomes is a finish.
    finished_early |= closed_at != 0 && exchange.sequence() > closed_at && exchange.Draining();
  }
  EXPECT_FALSE(exchange.Draining());
  EXPECT_TRUE(finished_early);
}

TEST(Shard, NumberedEventsArriveInOrderWithoutGaps) {
  ShardWorld world(1);
  world.Init(SmallMarket(), 2);
  world.Start();
  world.Settle();
  world.Logon(0, 1);
  world.Logon(0, 2);
  std::uint64_t seq = 0;
  std::vector<std::uint64_t> next(3, 1);
  for (std::uint32_t start = kStart; start < kStart + 60; start += 15) {
    OrderBody bid = Bid(1, start, 40, 700);
    OrderBody ask = Ask(2, start, 20, 500);
    bid.product.start_minute = start;
    ask.product.start_minute = start;
    ++seq;
    ASSERT_TRUE(world.Submit(0, seq, bid));
    ASSERT_TRUE(world.Submit(0, seq, ask));
    world.SettleAt(ExchangeDriver::MinuteNs(start - 5));
    for (const Event& event : world.SettleAndTake(0)) {
      if (event.event_number == 0) continue;
      EXPECT_EQ(event.event_number, next[static_cast<std::size_t>(event.credential)]++);
    }
  }
  EXPECT_EQ(next[1], 9u);  // Four rounds, one fill in each.
  EXPECT_EQ(next[2], 9u);
}

// Journals that end in the middle of a round, as a daemon leaves them that dies there.
class InterruptedRound : public testing::Test {
 protected:
  // A driver that stands right after its round has closed and its outcome is known.
  static std::vector<OwnedCommand> WholeRound(std::size_t& commands_before_close) {
    ExchangeDriver driver;
    driver.now_ns = kMorningNs;
    driver.AddMarket(SmallMarket());
    driver.AddAccount(1);
    driver.AddAccount(2);
    driver.AdvanceTo(kGateNs - 1);
    driver.Submit(Bid(1, 1, 30, 500));
    driver.Submit(Ask(2, 1, 10, 500));
    commands_before_close = driver.journal.size();
    driver.AdvanceTo(kGateNs);
    return std::move(driver.journal);
  }

  // Starts on the first `commands` of it and lets the shard come to rest.
  std::uint64_t RestAfter(const std::vector<OwnedCommand>& journal, std::size_t commands) {
    world_.Append({journal.begin(), journal.begin() + static_cast<std::ptrdiff_t>(commands)});
    world_.clock.Set(kGateNs);
    world_.Start();
    world_.Settle();
    return world_.shard->exchange().sequence();
  }

  ShardWorld world_;
};

TEST_F(InterruptedRound, GetsItsOutcomeAndIsFinished) {
  std::size_t before = 0;
  const std::vector<OwnedCommand> journal = WholeRound(before);
  EXPECT_EQ(RestAfter(journal, before + 1), journal.size());
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 1u);
  EXPECT_EQ(world_.shard->exchange().open_orders(), 0u);
  const std::string digest = ToHex(world_.shard->exchange().StateDigest());
  world_.Kill();
  world_.Start();
  EXPECT_EQ(ToHex(world_.recovered.digest), digest);
}

TEST_F(InterruptedRound, IsFinishedAfterItsOutcome) {
  std::size_t before = 0;
  const std::vector<OwnedCommand> journal = WholeRound(before);
  EXPECT_EQ(RestAfter(journal, before + 2), journal.size());
  EXPECT_EQ(world_.shard->counters().rounds_cleared.value(), 0u);  // It was, by another process.
}

}  // namespace
}  // namespace engine
