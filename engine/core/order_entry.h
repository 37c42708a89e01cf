// Orders coming in, changing and leaving: the checks of one order, and the book it ends in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/command.h"
#include "engine/core/event_queue.h"
#include "engine/core/matching.h"
#include "engine/core/product_table.h"
#include "engine/core/reason.h"
#include "engine/core/registry.h"

namespace engine {

// When and by whom an order was sent, and what it will be called.
struct Entry {
  std::uint32_t credential = 0;  // Registry index.
  std::int64_t time_ns = 0;
  std::uint64_t sequence = 0;  // Of the command.
  std::uint32_t place = 0;     // In the command.
};

// Each returns why it refused, or kNone when it is done; a refusal changes nothing.
//
// Cost: O(orders of the party in the book, and of the others at its metering point where that has
//       a limit).
class OrderEntry {
 public:
  OrderEntry(Registry& registry, ProductTable& products, BookMemory& memory, EventQueue& events,
             Matching& matching)
      : registry_(registry),
        products_(products),
        memory_(memory),
        events_(events),
        matching_(matching) {}

  // Before the items of a command: looks their accounts up, and asks memory for what their orders
  // will need. Among a million homes none of it is in a cache, and it would be waited for one by
  // one.
  template <typename Item>
  void Prepare(std::span<const Item> items);
  // Requires (all three): the command was prepared.
  Reason Submit(const OrderBody& order, const Entry& entry);
  Reason Replace(const OrderBody& order, const Entry& entry);
  Reason Cancel(const OrderKeyBody& key, const Entry& entry);

  // Withdraws every open order of the credential in the scope. Orders in a frozen or clearing book
  // stay; where none went, the reason says why one of them stayed.
  struct CancelledAll {
    std::uint32_t orders = 0;
    Reason reason = Reason::kNone;
  };
  CancelledAll CancelAll(const OrderScopeBody& scope, const Entry& entry);
  // The same for a session that ended: what cannot leave now leaves when its round is finished.
  void Disconnect(const Entry& entry);
  // Goes on with the order that is being matched. Requires: product is next_to_match().
  void Continue(Product& product, const CommandHeader& header);
  const Product* next_to_match() const { return matching_.next(); }
  // Those who were waiting to leave. Requires: the product's round is over and keeps its orders, or
  // its sweep is over.
  void LetLeave(Product& product, std::uint64_t sequence);

 private:
  // Where an order belongs, once it is clear that it may go there.
  struct Place {
    Reason reason = Reason::kNone;
    Product* product = nullptr;
    std::uint32_t account = 0;
  };
  // The product that the last item of the command was of.
  struct FoundProduct {
    ProductId id;
    std::uint32_t market = kNoIndex;  // Registry index.
    Product* product = nullptr;
  };
  // What a party has in the book, as far as one new or changed order is concerned.
  struct Own {
    std::uint32_t orders = 0;      // In this round, but for the one that changes.
    std::uint32_t same_side = 0;   // Open.
    std::uint32_t other_side = 0;  // Open.
    bool duplicate = false;
    std::uint64_t same_side_wh = 0;  // Of the party's, at the order's metering point.
    std::vector<Slot>* crossing = nullptr;
  };

  Place Locate(ProductId product, const Entry& entry);
  void PrefetchBook(ProductId product);
  const FoundProduct& FindProduct(ProductId product);
  Reason CheckTerms(const OrderBody& order, const Product& product) const;
  static Reason CheckRule(const OrderBody& order, const MarketDefinition& market);
  Own Survey(const OrderBody& order, const Place& place, Slot except);
  std::uint64_t OpenOfOthersAtPoint(const OrderBody& order, const Place& place) const;
  bool IsOverPointLimit(const OrderBody& order, const Place& place, const Own& own) const;
  Reason CheckOwn(const OrderBody& order, const Place& place, const Own& own,
                  std::int64_t time_ns) const;
  void Withdraw(Product& product, Slot slot);
  void WithdrawAndTell(Product& product, Slot slot, Reason reason, std::uint64_t sequence);
  void TellWithdrawn(const Product& product, const OrderChunk& chunk, std::uint32_t at,
                     Reason reason, std::uint64_t sequence);
  template <typename Visit>
  void ForEachOpenOf(std::uint32_t account, Visit visit);
  template <typename Visit>
  void ForEachOpen(const OrderScopeBody& scope, std::uint32_t credential, Visit visit);

  Registry& registry_;
  ProductTable& products_;
  BookMemory& memory_;
  EventQueue& events_;
  Matching& matching_;
  std::vector<std::uint32_t> accounts_;  // Of the command's items: registry indices, or kNoIndex.
  FoundProduct found_;
  std::vector<Slot> crossing_;  // Of the order in hand.
};

template <typename Item>
void OrderEntry::Prepare(std::span<const Item> items) {
  found_ = FoundProduct();
  accounts_.resize(items.size());
  for (const Item& item : items) registry_.Prefetch(item.account);
  for (std::size_t i = 0; i < items.size(); ++i) {
    accounts_[i] = registry_.FindAccount(items[i].account);
    if (accounts_[i] != kNoIndex) __builtin_prefetch(&registry_.account(accounts_[i]));
  }
  if (items.size() > 1) PrefetchBook(items.front().product);
}

}  // namespace engine
