// One product's orders, in order of arrival; time priority is place in the columns.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/command.h"
#include "engine/core/order_pool.h"
#include "engine/core/party_table.h"
#include "engine/core/state_bytes.h"

namespace engine {

// What all books of a shard share.
struct BookMemory {
  explicit BookMemory(std::uint64_t order_capacity) : orders(order_capacity) {}

  OrderPool orders;
  PartyBlocks parties;
};

struct NewOrder {
  Side side{};
  std::uint16_t level = 0;
  std::uint32_t energy_wh = 0;
  std::uint32_t account = 0;  // Registry indices.
  std::uint32_t party = 0;
  ClientOrderId client_order_id{};
  OrderId order_id{};
  Response response{};
  std::uint32_t response_param = 0;
};

// The columns of one chunk, cut to the orders in it.
struct OrderColumns {
  std::span<const std::uint16_t> level;
  std::span<const std::uint32_t> open_wh;
  std::span<std::uint32_t> filled_wh;
  std::span<const Response> response;
  std::span<const std::uint32_t> response_param;
  std::span<const std::uint64_t> slope_nwh;
};

// What the orders of a loaded book have to fit to.
struct BookTerms {
  std::uint32_t band_levels = 0;
  std::span<const std::uint32_t> party_of;  // By account: registry indices.
  bool has_fills = false;                   // What is filled belongs to the book.
};

struct NothingAhead {
  void operator()(const OrderChunk& /*chunk*/) const {}
};

// The book knows nothing of accounts but their indices and decides nothing: whoever enters an order
// has checked it. Not copied: a book's memory belongs to the BookMemory that it is always used
// with.
//
// Cost: Add, Find, Reduce and Withdraw are O(orders of the party in the book); Move too, amortised.
class Book {
 public:
  // Whether one more order of the side fits, after a compaction where that is what it takes.
  // Every slot of the book may change.
  bool MakeRoom(BookMemory& memory, Side side);

  // Ensures: false, and nothing changed, when the shard's memory is used up.
  bool Add(BookMemory& memory, const NewOrder& order);

  // The order of that id that was not replaced, open or not; kNoSlot where the id is free.
  Slot Find(const BookMemory& memory, std::uint32_t party, std::uint32_t account,
            ClientOrderId id) const;

  // Requires (all three): slot is an open order of this book.
  void Reduce(BookMemory& memory, Slot slot, std::uint32_t energy_wh);  // 1 to what is open.
  void Withdraw(BookMemory& memory, Slot slot);
  // Makes it the newest of its side, under its old ids. False, unchanged: no memory. Every other
  // slot of the book may change.
  bool Move(BookMemory& memory, Slot slot, std::uint32_t party, const NewOrder& changed);

  // Calls visit(Slot) for each order of the party that was not replaced, open or not. The visitor
  // may withdraw what it is shown. Ensures: returns how many.
  template <typename Visit>
  std::uint32_t ForEachOfParty(const BookMemory& memory, std::uint32_t party, Visit visit) const {
    std::uint32_t count = 0;
    for (Slot slot = parties_.Newest(party); slot != kNoSlot; ++count) {
      const Slot older = memory.orders.ChunkOf(slot).next_of_party[slot % kChunkOrders];
      visit(slot);
      slot = older;
    }
    return count;
  }

  // Calls visit(OrderColumns) chunk by chunk, oldest orders first.
  template <typename Visit>
  void ForEachChunk(BookMemory& memory, Side side, Visit visit) const {
    for (std::uint32_t at = sides_[Index(side)].first; at != kNoChunk;) {
      OrderChunk& chunk = memory.orders.chunk(at);
      at = chunk.next;
      visit(OrderColumns{{chunk.level.data(), chunk.used},
                         {chunk.open_wh.data(), chunk.used},
                         {chunk.filled_wh.data(), chunk.used},
                         {chunk.response.data(), chunk.used},
                         {chunk.response_param.data(), chunk.used},
                         {chunk.slope_nwh.data(), chunk.used}});
    }
  }

  // Calls visit(OrderChunk&, place in it) for every order ever entered and not replaced, bids
  // before asks, oldest first. The visitor may withdraw what it is shown. `ahead` sees each chunk
  // before its orders, so that it can ask memory for what they will need.
  template <typename Visit, typename Ahead = NothingAhead>
  void ForEachOrder(BookMemory& memory, Visit visit, Ahead ahead = {}) const {
    for (const SideList& side : sides_) {
      for (std::uint32_t at = side.first; at != kNoChunk;) {
        OrderChunk& chunk = memory.orders.chunk(at);
        at = chunk.next;
        ahead(chunk);
        VisitChunk(chunk, visit);
      }
    }
  }

  // Takes what was filled in the round from what is open.
  void Settle(BookMemory& memory);
  // From here on, orders in the round are those still open and those that are added.
  void BeginRound(BookMemory& memory);
  // `has_fills`: what is filled belongs to it; else it means nothing.
  void Save(BookMemory& memory, bool has_fills, StateWriter& out) const;
  // Requires: the book is empty. Ensures: places, ages and room are those of the book that was
  // saved; slots are others, and no compaction is counted. Where `in` is not ok() afterwards, the
  // book and its memory are of no use.
  void Load(StateReader& in, BookMemory& memory, const BookTerms& terms);
  // Gives everything back: the book is empty.
  void Clear(BookMemory& memory);

  std::uint32_t first_chunk(Side side) const { return sides_[Index(side)].first; }
  std::uint32_t slots() const { return sides_[0].slots + sides_[1].slots; }  // Used, open or not.
  // Open, or added in this round; a replace adds none.
  std::uint32_t round_orders() const { return round_orders_; }
  std::uint64_t compactions() const { return compactions_; }  // After one, slots are others.
  // Lowest and highest level of any order that was entered; meaningless while slots() == 0.
  std::uint16_t lowest_level() const { return lowest_; }
  std::uint16_t highest_level() const { return highest_; }
  const PartyTable& parties() const { return parties_; }

 private:
  struct SideList {
    std::uint32_t first = kNoChunk;
    std::uint32_t last = kNoChunk;
    std::uint32_t slots = 0;
  };

  struct LoadedOrder {
    Slot slot = kNoSlot;  // kNoSlot: it was replaced.
    std::uint16_t level = 0;
    std::uint32_t party = 0;
    std::uint32_t older = UINT32_MAX;  // Place of the party's next older one.
  };
  template <typename Visit>
  void ForEachChunkOfBoth(const BookMemory& memory, Visit visit) const;
  LoadedOrder LoadOrder(StateReader& in, BookMemory& memory, Side side, const BookTerms& terms);
  void LinkLoaded(StateReader& in, BookMemory& memory, const std::vector<LoadedOrder>& orders);

  template <typename Visit>
  static void VisitChunk(OrderChunk& chunk, Visit& visit) {
    for (std::uint32_t at = 0; at < chunk.used; ++at) {
      if (chunk.account[at] != kMovedAccount) visit(chunk, at);
    }
  }
  static std::size_t Index(Side side) { return static_cast<std::size_t>(side); }
  Slot Append(BookMemory& memory, const NewOrder& order);
  void Link(BookMemory& memory, std::uint32_t party, Slot slot);
  void Unlink(BookMemory& memory, std::uint32_t party, Slot slot);
  void Compact(BookMemory& memory);
  static void CompactSide(BookMemory& memory, SideList& side);
  static void Trim(BookMemory& memory, SideList& side);

  std::array<SideList, 2> sides_;
  std::uint32_t moved_ = 0;  // Slots of orders that were replaced since.
  std::uint32_t round_orders_ = 0;
  std::uint64_t compactions_ = 0;
  std::uint16_t lowest_ = UINT16_MAX;
  std::uint16_t highest_ = 0;
  PartyTable parties_;
};

}  // namespace engine
