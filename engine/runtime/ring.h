// A bounded lock-free queue of fixed-size items from one thread to one other, used in batches.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "engine/core/check.h"
#include "engine/runtime/ring_storage.h"
#include "engine/runtime/two_owners.h"

namespace engine {

// The end that puts items in.
//
// Thread: one at a time; holding the end is the right to use it. Cost: Put is a copy; Publish is
// one release store; the other end's position is loaded only when the last known one is too old.
template <typename T>
class RingSender {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kCacheLineBytes);

 public:
  RingSender(SharedByTwo<RingStorage> storage, std::size_t capacity)
      : storage_(std::move(storage)), items_(storage_->memory()), capacity_(capacity) {}

  // Ensures: so many Puts have room; exact where the true number is below `wanted`.
  std::size_t Room(std::size_t wanted = 1) {
    if (capacity_ - (position_ - released_) < wanted) {
      released_ = storage_->released.load(std::memory_order_acquire);
    }
    return capacity_ - static_cast<std::size_t>(position_ - released_);
  }

  // Requires: Room() > 0. The receiver does not see the item before Publish().
  void Put(const T& item) {
    std::memcpy(items_ + (position_ & (capacity_ - 1)) * sizeof(T), &item, sizeof(T));
    ++position_;
  }

  // Makes all that was put visible. The caller then rings the receiver's doorbell.
  void Publish() { storage_->published.store(position_, std::memory_order_release); }

  std::size_t capacity() const { return capacity_; }

 private:
  SharedByTwo<RingStorage> storage_;
  std::byte* items_;
  std::size_t capacity_;
  std::uint64_t position_ = 0;
  std::uint64_t released_ = 0;  // As last seen.
};

// The end that takes items out, in the order in which they were put in.
template <typename T>
class RingReceiver {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kCacheLineBytes);

 public:
  RingReceiver(SharedByTwo<RingStorage> storage, std::size_t capacity)
      : storage_(std::move(storage)),
        items_(reinterpret_cast<const T*>(storage_->memory())),
        capacity_(capacity) {}

  // The oldest published items that lie in one piece; empty only where there are none. Call again
  // after Consume(): more may lie at the ring's beginning.
  std::span<const T> Ready() {
    if (position_ == published_) published_ = storage_->published.load(std::memory_order_acquire);
    const auto place = static_cast<std::size_t>(position_ & (capacity_ - 1));
    const auto ready = static_cast<std::size_t>(published_ - position_);
    return {items_ + place, std::min(ready, capacity_ - place)};
  }

  // Gives the space of the first `count` items of Ready() back; the span is over.
  void Consume(std::size_t count) {
    position_ += count;
    storage_->released.store(position_, std::memory_order_release);
  }

 private:
  SharedByTwo<RingStorage> storage_;
  const T* items_;
  std::size_t capacity_;
  std::uint64_t position_ = 0;
  std::uint64_t published_ = 0;  // As last seen.
};

template <typename T>
struct Ring {
  RingSender<T> sender;
  RingReceiver<T> receiver;
};

// Requires: capacity is a power of two.
template <typename T>
Ring<T> MakeRing(std::size_t capacity) {
  CHECK(std::has_single_bit(capacity));
  auto [mine, yours] = SharedByTwo<RingStorage>::Make(capacity * sizeof(T));
  return {RingSender<T>(std::move(mine), capacity), RingReceiver<T>(std::move(yours), capacity)};
}

}  // namespace engine
