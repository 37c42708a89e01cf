// What the two ends of a ring share: its memory and the two positions that travel between them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/core/check.h"

namespace engine {

inline constexpr std::size_t kCacheLineBytes = 64;

// Positions only grow; a position modulo the ring's size is a place. Each is stored by one end and
// loaded by the other, and lies in a cache line of its own.
class RingStorage {
 public:
  // Requires: bytes > 0. Ensures: zeros, aligned to a cache line. Touches every page, so that a
  // running ring never faults.
  explicit RingStorage(std::size_t bytes)
      : lines_(std::make_unique<Line[]>((bytes + sizeof(Line) - 1) / sizeof(Line))) {
    CHECK(bytes > 0);
  }

  std::byte* memory() const { return reinterpret_cast<std::byte*>(lines_.get()); }

  alignas(kCacheLineBytes) std::atomic<std::uint64_t> published{0};  // By the sender.
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> released{0};   // By the receiver.

 private:
  struct alignas(kCacheLineBytes) Line {
    std::byte bytes[kCacheLineBytes];
  };

  alignas(kCacheLineBytes) std::unique_ptr<Line[]> lines_;
};

}  // namespace engine
