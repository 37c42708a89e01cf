// Events for one gateway thread that wait until what they tell is on disk and their ring has room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/core/check.h"
#include "engine/core/event.h"
#include "engine/runtime/ring.h"

namespace engine {

// A bounded queue. An event behind one that must wait waits too, so the order stays.
class HeldEvents {
 public:
  // Allocates all that it will ever use. Requires: capacity is a power of two.
  explicit HeldEvents(std::size_t capacity) : events_(capacity) {
    CHECK((capacity & (capacity - 1)) == 0 && capacity > 0);
  }

  std::size_t room() const { return events_.size() - size(); }
  bool empty() const { return first_ == end_; }

  // Requires: room() > 0.
  void Push(const Event& event) {
    CHECK(room() > 0);
    events_[end_++ & (events_.size() - 1)] = event;
  }

  // Moves to the ring what is durable, as far as there is room; publishes if it moved any.
  std::size_t Release(std::uint64_t durable_sequence, RingSender<Event>& ring) {
    const std::size_t room = empty() ? 0 : ring.Room(size());
    std::size_t released = 0;
    while (released < room && !empty() && IsDurable(durable_sequence)) {
      ring.Put(events_[first_++ & (events_.size() - 1)]);
      ++released;
    }
    if (released > 0) ring.Publish();
    return released;
  }

  // Whether the first event waits for its ring, not for the disk.
  bool WaitsForRing(std::uint64_t durable_sequence) const {
    return !empty() && IsDurable(durable_sequence);
  }

 private:
  std::size_t size() const { return static_cast<std::size_t>(end_ - first_); }
  bool IsDurable(std::uint64_t durable_sequence) const {
    return events_[first_ & (events_.size() - 1)].sequence <= durable_sequence;
  }

  std::vector<Event> events_;
  std::uint64_t first_ = 0;  // Positions only grow; modulo the capacity they are places.
  std::uint64_t end_ = 0;
};

}  // namespace engine
