#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/core/book.h"

namespace engine {
namespace {

constexpr std::uint32_t kNoPlace = UINT32_MAX;

// The place of an order among all slots of its book, bids before asks, oldest first: what a slot is
// on a machine where the chunks have other numbers.
class Places {
 public:
  void Add(std::uint32_t chunk, std::uint32_t used) {
    first_[chunk] = next_;
    next_ += used;
  }
  std::uint32_t Of(Slot slot) const {
    return slot == kNoSlot ? kNoPlace : first_.at(slot / kChunkOrders) + slot % kChunkOrders;
  }

 private:
  absl::flat_hash_map<std::uint32_t, std::uint32_t> first_;
  std::uint32_t next_ = 0;
};

void SaveOrder(const OrderChunk& chunk, std::uint32_t at, bool has_fills, StateWriter& out) {
  out.Add(chunk.order_id[at]);
  out.Add(chunk.client_order_id[at]);
  out.Add(chunk.level[at]);
  out.Add(chunk.response[at]);
  out.Add(chunk.response_param[at]);
  out.Add(chunk.open_wh[at]);
  if (has_fills) out.Add(chunk.filled_wh[at]);
}

}  // namespace

// Calls visit(number, chunk), bids before asks, oldest first.
template <typename Visit>
void Book::ForEachChunkOfBoth(const BookMemory& memory, Visit visit) const {
  for (const SideList& side : sides_) {
    for (std::uint32_t at = side.first; at != kNoChunk; at = memory.orders.chunk(at).next) {
      visit(at, memory.orders.chunk(at));
    }
  }
}

void Book::Save(BookMemory& memory, bool has_fills, StateWriter& out) const {
  Places places;
  ForEachChunkOfBoth(
      memory, [&](std::uint32_t at, const OrderChunk& chunk) { places.Add(at, chunk.used); });
  for (const SideList& side : sides_) out.Add(side.slots);
  ForEachChunkOfBoth(memory, [&](std::uint32_t, const OrderChunk& chunk) {
    for (std::uint32_t at = 0; at < chunk.used; ++at) {
      out.Add(chunk.account[at]);
      if (chunk.account[at] == kMovedAccount) continue;
      SaveOrder(chunk, at, has_fills, out);
      out.Add(places.Of(chunk.next_of_party[at]));
    }
  });
  out.Add(round_orders_);
  out.Add(lowest_);
  out.Add(highest_);
}

void Book::Load(StateReader& in, BookMemory& memory, const BookTerms& terms) {
  std::vector<LoadedOrder> orders;
  std::uint16_t lowest = UINT16_MAX;
  std::uint16_t highest = 0;
  const std::uint32_t slots[2] = {in.Read<std::uint32_t>(), in.Read<std::uint32_t>()};
  for (const Side side : {Side::kBuy, Side::kSell}) {
    for (std::uint32_t i = 0; i < slots[Index(side)] && in.ok(); ++i) {
      orders.push_back(LoadOrder(in, memory, side, terms));
      if (orders.back().slot == kNoSlot) continue;
      lowest = std::min(lowest, orders.back().level);
      highest = std::max(highest, orders.back().level);
    }
  }
  LinkLoaded(in, memory, orders);
  round_orders_ = in.Read<std::uint32_t>();
  lowest_ = in.Read<std::uint16_t>();
  highest_ = in.Read<std::uint16_t>();
  const bool is_empty = this->slots() == 0;
  in.Require(is_empty || (lowest_ <= highest_ && highest_ < terms.band_levels),
             "a lowest and a highest limit that cannot be");
  in.Require(lowest_ <= lowest && highest <= highest_, "limits outside of the lowest and highest");
}

Book::LoadedOrder Book::LoadOrder(StateReader& in, BookMemory& memory, Side side,
                                  const BookTerms& terms) {
  LoadedOrder loaded;
  NewOrder order{.side = side, .account = in.Read<std::uint32_t>()};
  const bool is_moved = order.account == kMovedAccount;
  std::uint32_t filled_wh = 0;
  if (!is_moved) {
    order.order_id = in.Read<OrderId>();
    order.client_order_id = in.Read<ClientOrderId>();
    order.level = in.Read<std::uint16_t>();
    order.response = in.Read<Response>();
    order.response_param = in.Read<std::uint32_t>();
    order.energy_wh = in.Read<std::uint32_t>();
    if (terms.has_fills) filled_wh = in.Read<std::uint32_t>();
    loaded.older = in.Read<std::uint32_t>();
    in.Require(order.account < terms.party_of.size(), "an order of an account that is not there");
    in.Require(order.level < terms.band_levels, "a limit outside of the band");
    in.Require(order.response <= Response::kInteractive, "a response that is none");
    in.Require(order.response != Response::kQuadratic || order.response_param > 0, "a theta of 0");
  }
  if (!in.ok()) return loaded;
  const Slot slot = Append(memory, order);
  if (!in.Require(slot != kNoSlot, "more orders than the shard has room for")) return loaded;
  OrderChunk& chunk = memory.orders.ChunkOf(slot);
  chunk.filled_wh[slot % kChunkOrders] = filled_wh;
  moved_ += is_moved ? 1 : 0;
  loaded.slot = is_moved ? kNoSlot : slot;
  loaded.level = order.level;
  if (!is_moved) loaded.party = terms.party_of[order.account];
  return loaded;
}

// The orders of a party are a chain, the newest first; all chains together have every order once.
void Book::LinkLoaded(StateReader& in, BookMemory& memory, const std::vector<LoadedOrder>& orders) {
  std::vector<bool> has_newer(orders.size());
  for (std::size_t i = 0; i < orders.size() && in.ok(); ++i) {
    const LoadedOrder& order = orders[i];
    if (order.slot == kNoSlot) continue;
    Slot& older = memory.orders.ChunkOf(order.slot).next_of_party[order.slot % kChunkOrders];
    older = kNoSlot;
    if (order.older == kNoPlace) continue;
    const bool is_one = order.older < orders.size() && !has_newer[order.older] &&
                        orders[order.older].slot != kNoSlot &&
                        orders[order.older].party == order.party;
    if (!in.Require(is_one, "an older order that is none of the party's")) return;
    has_newer[order.older] = true;
    older = orders[order.older].slot;
  }
  std::size_t chained = 0;
  std::size_t live = 0;
  for (std::size_t i = 0; i < orders.size() && in.ok(); ++i) {
    if (orders[i].slot == kNoSlot) continue;
    ++live;
    if (has_newer[i]) continue;
    PartyEntry& entry = parties_.FindOrMake(orders[i].party, memory.parties);
    if (!in.Require(entry.newest == kNoSlot, "two newest orders of a party")) return;
    entry.newest = orders[i].slot;
    chained += ForEachOfParty(memory, orders[i].party, [](Slot) {});
  }
  in.Require(chained == live, "orders of a party that go round in a circle");
}

}  // namespace engine
