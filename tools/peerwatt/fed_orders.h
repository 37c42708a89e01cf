// The orders of a feed as the exchange has them, followed from what it answers and tells.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/core/command.h"
#include "engine/core/event.h"
#include "engine/core/market_definition.h"

namespace tools {

struct FedOrderState {
  engine::Side side{};
  std::int32_t limit_ticks = 0;
  std::uint32_t open_wh = 0;
};

// Hear() gets every event, Applied() every client command behind the events of its answer.
class FedOrders {
 public:
  void AddMarket(const engine::MarketDefinition& market) { markets_[market.id] = market; }
  void AddAccount(const engine::AccountBody& account) {
    accounts_[account.credential].push_back(account.id);
  }

  void Hear(const engine::Event& event);
  void Applied(engine::CommandView command);

  // The order of a fill, as it was before the fill is taken from it.
  const FedOrderState& Of(const engine::FillEvent& fill) const;
  // The open orders of a product.
  std::vector<FedOrderState> OpenIn(const engine::ProductId& product) const;
  // A product is over, or a round whose orders do not stay.
  void Forget(const engine::ProductId& product);

 private:
  // By product first: a product's orders lie together.
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::uint64_t>;
  static Key KeyOf(const engine::ProductId& product, engine::AccountId account,
                   engine::ClientOrderId order);
  static Key FirstOf(const engine::ProductId& product) { return KeyOf(product, {}, {}); }

  bool IsAccepted(std::size_t item) const;
  void CancelAll(engine::CredentialId credential, const engine::OrderScopeBody& scope,
                 std::int64_t time_ns);

  std::map<engine::MarketId, engine::MarketDefinition> markets_;
  absl::flat_hash_map<engine::CredentialId, std::vector<engine::AccountId>> accounts_;
  std::map<Key, FedOrderState> orders_;
  std::vector<std::uint16_t> refused_;  // Items of the command in hand, in order.
  bool taken_ = true;                   // The command was not refused as a whole.
};

}  // namespace tools
