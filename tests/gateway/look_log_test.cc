#include "gateway/look_log.h"

#include <memory>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

namespace gateway {
namespace {

using testing::HasSubstr;

std::string Logged(const engine::Event& event) {
  std::ostringstream text;
  const auto before = spdlog::default_logger();
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("look", sink));
  LogLook(event);
  spdlog::set_default_logger(before);
  return text.str();
}

engine::Event ListEnd(const engine::ListEndEvent& end) {
  engine::Event event;
  event.type = engine::EventType::kOpenOrdersEnd;
  event.credential = engine::CredentialId(7);
  event.list_end = end;
  return event;
}

TEST(LookLog, SaysWhoLookedAtWhat) {
  EXPECT_THAT(Logged(ListEnd({.told = 12, .market = engine::MarketId(3)})),
              HasSubstr("operator 7 looked at 12 open orders of market=3 account=0"));
  EXPECT_THAT(Logged(ListEnd({.told = 0, .account = engine::AccountId(4)})),
              HasSubstr("operator 7 looked at 0 open orders of market=0 account=4"));
}

TEST(LookLog, SaysNothingOfAListOfOnesOwn) { EXPECT_EQ(Logged(ListEnd({.told = 12})), ""); }

TEST(LookLog, SaysWhoWasRefused) {
  engine::Event event;
  event.type = engine::EventType::kAnswer;
  event.credential = engine::CredentialId(7);
  event.answer = {.command = engine::CommandType::kListOpenOrders,
                  .reason = engine::Reason::kNotAuthorised};
  EXPECT_THAT(Logged(event), HasSubstr("operator 7 was refused"));
  event.answer.reason = engine::Reason::kBusy;
  EXPECT_EQ(Logged(event), "");
  event.answer = {.command = engine::CommandType::kSubmitOrders,
                  .reason = engine::Reason::kNotAuthorised};
  EXPECT_EQ(Logged(event), "");
}

}  // namespace
}  // namespace gateway
