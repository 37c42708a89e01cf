#include "engine/core/book.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/response.h"

namespace engine {
namespace {

// Below it, slots of replaced orders are not worth a pass over the book.
constexpr std::uint32_t kMovedToCompact = 1'024;

void CopyOrder(const OrderChunk& from, std::uint32_t at, OrderChunk& to, std::uint32_t place) {
  to.open_wh[place] = from.open_wh[at];
  to.level[place] = from.level[at];
  to.response[place] = from.response[at];
  to.response_param[place] = from.response_param[at];
  to.slope_nwh[place] = from.slope_nwh[at];
  to.account[place] = from.account[at];
  to.next_of_party[place] = from.next_of_party[at];
  to.client_order_id[place] = from.client_order_id[at];
  to.order_id[place] = from.order_id[at];
}

}  // namespace

Slot Book::Append(BookMemory& memory, const NewOrder& order) {
  SideList& side = sides_[Index(order.side)];
  if (side.last == kNoChunk || memory.orders.chunk(side.last).used == kChunkOrders) {
    const std::uint32_t taken = memory.orders.Take(order.side);
    if (taken == kNoChunk) return kNoSlot;
    if (side.last == kNoChunk) {
      side.first = taken;
    } else {
      memory.orders.chunk(side.last).next = taken;
    }
    side.last = taken;
  }
  OrderChunk& chunk = memory.orders.chunk(side.last);
  const std::uint32_t at = chunk.used++;
  chunk.open_wh[at] = order.energy_wh;
  chunk.filled_wh[at] = 0;
  chunk.level[at] = order.level;
  chunk.response[at] = order.response;
  chunk.response_param[at] = order.response_param;
  chunk.slope_nwh[at] =
      order.response == Response::kQuadratic ? QuadraticSlope(order.response_param) : 0;
  chunk.account[at] = order.account;
  chunk.client_order_id[at] = order.client_order_id;
  chunk.order_id[at] = order.order_id;
  ++side.slots;
  lowest_ = std::min(lowest_, order.level);
  highest_ = std::max(highest_, order.level);
  return side.last * kChunkOrders + at;
}

void Book::Link(BookMemory& memory, std::uint32_t party, Slot slot) {
  PartyEntry& entry = parties_.FindOrMake(party, memory.parties);
  memory.orders.ChunkOf(slot).next_of_party[slot % kChunkOrders] = entry.newest;
  entry.newest = slot;
}

// Requires: slot is not the newest of its party.
void Book::Unlink(BookMemory& memory, std::uint32_t party, Slot slot) {
  Slot newer = parties_.Newest(party);
  for (;;) {
    CHECK(newer != kNoSlot);
    Slot& older = memory.orders.ChunkOf(newer).next_of_party[newer % kChunkOrders];
    if (older == slot) {
      older = memory.orders.ChunkOf(slot).next_of_party[slot % kChunkOrders];
      return;
    }
    newer = older;
  }
}

bool Book::MakeRoom(BookMemory& memory, Side side) {
  const auto has_room = [&] {
    const std::uint32_t last = sides_[Index(side)].last;
    const bool in_chunk = last != kNoChunk && memory.orders.chunk(last).used < kChunkOrders;
    return in_chunk || memory.orders.free_chunks() > 0;
  };
  // So many that were replaced pay for the pass.
  if (!has_room() && moved_ >= std::max(kChunkOrders, slots() / 16)) Compact(memory);
  return has_room();
}

bool Book::Add(BookMemory& memory, const NewOrder& order) {
  const Slot slot = Append(memory, order);
  if (slot == kNoSlot) return false;
  ++round_orders_;
  Link(memory, order.party, slot);
  return true;
}

Slot Book::Find(const BookMemory& memory, std::uint32_t party, std::uint32_t account,
                ClientOrderId id) const {
  for (Slot slot = parties_.Newest(party); slot != kNoSlot;) {
    const OrderChunk& chunk = memory.orders.ChunkOf(slot);
    const std::uint32_t at = slot % kChunkOrders;
    if (chunk.client_order_id[at] == id && chunk.account[at] == account) return slot;
    slot = chunk.next_of_party[at];
  }
  return kNoSlot;
}

void Book::Reduce(BookMemory& memory, Slot slot, std::uint32_t energy_wh) {
  std::uint32_t& open = memory.orders.ChunkOf(slot).open_wh[slot % kChunkOrders];
  CHECK(energy_wh > 0 && energy_wh <= open);
  open = energy_wh;
}

void Book::Withdraw(BookMemory& memory, Slot slot) {
  std::uint32_t& open = memory.orders.ChunkOf(slot).open_wh[slot % kChunkOrders];
  CHECK(open > 0);
  open = 0;
}

bool Book::Move(BookMemory& memory, Slot slot, std::uint32_t party, const NewOrder& changed) {
  const Slot to = Append(memory, changed);
  if (to == kNoSlot) return false;
  Link(memory, party, to);
  Unlink(memory, party, slot);
  OrderChunk& chunk = memory.orders.ChunkOf(slot);
  chunk.open_wh[slot % kChunkOrders] = 0;
  chunk.account[slot % kChunkOrders] = kMovedAccount;
  ++moved_;
  if (moved_ > kMovedToCompact && moved_ > slots() / 2) Compact(memory);
  return true;
}

// Closes the gaps of one side. Leaves in filled_wh[old place] of every order its new slot.
void Book::CompactSide(BookMemory& memory, SideList& side) {
  std::uint32_t to = side.first;
  std::uint32_t place = 0;
  std::uint32_t kept = 0;
  const auto keep = [&](OrderChunk& chunk, std::uint32_t at) {
    if (place == kChunkOrders) {
      to = memory.orders.chunk(to).next;
      place = 0;
    }
    CopyOrder(chunk, at, memory.orders.chunk(to), place);
    chunk.filled_wh[at] = to * kChunkOrders + place;
    ++place;
    ++kept;
  };
  for (std::uint32_t from = side.first; from != kNoChunk; from = memory.orders.chunk(from).next) {
    VisitChunk(memory.orders.chunk(from), keep);
  }
  side.slots = kept;
  side.last = to;
}

// A pass over the whole book, paid for by the replaces that made it worth it.
void Book::Compact(BookMemory& memory) {
  for (SideList& side : sides_) CompactSide(memory, side);
  const auto moved_to = [&memory](Slot old) {
    return old == kNoSlot ? old : memory.orders.ChunkOf(old).filled_wh[old % kChunkOrders];
  };
  parties_.ForEach([&](PartyEntry& entry) {
    entry.newest = moved_to(entry.newest);
    for (Slot slot = entry.newest; slot != kNoSlot;) {
      Slot& older = memory.orders.ChunkOf(slot).next_of_party[slot % kChunkOrders];
      older = moved_to(older);
      slot = older;
    }
  });
  for (SideList& side : sides_) Trim(memory, side);
  moved_ = 0;
  ++compactions_;
}

// Gives back the chunks that no order is in any more, and sets the counts of those that stay.
void Book::Trim(BookMemory& memory, SideList& side) {
  std::uint32_t left = side.slots;
  std::uint32_t at = side.first;
  if (left == 0) side = SideList{};
  while (at != kNoChunk) {
    OrderChunk& chunk = memory.orders.chunk(at);
    const std::uint32_t next = chunk.next;
    if (left == 0) {
      memory.orders.GiveBack(at);
    } else {
      chunk.used = std::min(left, kChunkOrders);
      chunk.filled_wh.fill(0);
      left -= chunk.used;
      if (left == 0) chunk.next = kNoChunk;
    }
    at = next;
  }
}

void Book::Settle(BookMemory& memory) {
  for (const SideList& side : sides_) {
    for (std::uint32_t at = side.first; at != kNoChunk;) {
      OrderChunk& chunk = memory.orders.chunk(at);
      for (std::uint32_t i = 0; i < chunk.used; ++i) chunk.open_wh[i] -= chunk.filled_wh[i];
      at = chunk.next;
    }
  }
}

void Book::BeginRound(BookMemory& memory) {
  round_orders_ = 0;
  ForEachOrder(memory, [this](const OrderChunk& chunk, std::uint32_t at) {
    round_orders_ += chunk.open_wh[at] > 0 ? 1 : 0;
  });
}

void Book::Clear(BookMemory& memory) {
  for (SideList& side : sides_) {
    for (std::uint32_t at = side.first; at != kNoChunk;) {
      const std::uint32_t next = memory.orders.chunk(at).next;
      memory.orders.GiveBack(at);
      at = next;
    }
    side = SideList{};
  }
  parties_.Clear(memory.parties);
  moved_ = 0;
  round_orders_ = 0;
  compactions_ = 0;
  lowest_ = UINT16_MAX;
  highest_ = 0;
}

}  // namespace engine
