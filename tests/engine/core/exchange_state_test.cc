// A state that was saved is the whole state, and bytes that are none are refused.
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/exchange_driver.h"
#include "tests/support/game_table.h"
#include "tests/support/random_day.h"
#include "tests/support/replayed.h"

namespace engine {
namespace {

// A state with all that a state can have: a round that is told, a game, a sweep, carried orders.
std::vector<std::byte> AnyState(std::uint64_t seed) {
  ExchangeDriver driver;
  RunDay(seed, driver);
  return StateOf(driver.exchange);
}

std::vector<std::byte> StateInAGame() {
  GameTable table(PlayedMarket(Schedule::kBisecting));
  int calls = 0;
  table.Play(
      [&](const PriceCallEvent& call) {
        if (++calls % 3 != 0) (void)table.Answer(call, 100 * kNanoPerWh);
      },
      20);
  EXPECT_TRUE(table.driver.exchange.Playing());
  return StateOf(table.driver.exchange);
}

// With what a round has traded at two metering points, for the next one.
std::vector<std::byte> StateBetweenRounds() {
  ExchangeDriver driver = Started(TwoRounds(/*carry_over=*/1));
  for (const std::uint64_t point : {1U, 2U}) {
    const MeteringPointBody body{
        .id = MeteringPointId{point}, .import_limit_w = 4'000, .export_limit_w = 4'000};
    EXPECT_TRUE(driver.Apply(CommandType::kDefineMeteringPoint, body));
  }
  EXPECT_EQ(driver.Submit(Bid(1, 1, 20, 900)), Reason::kNone);
  EXPECT_EQ(driver.Submit(Ask(2, 1, 10, 600)), Reason::kNone);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(586));
  return StateOf(driver.exchange);
}

// What is loaded from it is saved as it was; or it is refused with a place and a word.
void ExpectThatItIsThisStateOrNone(const std::vector<std::byte>& state) {
  Exchange exchange;
  std::string error;
  if (LoadState(state, 4'096, exchange, &error)) {
    EXPECT_TRUE(error.empty());
    ASSERT_EQ(StateOf(exchange), state);
    (void)exchange.NextDue();
  } else {
    ASSERT_TRUE(error.starts_with("byte ")) << error;
  }
}

TEST(ExchangeState, OfANewExchangeIsRefused) {
  Exchange exchange;
  std::string error;
  EXPECT_FALSE(LoadState(StateOf(Exchange()), 64, exchange, &error));
  EXPECT_NE(error.find("a sequence"), std::string::npos) << error;
}

TEST(ExchangeState, IsRefusedWhereItIsCutAnywhere) {
  for (const auto& state : {AnyState(3), StateInAGame()}) {
    const std::size_t step = 1 + state.size() / Repeats(kSanitized ? 30 : 2'000, 200'000);
    for (std::size_t size = 0; size < state.size(); size += step) {
      Exchange exchange;
      ASSERT_FALSE(LoadState(std::span(state).first(size), 4'096, exchange)) << size;
    }
  }
}

TEST(ExchangeState, IsRefusedWhereMoreFollows) {
  // Certificates may follow, and what does is read as such.
  for (const std::size_t more : {1U, 8U, 100U}) {
    std::vector<std::byte> state = AnyState(3);
    state.resize(state.size() + more);
    Exchange exchange;
    std::string error;
    EXPECT_FALSE(LoadState(state, 4'096, exchange, &error)) << more;
    EXPECT_TRUE(error.starts_with("byte ")) << error;
  }
}

// Files have checksums; this is for who can forge them, and for our own mistakes.
TEST(ExchangeState, ThatWasChangedAnywhereIsLoadedAsItIsOrRefused) {
  RandomSource random(5);
  for (auto state : {AnyState(3), AnyState(8), StateInAGame(), StateBetweenRounds()}) {
    const std::size_t step = 1 + state.size() / Repeats(kSanitized ? 30 : 2'000, 200'000);
    for (std::size_t at = 0; at < state.size(); at += step) {
      const std::byte before = state[at];
      state[at] ^= std::byte{static_cast<unsigned char>(1 + random.Below(255))};
      ASSERT_NO_FATAL_FAILURE(ExpectThatItIsThisStateOrNone(state)) << "byte " << at;
      state[at] = before;
    }
  }
}

// An answer is the first one word for word, with what was refused, whatever the exchange went
// through meanwhile.
TEST(ExchangeState, KeepsTheAnswersForThoseWhoResend) {
  ExchangeDriver driver = Started(SmallMarket());
  const std::vector<OrderBody> orders = {Bid(1, 1, 20, 500), Bid(1, 2, 999, 500), Bid(1, 3, 20, 0)};
  ASSERT_EQ(driver.Submit(1, orders).size(), 2U);
  Exchange loaded;
  ASSERT_TRUE(LoadState(StateOf(driver.exchange), 4'096, loaded));
  const auto resend = [&](Exchange& exchange) {
    const CommandHeader header{.time_ns = driver.now_ns + 1,
                               .client_seq = 1,
                               .credential = CredentialId{1},
                               .type = CommandType::kSubmitOrders};
    EXPECT_FALSE(exchange.Screen(OwnedCommand(header, std::span(orders)).view()));
    std::vector<Event> told(8);
    told.resize(exchange.Drain(told));
    return told;
  };
  const std::vector<Event> told = resend(loaded);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told.front().answer.refused, 2U);
  ExpectSame(told, resend(driver.exchange));
}

// What an order's age is among its party's does not hang on where it lies: the newest goes first.
TEST(ExchangeState, KeepsTheOrderInWhichAPartysOrdersLeave) {
  ExchangeDriver driver = Started(SmallMarket());
  for (std::uint64_t id = 1; id <= 5; ++id) {
    ASSERT_EQ(driver.Submit(id % 2 == 0 ? Ask(1, id, 90, 100) : Bid(1, id, 10, 100)),
              Reason::kNone);
  }
  ASSERT_EQ(driver.Replace(Bid(1, 1, 11, 100)), Reason::kNone);  // Now the newest.
  Exchange loaded;
  ASSERT_TRUE(LoadState(StateOf(driver.exchange), 4'096, loaded));
  const auto cancelled = [](Exchange& exchange, const ExchangeDriver& of) {
    CommandHeader header{.sequence = exchange.sequence() + 1,
                         .time_ns = of.now_ns,
                         .credential = CredentialId{1},
                         .type = CommandType::kDisconnect};
    std::vector<std::uint64_t> ids;
    const DisconnectBody body;
    for (const Event& event : Repeat(OwnedCommand(header, std::span(&body, 1)).view(), exchange)) {
      if (event.type != EventType::kOrderCancelled) continue;
      ids.push_back(static_cast<std::uint64_t>(event.order_cancelled.client_order_id));
    }
    return ids;
  };
  const std::vector<std::uint64_t> ids = cancelled(loaded, driver);
  EXPECT_EQ(ids.size(), 5U);
  EXPECT_EQ(ids.front(), 1U);
  EXPECT_EQ(ids, cancelled(driver.exchange, driver));
}

}  // namespace
}  // namespace engine
