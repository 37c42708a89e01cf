// The memory that all connections of the daemon may use together.
#pragma once

#include <atomic>
#include <cstdint>

namespace gateway {

// Thread: any.
class Budget {
 public:
  explicit Budget(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Bytes that wait: frames not yet whole, and output not yet sent.
  bool TakeBytes(std::uint64_t bytes) {
    if (bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= max_bytes_) return true;
    ReturnBytes(bytes);
    return false;
  }
  void ReturnBytes(std::uint64_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t max_bytes_;
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace gateway
