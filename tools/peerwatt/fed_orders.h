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
  engine::PartyId party{};
  engine::Side side{};
  std::int32_t limit_ticks = 0;  // In the feed.
  std::int32_t sent_ticks = 0;   // The limit that the exchange has.
  std::uint32_t open_wh = 0;
  std::uint32_t filled_round = 0;  // The last in which it got energy, 0: none; and how much.
  std::uint32_t filled_wh = 0;
};

// Hear() gets every event, Applied() every client command behind the events of its answer.
class FedOrders {
 public:
  void AddMarket(const engine::MarketDefinition& market) { markets_[market.id] = market; }
  void AddAccount(const engine::AccountBody& account) {
    accounts_[account.credential].push_back(account.id);
    parties_[account.id] = account.party;
  }
  // Zero where the feed does not define the account.
  engine::PartyId PartyOf(engine::AccountId account) const;

  void Hear(const engine::Event& event);
  // The feed's command, and what was sent in its place: the same but for the limits.
  void Applied(engine::CommandView fed, engine::CommandView sent);

  // The order of a fill, as it was before the fill is taken from it.
  const FedOrderState& Of(const engine::FillEvent& fill) const;
  // The open orders of a product.
  std::vector<FedOrderState> OpenIn(const engine::ProductId& product) const;
  // Those that were in the round of it that was told last.
  std::vector<FedOrderState> InRound(const engine::ProductId& product, std::uint32_t round) const;
  // A product is over, or a round whose orders do not stay.
  void Forget(const engine::ProductId& product);

 private:
  // By product first: a product's orders lie together.
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::uint64_t>;
  static Key KeyOf(const engine::ProductId& product, engine::AccountId account,
                   engine::ClientOrderId order);
  static Key FirstOf(const engine::ProductId& product) { return KeyOf(product, {}, {}); }

  // The orders of a product that `is_wanted` wants.
  template <typename IsWanted>
  std::vector<FedOrderState> Of(const engine::ProductId& product, IsWanted is_wanted) const;
  bool IsAccepted(std::size_t item) const;
  void CancelAll(engine::CredentialId credential, const engine::OrderScopeBody& scope,
                 std::int64_t time_ns);

  std::map<engine::MarketId, engine::MarketDefinition> markets_;
  absl::flat_hash_map<engine::CredentialId, std::vector<engine::AccountId>> accounts_;
  absl::flat_hash_map<engine::AccountId, engine::PartyId> parties_;
  std::map<Key, FedOrderState> orders_;
  std::vector<std::uint16_t> refused_;  // Items of the command in hand, in order.
  bool taken_ = true;                   // The command was not refused as a whole.
};

}  // namespace tools
