#include "tools/peerwatt/moved_orders.h"

#include <algorithm>
#include <numeric>

namespace tools {
namespace {

using engine::kSecondNs;

constexpr std::int64_t kMinuteNs = 60 * kSecondNs;
constexpr std::int64_t kMarginNs = 5 * kSecondNs;   // Before a gate, of this machine's time.
constexpr std::int64_t kOpeningNs = 2 * kSecondNs;  // After a product's opening.

}  // namespace

MovedOrders::MovedOrders(const ReplayPlan& plan, const NetworkReplayOptions& options)
    : plan_(plan), rate_(options.rate), orders_per_second_(options.orders_per_second) {
  for (const PlannedItem& item : plan.items) {
    if (item.type != engine::CommandType::kCancelAll) {
      starts_.push_back(item.order.product.start_minute);
    }
  }
  std::sort(starts_.begin(), starts_.end());
  starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
}

MovedOrders::Key MovedOrders::KeyOf(const engine::OrderBody& order) {
  return {order.account, order.client_order_id, order.product.market, order.product.start_minute};
}

// How many items lie between a submit and the last that corrects it, at most.
std::size_t MovedOrders::LongestCorrection() const {
  absl::flat_hash_map<Key, std::size_t> submitted;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < plan_.items.size(); ++i) {
    const PlannedItem& item = plan_.items[i];
    if (item.type == engine::CommandType::kSubmitOrders) {
      submitted[KeyOf(item.order)] = i;
    } else if (const auto found = submitted.find(KeyOf(item.order)); found != submitted.end()) {
      longest = std::max(longest, i - found->second);
    }
  }
  return longest;
}

void MovedOrders::Begin(std::int64_t server_ns, std::uint32_t clock_factor) {
  next_id_ = static_cast<std::uint64_t>(server_ns);  // Those of an earlier replay are lower.
  margin_ns_ = kMarginNs * clock_factor;
  if (rate_ == ReplayRate::kFixed) {
    margin_ns_ += static_cast<std::int64_t>(static_cast<double>(LongestCorrection()) /
                                            orders_per_second_ * 1e9 * clock_factor);
  }
  if (rate_ != ReplayRate::kClock || plan_.items.empty()) return;
  std::int64_t step_ns = kMinuteNs;
  for (const auto& [id, market] : plan_.markets) {
    step_ns = std::lcm(step_ns, std::int64_t{market.slot_minutes} * kMinuteNs);
  }
  const std::int64_t behind_ns = server_ns - plan_.items.front().time_ns;
  if (behind_ns > 0) shift_ns_ = (behind_ns / step_ns + 1) * step_ns;
}

engine::ProductId MovedOrders::OpenProduct(engine::ProductId product,
                                           std::int64_t server_ns) const {
  const auto market = plan_.markets.find(product.market);
  if (market == plan_.markets.end()) return product;
  const engine::MarketDefinition& definition = market->second;
  const std::int64_t slot_ns = std::int64_t{definition.slot_minutes} * kMinuteNs;
  const std::int64_t gate_before_ns =
      engine::StartNs(0) - engine::GateNs(definition, 0, /*round=*/1);
  // From the first whose gate is far enough off, so many as are open then whatever the hour is. A
  // product of the feed stays the same one while that is among them, in a later replay too, so that
  // no home bids against its own orders of another time of day.
  const std::int64_t first = (server_ns + gate_before_ns + margin_ns_) / slot_ns + 1;
  const std::int64_t open =
      std::max<std::int64_t>(1, (std::int64_t{definition.open_before_s} * kSecondNs - kOpeningNs -
                                 gate_before_ns - margin_ns_) /
                                    slot_ns);
  const auto place = std::lower_bound(starts_.begin(), starts_.end(), product.start_minute);
  const std::int64_t turn = (place - starts_.begin() - first) % open;
  const std::int64_t slot = first + (turn + open) % open;
  product.start_minute = static_cast<std::uint32_t>(slot * definition.slot_minutes);
  return product;
}

engine::OrderBody MovedOrders::Move(const PlannedItem& item, std::int64_t server_ns) {
  engine::OrderBody order = item.order;
  if (item.type == engine::CommandType::kCancelAll) return order;  // Of a market, not a product.
  if (rate_ == ReplayRate::kClock) {
    order.product.start_minute += static_cast<std::uint32_t>(shift_ns_ / kMinuteNs);
    return order;
  }
  if (item.type == engine::CommandType::kSubmitOrders) {
    const Place place{engine::ClientOrderId{next_id_++}, OpenProduct(order.product, server_ns)};
    places_[KeyOf(order)] = place;
  }
  const auto found = places_.find(KeyOf(order));
  if (found == places_.end()) return order;  // Of an order that the feed does not have.
  order.client_order_id = found->second.client_order_id;
  order.product = found->second.product;
  return order;
}

}  // namespace tools
