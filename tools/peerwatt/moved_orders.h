// A feed's orders as a replay sends them: moved to products that are open when they are sent.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tools/peerwatt/network_replay.h"

namespace tools {

// On the clock all times move by one number of whole slots, and orders keep their ids. At a rate
// each product becomes one of those that are open, in turn; two of the feed may fall together, so
// each submit gets an id of its own, and what corrects it later goes to that id and product.
class MovedOrders {
 public:
  // Requires: `plan` outlives it.
  MovedOrders(const ReplayPlan& plan, const NetworkReplayOptions& options);

  // The replay begins at `server_ns` of the daemon's clock, which runs `clock_factor` times as fast
  // as this machine's. A feed on the clock that begins later stays where it is.
  void Begin(std::int64_t server_ns, std::uint32_t clock_factor);

  // How much later than in the feed an order is due, on the clock.
  std::int64_t shift_ns() const { return shift_ns_; }

  // The item's order, sent at `server_ns`. Requires: items come in the plan's order.
  engine::OrderBody Move(const PlannedItem& item, std::int64_t server_ns);

 private:
  using Key = std::tuple<engine::AccountId, engine::ClientOrderId, engine::MarketId, std::uint32_t>;
  struct Place {
    engine::ClientOrderId client_order_id{};
    engine::ProductId product;
  };

  static Key KeyOf(const engine::OrderBody& order);
  std::size_t LongestCorrection() const;
  engine::ProductId OpenProduct(engine::ProductId product, std::int64_t server_ns) const;

  const ReplayPlan& plan_;
  const ReplayRate rate_;
  const double orders_per_second_;
  std::vector<std::uint32_t> starts_;  // Of the feed's products, in order.
  std::int64_t shift_ns_ = 0;
  std::int64_t margin_ns_ =
      0;  // On the daemon's clock; the gate of a product chosen is as far off.
  std::uint64_t next_id_ = 0;
  absl::flat_hash_map<Key, Place> places_;  // Of the feed's orders, at a rate.
};

}  // namespace tools
