// Memory of all books of a shard: orders in columns, in chunks that books take and give back.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/core/command.h"

namespace engine {

using Slot = std::uint32_t;  // Chunk number * kChunkOrders + place in it.
inline constexpr Slot kNoSlot = UINT32_MAX;
inline constexpr std::uint32_t kNoChunk = UINT32_MAX;
inline constexpr std::uint32_t kChunkOrders = 128;

// Orders of one side of one book, in order of arrival. An order with nothing open stays until the
// book ends, since its client id stays taken; one that was replaced has `account` kMovedAccount.
struct OrderChunk {
  std::array<std::uint32_t, kChunkOrders> open_wh;
  std::array<std::uint32_t, kChunkOrders> filled_wh;  // In the round being cleared.
  std::array<std::uint16_t, kChunkOrders> level;      // Limit, in ticks above the band's low end.
  std::array<Response, kChunkOrders> response;
  std::array<std::uint32_t, kChunkOrders> response_param;
  // Of a quadratic response: QuadraticSlope. Of an interactive one: the answer that counts.
  std::array<std::uint64_t, kChunkOrders> slope_nwh;
  std::array<std::uint32_t, kChunkOrders> account;  // Index in the registry.
  std::array<Slot, kChunkOrders> next_of_party;     // The party's next older order in the book.
  std::array<Slot, kChunkOrders> next_at_level;     // The next newer one, in continuous markets.
  std::array<ClientOrderId, kChunkOrders> client_order_id;
  std::array<OrderId, kChunkOrders> order_id;
  std::uint32_t used = 0;
  std::uint32_t next = kNoChunk;
  Side side{};
};
inline constexpr std::uint32_t kMovedAccount = UINT32_MAX;

// Thread: one owner. Cost: taking and giving back are O(1); memory grows by slabs of 256 chunks up
// to the capacity and is then kept.
class OrderPool {
 public:
  explicit OrderPool(std::uint64_t order_capacity);

  // kNoChunk when the capacity is used up.
  std::uint32_t Take(Side side);
  void GiveBack(std::uint32_t chunk);

  OrderChunk& chunk(std::uint32_t index) {
    return (*slabs_[index / kSlabChunks])[index % kSlabChunks];
  }
  const OrderChunk& chunk(std::uint32_t index) const {
    return (*slabs_[index / kSlabChunks])[index % kSlabChunks];
  }
  OrderChunk& ChunkOf(Slot slot) { return chunk(slot / kChunkOrders); }
  const OrderChunk& ChunkOf(Slot slot) const { return chunk(slot / kChunkOrders); }

  std::uint64_t free_chunks() const { return capacity_ - taken_; }
  std::size_t memory_bytes() const { return slabs_.size() * sizeof(Slab); }

 private:
  static constexpr std::uint32_t kSlabChunks = 256;
  using Slab = std::array<OrderChunk, kSlabChunks>;

  std::uint64_t capacity_ = 0;  // Chunks.
  std::uint64_t taken_ = 0;
  std::uint32_t made_ = 0;         // Chunks that were ever taken.
  std::uint32_t free_ = kNoChunk;  // First of the chunks given back, linked by `next`.
  std::vector<std::unique_ptr<Slab>> slabs_;
};

}  // namespace engine
