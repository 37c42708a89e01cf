// A small day of four homes: orders, refusals, cancels, rounds that carry over, and two restarts.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/engine/runtime/sim_process.h"

namespace engine {

inline constexpr std::int64_t kDayBegins = 560;  // Minute.

inline SimOptions SmallDayOptions() { return {.market = TwoRounds(1)}; }

// Steps lie ten seconds apart or more, and one home speaks in each: a process that waits for space
// for some seconds does the same as one that need not.
class SmallDay {
 public:
  SmallDay(SimProcess& process, ManualClock& clock) : process_(process), clock_(clock) {}

  void Run() {
    process_.Init();
    Begin();
    Gather();
    ChangeTheirMinds();
    At(585);  // The first round of 10:00.
    Order(586, 0, Bid(3, 100, 60, 400));
    Order(586, 30, Ask(4, 100, 5, 900));
    DieWithABatchInFlight();
    At(595);  // Its last round.
    At(600);  // The first one of 10:15.
    Order(601, 0, ForQuarterPast(Bid(2, 200, 70, 300)));
    At(610);
    process_.Stop();
    Begin();
    process_.ResendAll();
    Order(611, 0, ForQuarterPast(Bid(1, 201, 70, 300)));  // Too late: refused.
    process_.Stop();
  }

 private:
  static OrderBody ForQuarterPast(OrderBody order) {
    order.product.start_minute += 15;
    return order;
  }
  void Begin() {
    process_.Start();
    process_.Settle();
    process_.LogonAll();
  }
  void SetClock(std::int64_t minute, std::int64_t second) {
    clock_.Set(ExchangeDriver::MinuteNs(minute) + second * 1'000'000'000);
  }
  void At(std::int64_t minute, std::int64_t second = 0) {
    SetClock(minute, second);
    process_.Settle();
  }
  void Order(std::int64_t minute, std::int64_t second, const OrderBody& order) {
    SetClock(minute, second);
    process_.Send(static_cast<std::uint32_t>(order.account), CommandType::kSubmitOrders,
                  std::vector{order});
    process_.Settle();
  }

  void Gather() {
    for (std::uint32_t i = 0; i < 24; ++i) {
      const std::uint32_t home = 1 + i % kHomes;
      const OrderBody order = home % 2 == 1
                                  ? Bid(home, 1 + i, static_cast<std::int32_t>(20 + i), 100 + i)
                                  : Ask(home, 1 + i, static_cast<std::int32_t>(45 - i), 90 + i);
      Order(561 + i / 4, i % 4 * 15, i % 3 == 0 ? ForQuarterPast(order) : order);
    }
  }
  void ChangeTheirMinds() {
    SetClock(571, 0);
    process_.Send(1, CommandType::kReplaceOrders,
                  std::vector{Bid(1, 5, 55, 700), Bid(1, 77, 55, 700)});
    process_.Settle();
    SetClock(571, 30);
    process_.Send(2, CommandType::kSubmitOrders,
                  std::vector{Ask(2, 90, 30, 0), Ask(2, 91, 30, 50)});
    process_.Settle();
    SetClock(572, 0);
    const OrderKeyBody key{
        .account = AccountId{3}, .client_order_id = ClientOrderId{3}, .product = {kMarket, kStart}};
    process_.Send(3, CommandType::kCancelOrders, std::vector{key});
    process_.Settle();
    SetClock(573, 0);
    process_.Send(4, CommandType::kCancelAll, std::vector{OrderScopeBody{}});
    process_.Settle();
    Order(574, 0, Ask(4, 99, 12, 800));
  }
  void DieWithABatchInFlight() {
    SetClock(587, 0);
    process_.Send(1, CommandType::kSubmitOrders, std::vector{Bid(1, 101, 61, 350)});
    process_.Turn();
    process_.Kill();
    Begin();
    process_.ResendAll();
  }

  SimProcess& process_;
  ManualClock& clock_;
};

}  // namespace engine
