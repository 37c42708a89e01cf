#include "tools/peerwatt/fed_orders.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/product.h"

namespace tools {

using engine::CommandType;
using engine::EventType;

FedOrders::Key FedOrders::KeyOf(const engine::ProductId& product, engine::AccountId account,
                                engine::ClientOrderId order) {
  return {static_cast<std::uint32_t>(product.market), product.start_minute,
          static_cast<std::uint64_t>(account), static_cast<std::uint64_t>(order)};
}

void FedOrders::Hear(const engine::Event& event) {
  switch (event.type) {
    case EventType::kAnswer:
      refused_.clear();
      taken_ = event.answer.reason == engine::Reason::kNone;
      return;
    case EventType::kRefusals:
      for (std::size_t i = 0; i < event.refusals.count; ++i) {
        refused_.push_back(event.refusals.refusals[i].index);
      }
      return;
    case EventType::kOrderCancelled: {
      const engine::OrderCancelledEvent& order = event.order_cancelled;
      orders_.erase(KeyOf(order.product, order.account, order.client_order_id));
      return;
    }
    case EventType::kFill: {
      const engine::FillEvent& fill = event.fill;
      FedOrderState& order = orders_.at(KeyOf(fill.product, fill.account, fill.client_order_id));
      order.open_wh = fill.open_wh;
      if (order.filled_round != fill.round) order.filled_wh = 0;
      order.filled_round = fill.round;
      order.filled_wh += fill.energy_wh;
      return;
    }
    default:
      return;
  }
}

bool FedOrders::IsAccepted(std::size_t item) const {
  return taken_ && !std::binary_search(refused_.begin(), refused_.end(), item);
}

engine::PartyId FedOrders::PartyOf(engine::AccountId account) const {
  const auto at = parties_.find(account);
  return at == parties_.end() ? engine::PartyId{} : at->second;
}

void FedOrders::Applied(engine::CommandView fed, engine::CommandView sent) {
  const engine::CommandHeader& header = fed.header();
  if (header.type == CommandType::kSubmitOrders || header.type == CommandType::kReplaceOrders) {
    const auto orders = fed.Items<engine::OrderBody>();
    for (std::size_t i = 0; i < orders.size(); ++i) {
      if (!IsAccepted(i)) continue;
      const engine::OrderBody& order = orders[i];
      orders_[KeyOf(order.product, order.account, order.client_order_id)] = {
          .party = PartyOf(order.account),
          .side = order.side,
          .limit_ticks = order.limit_ticks,
          .sent_ticks = sent.Items<engine::OrderBody>()[i].limit_ticks,
          .open_wh = order.energy_wh};
    }
  } else if (header.type == CommandType::kCancelOrders) {
    const auto keys = fed.Items<engine::OrderKeyBody>();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!IsAccepted(i)) continue;
      orders_.erase(KeyOf(keys[i].product, keys[i].account, keys[i].client_order_id));
    }
  } else if (header.type == CommandType::kCancelAll) {
    for (const engine::OrderScopeBody& scope : fed.Items<engine::OrderScopeBody>()) {
      CancelAll(header.credential, scope, header.time_ns);
    }
  }
}

// As the exchange does it: what is frozen or past its gate stays.
void FedOrders::CancelAll(engine::CredentialId credential, const engine::OrderScopeBody& scope,
                          std::int64_t time_ns) {
  const std::vector<engine::AccountId>& own = accounts_[credential];
  std::erase_if(orders_, [&](const auto& entry) {
    const auto& [market, start, account, id] = entry.first;
    const engine::AccountId whose{account};
    if (scope.account != engine::AccountId{} && scope.account != whose) return false;
    if (scope.market != engine::MarketId{} && scope.market != engine::MarketId{market}) {
      return false;
    }
    if (std::find(own.begin(), own.end(), whose) == own.end()) return false;
    const engine::MarketDefinition& definition = markets_.at(engine::MarketId{market});
    std::uint32_t round = 1;
    while (round < definition.rounds && engine::GateNs(definition, start, round) <= time_ns) {
      ++round;
    }
    return time_ns < engine::GateNs(definition, start, round) -
                         std::int64_t{definition.freeze_s} * engine::kSecondNs;
  });
}

const FedOrderState& FedOrders::Of(const engine::FillEvent& fill) const {
  return orders_.at(KeyOf(fill.product, fill.account, fill.client_order_id));
}

template <typename IsWanted>
std::vector<FedOrderState> FedOrders::Of(const engine::ProductId& product,
                                         IsWanted is_wanted) const {
  std::vector<FedOrderState> wanted;
  const engine::ProductId next{product.market, product.start_minute + 1};
  for (auto at = orders_.lower_bound(FirstOf(product)); at != orders_.lower_bound(FirstOf(next));
       ++at) {
    if (is_wanted(at->second)) wanted.push_back(at->second);
  }
  return wanted;
}

std::vector<FedOrderState> FedOrders::OpenIn(const engine::ProductId& product) const {
  return Of(product, [](const FedOrderState& order) { return order.open_wh > 0; });
}

std::vector<FedOrderState> FedOrders::InRound(const engine::ProductId& product,
                                              std::uint32_t round) const {
  return Of(product, [round](const FedOrderState& order) {
    return order.open_wh > 0 || order.filled_round == round;
  });
}

void FedOrders::Forget(const engine::ProductId& product) {
  const engine::ProductId next{product.market, product.start_minute + 1};
  orders_.erase(orders_.lower_bound(FirstOf(product)), orders_.lower_bound(FirstOf(next)));
}

}  // namespace tools
