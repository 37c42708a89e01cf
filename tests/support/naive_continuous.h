// Continuous trading by its definition: every order that waits is looked at for every trade.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/core/command.h"

namespace engine {

class NaiveContinuous {
 public:
  struct Order {
    std::uint32_t account = 0;
    std::uint64_t id = 0;
    Side side{};
    std::int32_t limit_ticks = 0;
    std::uint32_t open_wh = 0;
  };
  struct Fill {
    std::uint32_t account = 0;
    std::uint64_t id = 0;
    std::int32_t price_ticks = 0;
    std::uint32_t energy_wh = 0;
    std::uint32_t open_wh = 0;

    friend bool operator==(const Fill&, const Fill&) = default;
  };

  // The waiting order's fill comes first.
  void Submit(Order order) {
    while (order.open_wh > 0) {
      const std::size_t best = Best(order);
      if (best == orders.size()) break;
      Order& maker = orders[best];
      const std::uint32_t energy = std::min(order.open_wh, maker.open_wh);
      order.open_wh -= energy;
      maker.open_wh -= energy;
      fills.push_back({maker.account, maker.id, maker.limit_ticks, energy, maker.open_wh});
      fills.push_back({order.account, order.id, maker.limit_ticks, energy, order.open_wh});
      if (maker.open_wh == 0) Erase(best);
    }
    if (order.open_wh > 0) orders.push_back(order);
  }
  Order* Find(std::uint32_t account, std::uint64_t id) {
    for (Order& order : orders) {
      if (order.account == account && order.id == id) return &order;
    }
    return nullptr;
  }
  void Cancel(const Order* order) { Erase(static_cast<std::size_t>(order - orders.data())); }
  void Replace(Order* order, std::int32_t limit_ticks, std::uint32_t energy_wh) {
    if (limit_ticks == order->limit_ticks && energy_wh <= order->open_wh) {
      order->open_wh = energy_wh;
      return;
    }
    Order changed = *order;
    Cancel(order);
    changed.limit_ticks = limit_ticks;
    changed.open_wh = energy_wh;
    Submit(changed);
  }

  std::vector<Order> orders;  // Oldest first.
  std::vector<Fill> fills;

 private:
  // The best-priced of those that it meets, and of these the oldest.
  std::size_t Best(const Order& taker) const {
    std::size_t best = orders.size();
    for (std::size_t i = 0; i < orders.size(); ++i) {
      const Order& maker = orders[i];
      if (maker.side == taker.side) continue;
      const bool buys = taker.side == Side::kBuy;
      const bool meets =
          buys ? maker.limit_ticks <= taker.limit_ticks : maker.limit_ticks >= taker.limit_ticks;
      if (!meets) continue;
      const bool better =
          best == orders.size() || (buys ? maker.limit_ticks < orders[best].limit_ticks
                                         : maker.limit_ticks > orders[best].limit_ticks);
      if (better) best = i;
    }
    return best;
  }
  void Erase(std::size_t at) { orders.erase(orders.begin() + static_cast<std::ptrdiff_t>(at)); }
};

}  // namespace engine
