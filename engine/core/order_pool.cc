#include "engine/core/order_pool.h"

#include <algorithm>

#include "engine/core/check.h"

namespace engine {

OrderPool::OrderPool(std::uint64_t order_capacity)
    : capacity_(std::min<std::uint64_t>((order_capacity + kChunkOrders - 1) / kChunkOrders,
                                        kNoSlot / kChunkOrders)) {
  slabs_.reserve(capacity_ / kSlabChunks + 1);
}

std::uint32_t OrderPool::Take(Side side) {
  if (taken_ == capacity_) return kNoChunk;
  std::uint32_t index = free_;
  if (index != kNoChunk) {
    free_ = chunk(index).next;
  } else {
    index = made_++;
    // An order is written before it is read.
    if (index / kSlabChunks == slabs_.size()) {
      slabs_.push_back(std::make_unique_for_overwrite<Slab>());
    }
  }
  ++taken_;
  OrderChunk& taken = chunk(index);
  taken.used = 0;
  taken.next = kNoChunk;
  taken.side = side;
  return index;
}

void OrderPool::GiveBack(std::uint32_t index) {
  CHECK(taken_ > 0);
  --taken_;
  chunk(index).next = free_;
  free_ = index;
}

}  // namespace engine
