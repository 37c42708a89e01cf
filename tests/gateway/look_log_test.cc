#include "gateway/look_log.h"

#include <memory>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "tests/support/manual_clock.h"

namespace gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr std::int64_t kSecondNs = 1'000'000'000;

class LookLogTest : public testing::Test {
 protected:
  LookLogTest() {
    auto log = std::make_shared<spdlog::logger>(
        "daemon", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
    log->set_level(spdlog::level::off);
    spdlog::set_default_logger(std::move(log));
  }
  ~LookLogTest() override { spdlog::set_default_logger(before); }

  // What the log has since it was asked last.
  std::string Said() {
    const std::string said = text.str();
    text.str("");
    return said;
  }
  std::string Logged(const engine::Event& event) {
    EXPECT_EQ(looks->Take(event), event.type == engine::EventType::kLook);
    return Said();
  }

  const std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  std::ostringstream text;
  engine::ManualClock clock{5 * kSecondNs};
  std::unique_ptr<LookLog> looks = std::make_unique<LookLog>(clock);
};

engine::Event Look(engine::EventType type, const engine::ListEndEvent& end) {
  engine::Event event;
  event.type = type;
  event.credential = engine::CredentialId(7);
  event.list_end = end;
  return event;
}
engine::Event ListEnd(const engine::ListEndEvent& end) {
  return Look(engine::EventType::kOpenOrdersEnd, end);
}

engine::Event Refusal(std::uint32_t who = 7) {
  engine::Event event;
  event.type = engine::EventType::kAnswer;
  event.credential = engine::CredentialId(who);
  event.answer = {.command = engine::CommandType::kListOpenOrders,
                  .reason = engine::Reason::kNotAuthorised};
  return event;
}

// The logger's own level is off here.
TEST_F(LookLogTest, SaysWhoLooksAtWhatWhateverTheLevelIs) {
  EXPECT_THAT(Logged(Look(engine::EventType::kLook, {.market = engine::MarketId(3)})),
              HasSubstr("operator 7 looks at open orders of market=3 account=0"));
  EXPECT_THAT(Logged(ListEnd({.told = 12, .market = engine::MarketId(3)})),
              HasSubstr("operator 7 looked at 12 open orders of market=3 account=0"));
  EXPECT_THAT(Logged(ListEnd({.told = 0, .account = engine::AccountId(4)})),
              HasSubstr("operator 7 looked at 0 open orders of market=0 account=4"));
}

TEST_F(LookLogTest, SaysNothingOfAListOfOnesOwn) { EXPECT_EQ(Logged(ListEnd({.told = 12})), ""); }

TEST_F(LookLogTest, SaysWhoWasRefused) {
  EXPECT_THAT(Logged(Refusal()), HasSubstr("operator 7 was refused"));
  engine::Event event = Refusal(8);
  event.answer.reason = engine::Reason::kBusy;
  EXPECT_EQ(Logged(event), "");
  event = Refusal(8);
  event.answer.command = engine::CommandType::kSubmitOrders;
  EXPECT_EQ(Logged(event), "");
}

TEST_F(LookLogTest, CountsTheRefusalsOfOneOperatorInAMinute) {
  Logged(Refusal());
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(Logged(Refusal()), "");
  EXPECT_THAT(Logged(Refusal(8)), HasSubstr("operator 8 was refused")) << "another one";
  clock.Advance(59 * kSecondNs);
  looks->SayCounts(clock.NowNs());
  EXPECT_EQ(Said(), "");
  clock.Advance(kSecondNs);
  looks->SayCounts(clock.NowNs());
  EXPECT_THAT(Said(),
              EndsWith("operator 7 was refused a look at others' open orders 1000 times more\n"));
  EXPECT_EQ(Logged(Refusal()), "") << "of the minute that began with that line";
  clock.Advance(60 * kSecondNs);
  EXPECT_THAT(Logged(Refusal(8)),
              HasSubstr("operator 7 was refused a look at others' open orders 1 times"));
  clock.Advance(120 * kSecondNs);
  looks->SayCounts(clock.NowNs());
  EXPECT_EQ(Said(), "");
  EXPECT_THAT(Logged(Refusal()), EndsWith("open orders\n")) << "all is forgotten";
}

TEST_F(LookLogTest, SaysWhatItHasCountedWhenItEnds) {
  Logged(Refusal());
  Logged(Refusal());
  looks.reset();
  EXPECT_THAT(Said(), HasSubstr("1 times more"));
}

}  // namespace
}  // namespace gateway
