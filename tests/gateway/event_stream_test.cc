#include "gateway/event_stream.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/client_codec.h"
#include "tests/gateway/wire_twin.h"

namespace gateway {
namespace {

using engine::Event;
using engine::EventType;
using engine::Reason;
using testing::ElementsAre;

// What a client hears, kept.
class Heard : public MessageHandler {
 public:
  explicit Heard(const Bytes& bytes) {
    for (const Frame& frame : Split(bytes)) {
      types.push_back(frame.type);
      longest = std::max(longest, frame.body.size() + sizeof(FrameHeader));
      EXPECT_TRUE(Deliver(frame, *this));
    }
  }
  void OnAnswer(const AnswerMessage& message) override {
    answers.push_back(message.answer);
    sequenced = message.sequenced;
    refused.assign(message.refused.begin(), message.refused.end());
  }
  void OnFills(std::uint64_t first, std::span<const engine::FillEvent> some) override {
    first_events.push_back(first);
    fills.insert(fills.end(), some.begin(), some.end());
  }
  void OnOpenOrders(const OpenOrdersMessage& message) override {
    open_orders.insert(open_orders.end(), message.orders.begin(), message.orders.end());
    ended = message.end;
    query = message.query;
    total = message.total;
  }
  void OnRoundCleared(std::uint64_t event, const engine::RoundClearedEvent& round) override {
    cleared_event = event;
    cleared = round;
  }
  void OnRoundVoid(std::uint64_t event, const engine::RoundVoidEvent& round) override {
    void_event = event;
    void_round = round.round;
    void_reason = round.reason;
  }
  void OnOrderCancelled(std::uint64_t, const engine::OrderCancelledEvent& order) override {
    cancelled = order;
  }
  void OnProductOpened(const engine::ProductOpenedEvent& product) override { opened = product; }
  void OnProductsEnd(const engine::ListEndEvent& end) override { products_end = end; }
  void OnIndicative(const engine::IndicativeEvent& event) override { indicative = event; }

  void OnLottery(const engine::LotteryEvent& event) override { lotteries.push_back(event); }
  void OnPriceCalls(std::span<const engine::PriceCallEvent> some) override {
    calls.insert(calls.end(), some.begin(), some.end());
  }

  engine::ListEndEvent products_end;
  std::vector<engine::PriceCallEvent> calls;
  std::vector<MessageType> types;
  std::vector<engine::AnswerEvent> answers;
  bool sequenced = false;
  std::vector<engine::Refusal> refused;
  std::vector<std::uint64_t> first_events;
  std::vector<engine::FillEvent> fills;
  std::vector<engine::OpenOrderEvent> open_orders;
  bool ended = false;
  std::uint64_t query = 0;
  std::uint32_t total = 0;
  std::uint64_t cleared_event = 0;
  engine::RoundClearedEvent cleared;
  std::uint64_t void_event = 0;
  std::uint32_t void_round = 0;
  engine::Reason void_reason{};
  engine::OrderCancelledEvent cancelled;
  engine::ProductOpenedEvent opened;
  engine::IndicativeEvent indicative;
  std::vector<engine::LotteryEvent> lotteries;
  std::size_t longest = 0;
};

Event Answer(std::uint64_t client_seq, std::uint16_t refused) {
  Event event;
  event.type = EventType::kAnswer;
  event.answer = {.client_seq = client_seq,
                  .time_ns = 77,
                  .command_sequence = 1'000,
                  .command = engine::CommandType::kSubmitOrders,
                  .items = 30,
                  .refused = refused};
  return event;
}

Event Refusals(std::uint16_t first, std::uint16_t count) {
  Event event;
  event.type = EventType::kRefusals;
  event.refusals = {};
  event.refusals.count = count;
  for (std::uint16_t i = 0; i < count; ++i) {
    event.refusals.refusals[i] = {static_cast<std::uint16_t>(first + i), Reason::kBookFull};
  }
  return event;
}

Event Fill(std::uint64_t number) {
  Event event;
  event.type = EventType::kFill;
  event.event_number = number;
  event.fill = {.account = engine::AccountId(1),
                .client_order_id = engine::ClientOrderId(number),
                .order = engine::OrderId(3),
                .product = {engine::MarketId(4), 5},
                .amount_units = -6,
                .price_ticks = -7,
                .energy_wh = 8,
                .open_wh = 9,
                .round = 10,
                .side = engine::Side::kSell};
  return event;
}

// Adds all in one wake-up.
Bytes Encode(const std::vector<Event>& events, std::uint32_t max = kDeviceFrameBytesMax) {
  EventStream stream(max);
  FrameBuilder builder;
  Bytes out;
  for (const Event& event : events) stream.Add(event, builder, out);
  stream.Flush(builder, out);
  return out;
}

TEST(EventStream, PutsAnAnswerAndItsRefusalsIntoOneFrame) {
  const Heard heard(Encode({Answer(5, 12), Refusals(0, 10), Refusals(20, 2), Answer(6, 0)}));
  ASSERT_EQ(heard.answers.size(), 2U);
  EXPECT_EQ(heard.answers[0].client_seq, 5U);
  EXPECT_EQ(heard.answers[0].refused, 12);
  EXPECT_EQ(heard.answers[0].items, 30U);
  EXPECT_EQ(heard.answers[0].command_sequence, 1'000U);
  EXPECT_TRUE(heard.sequenced);
  EXPECT_EQ(heard.answers[1].refused, 0);
}

TEST(EventStream, HoldsAnAnswerUntilItsRefusalsHaveCome) {
  EventStream stream;
  FrameBuilder builder;
  Bytes out;
  stream.Add(Answer(5, 12), builder, out);
  stream.Add(Refusals(0, 10), builder, out);
  stream.Flush(builder, out);
  EXPECT_TRUE(out.empty());
  stream.Add(Refusals(20, 2), builder, out);
  const Heard heard(out);
  ASSERT_EQ(heard.refused.size(), 12U);
  EXPECT_EQ(heard.refused[11].index, 21);
  EXPECT_EQ(heard.refused[11].reason, Reason::kBookFull);
}

TEST(EventStream, PassesOverRefusalsWhoseAnswerItHasNotSeen) {
  const Heard heard(Encode({Refusals(0, 2), Answer(6, 1), Refusals(4, 1), Refusals(7, 1)}));
  ASSERT_EQ(heard.answers.size(), 1U);
  EXPECT_EQ(heard.answers[0].client_seq, 6U);
  ASSERT_EQ(heard.refused.size(), 1U);
  EXPECT_EQ(heard.refused[0].index, 4);
}

TEST(EventStream, GathersFillsInAsFewFramesAsFit) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 100; ++i) events.push_back(Fill(50 + i));
  const Heard heard(Encode(events));
  EXPECT_EQ(heard.fills.size(), 100U);
  EXPECT_THAT(heard.first_events, ElementsAre(50, 50 + FillsAFrame(kDeviceFrameBytesMax)));
  EXPECT_LE(heard.longest, kDeviceFrameBytesMax);
  EXPECT_EQ(heard.fills[99].client_order_id, engine::ClientOrderId(149));
  EXPECT_EQ(heard.fills[0].amount_units, -6);
  EXPECT_EQ(heard.fills[0].price_ticks, -7);
  EXPECT_EQ(heard.fills[0].round, 10);
  EXPECT_EQ(heard.fills[0].side, engine::Side::kSell);
}

TEST(EventStream, FillsTheLongestFrameOfAnAggregator) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < FillsAFrame(kFrameBytesMax); ++i) events.push_back(Fill(1 + i));
  const Heard heard(Encode(events, kFrameBytesMax));
  EXPECT_EQ(heard.first_events.size(), 1U);
  EXPECT_LE(heard.longest, kFrameBytesMax);
}

TEST(EventStream, StartsANewFrameWhereEventNumbersSkip) {
  EXPECT_THAT(Heard(Encode({Fill(1), Fill(2), Fill(4)})).first_events, ElementsAre(1, 4));
}

TEST(EventStream, KeepsTheOrderOfRoundsAndFills) {
  Event cleared;
  cleared.type = EventType::kRoundCleared;
  cleared.event_number = 3;
  cleared.round_cleared = {.product = {engine::MarketId(4), 5},
                           .round = 2,
                           .rounds = 6,
                           .energy_wh = 5'000'000'000,
                           .operator_balance_units = -7'000'000'000,
                           .buy_price_ticks = -3,
                           .sell_price_ticks = -2,
                           .orders = 8,
                           .fills = 1,
                           .no_trade = engine::Reason::kGridIsBetter,
                           .result = engine::RoundResult::kTraded,
                           .carry_over = 1};
  const Heard heard(Encode({Fill(2), cleared, Fill(4)}));
  EXPECT_THAT(heard.types,
              ElementsAre(MessageType::kFills, MessageType::kRoundCleared, MessageType::kFills));
  EXPECT_EQ(heard.cleared_event, 3U);
  EXPECT_EQ(heard.cleared.product, cleared.round_cleared.product);
  EXPECT_EQ(heard.cleared.rounds, 6U);
  EXPECT_EQ(heard.cleared.energy_wh, 5'000'000'000U);
  EXPECT_EQ(heard.cleared.buy_price_ticks, -3);
  EXPECT_EQ(heard.cleared.sell_price_ticks, -2);
  EXPECT_EQ(heard.cleared.operator_balance_units, -7'000'000'000);
  EXPECT_EQ(heard.cleared.no_trade, engine::Reason::kGridIsBetter);
  EXPECT_EQ(heard.cleared.orders, 8U);
  EXPECT_EQ(heard.cleared.fills, 1U);
  EXPECT_EQ(heard.cleared.result, engine::RoundResult::kTraded);
  EXPECT_EQ(heard.cleared.carry_over, 1);
}

TEST(EventStream, GathersThePriceCallsOfAStep) {
  EventStream stream;
  FrameBuilder builder;
  Bytes out;
  Event event;
  event.type = EventType::kPriceCall;
  for (std::uint32_t i = 0; i < 600; ++i) {
    event.price_call = {.account = engine::AccountId(i + 1),
                        .client_order_id = engine::ClientOrderId(i + 2),
                        .product = {engine::MarketId(3), 45},
                        .deadline_ns = 6,
                        .round = 7,
                        .step = 8 + i / 500,
                        .price_ticks = -9};
    stream.Add(event, builder, out);
  }
  stream.Flush(builder, out);
  const Heard heard(out);
  // As many as fit: 244 in a frame of a device, and none of another step with them.
  EXPECT_THAT(heard.types, ElementsAre(MessageType::kPriceCall, MessageType::kPriceCall,
                                       MessageType::kPriceCall, MessageType::kPriceCall));
  EXPECT_LE(heard.longest, kDeviceFrameBytesMax);
  ASSERT_EQ(heard.calls.size(), 600U);
  EXPECT_EQ(heard.calls[499].step, 8U);
  EXPECT_EQ(heard.calls[500].step, 9U);
  EXPECT_EQ(heard.calls[599].account, engine::AccountId(600));
  EXPECT_EQ(heard.calls[599].client_order_id, engine::ClientOrderId(601));
  EXPECT_EQ(heard.calls[599].product, (engine::ProductId{engine::MarketId(3), 45}));
  EXPECT_EQ(heard.calls[599].deadline_ns, 6);
  EXPECT_EQ(heard.calls[599].round, 7U);
  EXPECT_EQ(heard.calls[599].price_ticks, -9);
}

TEST(EventStream, EndsAListOfProductsWithItsNumber) {
  std::vector<engine::Event> events(1);
  events[0].type = EventType::kProductsEnd;
  events[0].list_end = {.query = 42, .told = 96};
  const Heard heard(Encode(events));
  EXPECT_EQ(heard.types, std::vector{MessageType::kProductsEnd});
  EXPECT_EQ(heard.products_end.query, 42U);
  EXPECT_EQ(heard.products_end.told, 96U);
}

TEST(EventStream, ListsOpenOrdersInPiecesThatEnd) {
  std::vector<Event> events(101);
  for (std::size_t i = 0; i < 100; ++i) {
    events[i].type = EventType::kOpenOrder;
    events[i].open_order = {.account = engine::AccountId(1),
                            .client_order_id = engine::ClientOrderId(i),
                            .order = engine::OrderId(2),
                            .product = {engine::MarketId(3), 4},
                            .limit_ticks = -5,
                            .open_wh = 6,
                            .side = engine::Side::kSell};
  }
  events[100].type = EventType::kOpenOrdersEnd;
  events[100].list_end = {.query = 42, .told = 100};
  const Heard heard(Encode(events));
  EXPECT_GT(heard.types.size(), 1U);
  ASSERT_EQ(heard.open_orders.size(), 100U);
  EXPECT_EQ(heard.open_orders[99].client_order_id, engine::ClientOrderId(99));
  EXPECT_EQ(heard.open_orders[99].limit_ticks, -5);
  EXPECT_TRUE(heard.ended);
  EXPECT_EQ(heard.query, 42U);
  EXPECT_EQ(heard.total, 100U);
  EXPECT_LE(heard.longest, kDeviceFrameBytesMax);
}

TEST(EventStream, TellsOfVoidRoundsCancelsProductsAndIndicativePrices) {
  std::vector<Event> events(4);
  events[0].type = EventType::kRoundVoid;
  events[0].event_number = 9;
  events[0].round_void = {.product = {engine::MarketId(1), 2},
                          .round = 3,
                          .rounds = 4,
                          .reason = Reason::kLotterySecretLost};
  events[1].type = EventType::kOrderCancelled;
  events[1].order_cancelled = {.account = engine::AccountId(1),
                               .client_order_id = engine::ClientOrderId(2),
                               .order = engine::OrderId(3),
                               .product = {engine::MarketId(4), 5},
                               .open_wh = 6,
                               .reason = Reason::kDisconnected};
  events[2].type = EventType::kProductOpened;
  events[2].product_opened = {.product = {engine::MarketId(4), 5},
                              .gate_ns = 6,
                              .round = 7,
                              .rounds = 8,
                              .slot_minutes = 15,
                              .band_low_ticks = -9,
                              .band_levels = 10};
  events[3].type = EventType::kIndicative;
  events[3].indicative = {
      .product = {engine::MarketId(4), 5}, .energy_wh = 6, .price_ticks = -7, .crossing = 1};
  const Heard heard(Encode(events));
  EXPECT_EQ(heard.void_event, 9U);
  EXPECT_EQ(heard.void_round, 3U);
  EXPECT_EQ(heard.void_reason, Reason::kLotterySecretLost);
  EXPECT_EQ(heard.cancelled.reason, Reason::kDisconnected);
  EXPECT_EQ(heard.cancelled.open_wh, 6U);
  EXPECT_EQ(heard.opened.band_low_ticks, -9);
  EXPECT_EQ(heard.opened.gate_ns, 6);
  EXPECT_EQ(heard.indicative.price_ticks, -7);
  EXPECT_EQ(heard.indicative.crossing, 1);
}

TEST(EventStream, TellsWhatALotteryIsHeldToAndItsSecret) {
  std::vector<Event> events(2);
  for (Event& event : events) event.type = EventType::kLottery;
  events[0].lottery = {.product = {engine::MarketId(4), 5}, .round = 6};
  events[1].lottery = events[0].lottery;
  events[1].lottery.part = engine::LotteryEvent::Part::kRevealed;
  for (std::size_t i = 0; i < 32; ++i) {
    events[1].lottery.bytes[i] = static_cast<std::byte>(255 - i);
  }
  const Heard heard(Encode(events));
  EXPECT_EQ(heard.types, (std::vector{MessageType::kLottery, MessageType::kLottery}));
  ASSERT_EQ(heard.lotteries.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(heard.lotteries[i].product, events[i].lottery.product);
    EXPECT_EQ(heard.lotteries[i].round, 6U);
    EXPECT_EQ(heard.lotteries[i].part, events[i].lottery.part);
    EXPECT_EQ(heard.lotteries[i].bytes, events[i].lottery.bytes);
  }
}

TEST(EventStream, MakesTheSameBytesOfTheSameAnswer) {
  const std::vector<Event> events = {Answer(5, 2), Refusals(0, 2)};
  EXPECT_EQ(Encode(events), Encode(events));
}

}  // namespace
}  // namespace gateway
