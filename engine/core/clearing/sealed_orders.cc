#include "engine/core/clearing/sealed_orders.h"

#include <algorithm>
#include <cstddef>

#include "absl/container/flat_hash_map.h"

namespace engine {
namespace {

// The party of each order, as the registry numbers it.
class Parties {
 public:
  Parties(const Book& book, const BookMemory& memory) {
    std::size_t places = 0;
    for (const Side side : {Side::kBuy, Side::kSell}) {
      for (std::uint32_t at = book.first_chunk(side); at != kNoChunk;) {
        if (first_of_chunk_.size() <= at) first_of_chunk_.resize(at + std::size_t{1});
        first_of_chunk_[at] = places;
        places += kChunkOrders;
        at = memory.orders.chunk(at).next;
      }
    }
    party_of_.resize(places);
    book.parties().ForEach([&](const PartyEntry& entry) {
      book.ForEachOfParty(memory, entry.party,
                          [&](Slot slot) { party_of_[PlaceOf(slot)] = entry.party; });
    });
  }
  std::uint32_t Of(Slot slot) const { return party_of_[PlaceOf(slot)]; }

 private:
  std::size_t PlaceOf(Slot slot) const {
    return first_of_chunk_[slot / kChunkOrders] + slot % kChunkOrders;
  }

  std::vector<std::size_t> first_of_chunk_;  // By chunk; of other books' chunks: nothing.
  std::vector<std::uint32_t> party_of_;
};

using Numbers = absl::flat_hash_map<std::uint32_t, std::uint32_t>;

// Appends the open orders of a chunk whose first slot is `first`.
void AddChunk(const OrderChunk& chunk, Slot first, const Parties& parties, Numbers& numbers,
              std::vector<SealedOrder>& orders) {
  for (std::uint32_t i = 0; i < chunk.used; ++i) {
    if (chunk.account[i] == kMovedAccount || chunk.open_wh[i] == 0) continue;
    const auto next = static_cast<std::uint32_t>(numbers.size());
    const auto party = numbers.try_emplace(parties.Of(first + i), next).first;
    orders.push_back({.slot = first + i,
                      .party = party->second,
                      .open_wh = chunk.open_wh[i],
                      .level = chunk.level[i],
                      .side = chunk.side});
  }
}

}  // namespace

SealedOrders ReadSealed(const Book& book, BookMemory& memory) {
  const Parties parties(book, memory);
  Numbers numbers;
  SealedOrders sealed;
  for (const Side side : {Side::kBuy, Side::kSell}) {
    for (std::uint32_t at = book.first_chunk(side); at != kNoChunk;) {
      const OrderChunk& chunk = memory.orders.chunk(at);
      AddChunk(chunk, at * kChunkOrders, parties, numbers, sealed.orders);
      at = chunk.next;
    }
  }
  sealed.parties = static_cast<std::uint32_t>(numbers.size());
  return sealed;
}

void WriteFills(const SealedOrders& sealed, const Book& book, BookMemory& memory) {
  for (const Side side : {Side::kBuy, Side::kSell}) {
    book.ForEachChunk(memory, side, [](const OrderColumns& orders) {
      std::fill(orders.filled_wh.begin(), orders.filled_wh.end(), 0);
    });
  }
  for (const SealedOrder& order : sealed.orders) {
    memory.orders.ChunkOf(order.slot).filled_wh[order.slot % kChunkOrders] = order.filled_wh;
  }
}

}  // namespace engine
