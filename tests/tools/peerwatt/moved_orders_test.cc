#include "tools/peerwatt/moved_orders.h"

#include <gtest/gtest.h>

namespace tools {
namespace {

using engine::CommandType;
using engine::kSecondNs;

constexpr std::int64_t kNowNs = std::int64_t{1'000'000} * 900 * kSecondNs + 7 * kSecondNs;
constexpr std::uint32_t kNowMinute = 15'000'000;
constexpr std::uint32_t kFeedMinute = 3'000'000;

PlannedItem Item(CommandType type, std::uint64_t id, std::uint32_t slot, std::int64_t time_ns = 0) {
  PlannedItem item;
  item.type = type;
  item.time_ns = time_ns;
  item.order.account = engine::AccountId{1};
  item.order.client_order_id = engine::ClientOrderId{id};
  item.order.product = {engine::MarketId{1}, kFeedMinute + slot * 15};
  return item;
}

// Market 1 with quarters of an hour that are open for an hour and close five minutes before.
ReplayPlan PlanOf(std::vector<PlannedItem> items) {
  ReplayPlan plan;
  plan.items = std::move(items);
  engine::MarketDefinition market;
  market.id = engine::MarketId{1};
  market.open_before_s = 3'600;
  plan.markets[market.id] = market;
  return plan;
}

NetworkReplayOptions Options(ReplayRate rate, double orders_per_second = 1'000) {
  NetworkReplayOptions options;
  options.rate = rate;
  options.orders_per_second = orders_per_second;
  return options;
}

TEST(MovedOrders, SendACorrectionToTheIdAndProductOfItsOrder) {
  const ReplayPlan plan =
      PlanOf({Item(CommandType::kSubmitOrders, 7, 0), Item(CommandType::kReplaceOrders, 7, 0),
              Item(CommandType::kCancelOrders, 7, 0)});
  MovedOrders moved(plan, Options(ReplayRate::kMax));
  moved.Begin(kNowNs, 1);
  const engine::OrderBody order = moved.Move(plan.items[0], kNowNs);
  // By then the gate of the order's product is too near for another order.
  const std::int64_t later_ns = kNowNs + 1'500 * kSecondNs;
  const engine::OrderBody replace = moved.Move(plan.items[1], later_ns);
  const engine::OrderBody cancel = moved.Move(plan.items[2], later_ns);
  EXPECT_EQ(order.product.start_minute, kNowMinute + 30);
  EXPECT_EQ(replace.client_order_id, order.client_order_id);
  EXPECT_EQ(replace.product, order.product);
  EXPECT_EQ(cancel.client_order_id, order.client_order_id);
  EXPECT_EQ(cancel.product, order.product);
}

TEST(MovedOrders, HaveIdsOfTheirOwnWhereProductsFallTogether) {
  std::vector<PlannedItem> items;
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    items.push_back(Item(CommandType::kSubmitOrders, 7, slot));
  }
  const ReplayPlan plan = PlanOf(std::move(items));
  MovedOrders moved(plan, Options(ReplayRate::kMax));
  moved.Begin(kNowNs, 1);
  const engine::OrderBody first = moved.Move(plan.items[0], kNowNs);
  for (std::size_t slot = 1; slot < 3; ++slot) {
    EXPECT_NE(moved.Move(plan.items[slot], kNowNs).product, first.product);
  }
  const engine::OrderBody fourth = moved.Move(plan.items[3], kNowNs);
  EXPECT_EQ(fourth.product, first.product) << "three products are open";
  EXPECT_NE(fourth.client_order_id, first.client_order_id);
}

TEST(MovedOrders, StayWithTheirProductWhileItIsOpen) {
  const ReplayPlan plan =
      PlanOf({Item(CommandType::kSubmitOrders, 7, 0), Item(CommandType::kSubmitOrders, 8, 1)});
  MovedOrders moved(plan, Options(ReplayRate::kMax));
  moved.Begin(kNowNs, 1);
  const engine::ProductId product = moved.Move(plan.items[0], kNowNs).product;
  EXPECT_EQ(moved.Move(plan.items[0], kNowNs + 900 * kSecondNs).product, product);
}

TEST(MovedOrders, ChooseGatesThatCorrectionsReachInTime) {
  std::vector<PlannedItem> items = {Item(CommandType::kSubmitOrders, 7, 0)};
  for (std::uint64_t id = 100; id < 800; ++id) {
    items.push_back(Item(CommandType::kSubmitOrders, id, 0));
  }
  items.push_back(Item(CommandType::kReplaceOrders, 7, 0));
  const ReplayPlan plan = PlanOf(std::move(items));
  MovedOrders moved(plan, Options(ReplayRate::kFixed, 1.0));
  moved.Begin(kNowNs, 1);
  // The correction comes 701 seconds later, the gate of the next product after 593.
  EXPECT_EQ(moved.Move(plan.items[0], kNowNs).product.start_minute, kNowMinute + 30);
}

TEST(MovedOrders, LeaveACorrectionOfNoOrderAsItIs) {
  const ReplayPlan plan = PlanOf({Item(CommandType::kReplaceOrders, 7, 3)});
  MovedOrders moved(plan, Options(ReplayRate::kMax));
  moved.Begin(kNowNs, 1);
  EXPECT_EQ(moved.Move(plan.items[0], kNowNs).client_order_id, engine::ClientOrderId{7});
}

TEST(MovedOrders, KeepIdsOnTheClockAndMoveByWholeSlots) {
  const std::int64_t feed_ns = engine::StartNs(kFeedMinute) - 1'800 * kSecondNs;
  const ReplayPlan plan = PlanOf({Item(CommandType::kSubmitOrders, 7, 0, feed_ns)});
  MovedOrders moved(plan, Options(ReplayRate::kClock));
  moved.Begin(kNowNs, 1);
  const engine::OrderBody order = moved.Move(plan.items[0], kNowNs);
  EXPECT_EQ(moved.shift_ns() % (900 * kSecondNs), 0);
  EXPECT_GT(feed_ns + moved.shift_ns(), kNowNs);
  EXPECT_LE(feed_ns + moved.shift_ns(), kNowNs + 900 * kSecondNs);
  EXPECT_EQ(order.client_order_id, engine::ClientOrderId{7});
  EXPECT_EQ(engine::StartNs(order.product.start_minute),
            engine::StartNs(kFeedMinute) + moved.shift_ns());
}

TEST(MovedOrders, StayWhereTheyAreOnAClockThatHasNotReachedThem) {
  const ReplayPlan plan = PlanOf({Item(CommandType::kSubmitOrders, 7, 0, kNowNs + 1)});
  MovedOrders moved(plan, Options(ReplayRate::kClock));
  moved.Begin(kNowNs, 1);
  EXPECT_EQ(moved.shift_ns(), 0);
}

}  // namespace
}  // namespace tools
