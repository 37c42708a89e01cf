#include "gateway/status_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t kSecond = 1'000'000'000;

class StatusLogOfOneGateway : public testing::Test {
 protected:
  // What is said when `seconds` more have passed.
  std::vector<std::string> LookAfter(std::int64_t seconds) {
    now_ns += seconds * kSecond;
    std::vector<std::string> texts;
    for (const StatusLine& line : log.Look(now_ns)) texts.push_back(line.text);
    return texts;
  }

  engine::ExchangeClock clock;
  engine::ShardCounters shard;
  GatewayCounters gateway;
  StatusLog log{clock, shard, {&gateway}};
  std::int64_t now_ns = kSecond;
};

TEST_F(StatusLogOfOneGateway, SaysNothingWhereNothingHappens) {
  EXPECT_THAT(LookAfter(0), IsEmpty());
  EXPECT_THAT(LookAfter(61), IsEmpty());
  EXPECT_THAT(LookAfter(61), IsEmpty());
}

TEST_F(StatusLogOfOneGateway, SumsUpAMinuteByWhatHasChangedInIt) {
  LookAfter(0);
  shard.commands.Add(2);
  shard.orders_accepted.Add(5);
  shard.Refused(engine::Reason::kFrozen, 2);
  shard.Refused(engine::Reason::kSelfTrade, 1);
  gateway.sessions.Set(4);
  EXPECT_THAT(LookAfter(30), IsEmpty());
  EXPECT_THAT(LookAfter(31), ElementsAre("seq=0 sessions=4 open_orders=0 accepted=+5 refused=+3"));
  shard.commands.Add(1);
  shard.orders_accepted.Add(1);
  const std::vector<std::string> next = LookAfter(61);
  EXPECT_THAT(next, ElementsAre(HasSubstr("accepted=+1")));
  EXPECT_THAT(next, ElementsAre(Not(HasSubstr("refused"))));
}

TEST_F(StatusLogOfOneGateway, SaysAtOnceThatTheDiskIsFullAndThatItIsNot) {
  shard.disk_full.Set(1);
  EXPECT_THAT(LookAfter(1), ElementsAre(HasSubstr("no space")));
  EXPECT_THAT(LookAfter(1), IsEmpty());
  shard.disk_full.Set(0);
  EXPECT_THAT(LookAfter(1), ElementsAre(HasSubstr("there is space")));
}

TEST_F(StatusLogOfOneGateway, SaysAtOnceThatASecretIsLost) {
  shard.lottery_secrets_lost.Add(2);
  EXPECT_THAT(LookAfter(1), ElementsAre(HasSubstr("2 rounds are void: the secret")));
  EXPECT_THAT(LookAfter(1), IsEmpty());
}

TEST_F(StatusLogOfOneGateway, SaysAtOnceThatTheClockIsHeldAndThatItIsNot) {
  const std::int64_t monotonic = clock.MonotonicNs();
  const std::int64_t wall = clock.NowNs();
  clock.Accept(wall + 120 * kSecond, monotonic);
  EXPECT_THAT(LookAfter(1), ElementsAre(HasSubstr("jumped")));
  EXPECT_THAT(LookAfter(1), IsEmpty());
  clock.Accept(wall + kSecond, monotonic + kSecond);
  EXPECT_THAT(LookAfter(1), ElementsAre(HasSubstr("back")));
}

TEST_F(StatusLogOfOneGateway, WarnsOfConnectionsThatCouldNotBeAccepted) {
  LookAfter(0);
  gateway.accept_errors.Add(3);
  EXPECT_THAT(LookAfter(61), ElementsAre(HasSubstr("3 connections could not be accepted")));
}

}  // namespace
}  // namespace gateway
