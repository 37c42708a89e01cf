// Whether an order is in time, on random schedules of two gateways and a shard that may be late.
#include <cstdint>
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "tests/engine/runtime/shard_world.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::uint32_t kGateBeforeS[2] = {1'200, 1'217};

// Two markets whose gates interleave; credential 1 trades in the one, 100 in the other.
class RandomSchedule {
 public:
  explicit RandomSchedule(std::uint64_t seed) : random_(seed) {
    MarketDefinition market = SmallMarket();
    market.slot_minutes = 5;
    market.open_before_s = 3'000;
    market.gate_before_s = kGateBeforeS[0];
    world_.Init(market, 1, 1, kGateBeforeS[1] - kGateBeforeS[0]);
    world_.Start();
    world_.Settle();
    world_.Logon(0, 1);
    world_.Logon(1, 100);
    Collect();
  }

  void Run() {
    for (int step = 0; step < 600; ++step) Step();
    Publish(0);
    Publish(1);
    for (int i = 0; i < 1'000 && answered_ < sent_; ++i) {
      world_.Settle();
      Collect();
    }
  }

  const absl::Status& status() const { return world_.shard->status(); }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t answered() const { return answered_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t wrong() const { return wrong_; }

 private:
  void Step() {
    const std::size_t link = random_.Below(2);
    switch (random_.Below(6)) {
      case 0:
        return Pass(random_.Below(2'000) * kMillisecond);
      case 1:  // Now and then everything stands still for long.
        return Pass(random_.Below(4) == 0 ? random_.Below(60) * kSecond : 0);
      case 2:
        return Read(link);
      case 3:
        return Publish(link);
      case 4:
        return Collect();
      default:
        return Turn(random_.Below(4));
    }
  }
  void Pass(std::uint64_t ns) { world_.clock.Advance(static_cast<std::int64_t>(ns)); }
  void Turn(std::uint64_t times) {
    for (; times > 0; --times) world_.shard->Turn();
  }
  // The gateway reads frames, and has not sent them on yet.
  void Read(std::size_t link) {
    if (reading_[link]) return;
    reading_[link] = true;
    stamp_[link] = world_.gateways[link].BeginRead(world_.clock);
  }
  void Publish(std::size_t link) {
    if (!reading_[link]) return;
    for (std::uint64_t frames = 1 + random_.Below(3); frames > 0; --frames) SendOne(link);
    world_.gateways[link].EndRead();
    reading_[link] = false;
  }
  // For a product whose gate is about now: the order may be in time or not.
  void SendOne(std::size_t link) {
    const std::uint32_t credential = link == 0 ? 1 : 100;
    const std::int64_t about = stamp_[link] / kSecond + kGateBeforeS[link];
    const auto later = static_cast<std::int64_t>(random_.Below(3));
    const auto start = static_cast<std::uint32_t>((about / 300 + later) * 5);
    OrderBody order = Bid(credential, sent_ + 1, 20, 100);
    order.product = {link == 0 ? kMarket : kOtherMarket, start};
    OwnedCommand command = world_.Orders(credential, next_[link], {order});
    command.header().time_ns = stamp_[link];
    if (!world_.Put(link, command)) return;
    const std::int64_t gate_ns = (std::int64_t{start} * 60 - kGateBeforeS[link]) * kSecond;
    in_time_[{credential, next_[link]}] = stamp_[link] < gate_ns;
    ++next_[link];
    ++sent_;
  }
  void Collect() {
    for (std::size_t link = 0; link < 2; ++link) {
      for (const Event& event : world_.Take(link, EventType::kAnswer)) {
        const auto credential = static_cast<std::uint32_t>(event.credential);
        const bool accepted = event.answer.refused == 0 && event.answer.reason == Reason::kNone;
        wrong_ += accepted == in_time_.at({credential, event.answer.client_seq}) ? 0 : 1;
        accepted_ += accepted ? 1 : 0;
        ++answered_;
      }
    }
  }

  ShardWorld world_{2, {.held_events = 1'024, .commands_a_turn = 4, .events_a_turn = 2}};
  RandomSource random_;
  std::int64_t stamp_[2] = {0, 0};
  std::uint64_t next_[2] = {1, 1};  // Client sequences.
  std::map<std::pair<std::uint32_t, std::uint64_t>, bool> in_time_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t wrong_ = 0;
  bool reading_[2] = {false, false};
};

TEST(ShardTime, WhetherAnOrderIsInTimeDependsOnItsStampAlone) {
  std::uint64_t accepted = 0;
  std::uint64_t late = 0;
  for (std::uint64_t seed = 1; seed <= Repeats(20, 2'000); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomSchedule schedule(seed);
    schedule.Run();
    ASSERT_TRUE(schedule.status().ok()) << schedule.status();
    ASSERT_EQ(schedule.answered(), schedule.sent());
    ASSERT_EQ(schedule.wrong(), 0u);
    accepted += schedule.accepted();
    late += schedule.sent() - schedule.accepted();
  }
  EXPECT_GT(accepted, 200u);
  EXPECT_GT(late, 200u);
}

// However long a frame may be: what is behind it, another market's gate too, waits for a turn.
TEST(ShardTime, TakesATurnsItemsOrOneCommandMore) {
  ShardOptions options = SmallShard();
  options.items_a_turn = 10;
  ShardWorld world(1, options);
  world.Init(SmallMarket(), 1);
  world.Start();
  world.Settle();
  world.Logon(0, 1);
  std::uint64_t order = 0;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    std::vector<OrderBody> orders;
    for (int i = 0; i < 6; ++i) orders.push_back(Bid(1, ++order, 20, 500));
    ASSERT_TRUE(world.Put(0, world.Orders(1, seq, orders)));
  }
  const auto open = [&world] { return world.shard->exchange().open_orders(); };
  world.shard->Turn();
  EXPECT_EQ(open(), 12u);
  world.shard->Turn();
  EXPECT_EQ(open(), 24u);
  world.Settle();
  EXPECT_EQ(open(), 30u);
}

}  // namespace
}  // namespace engine
