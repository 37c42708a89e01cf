// What all connections of the daemon may use together.
#pragma once

#include <atomic>
#include <cstdint>

namespace gateway {

// Thread: any.
class Budget {
 public:
  Budget(std::uint32_t max_connections, std::uint64_t max_bytes)
      : max_connections_(max_connections), max_bytes_(max_bytes) {}

  bool TakeConnection() { return Take(connections_, 1, max_connections_); }
  void ReturnConnection() { connections_.fetch_sub(1, std::memory_order_relaxed); }

  // Bytes that wait: frames not yet whole, and output not yet sent.
  bool TakeBytes(std::uint64_t bytes) { return Take(bytes_, bytes, max_bytes_); }
  void ReturnBytes(std::uint64_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::uint64_t connections() const { return connections_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static bool Take(std::atomic<std::uint64_t>& used, std::uint64_t more, std::uint64_t most) {
    if (used.fetch_add(more, std::memory_order_relaxed) + more <= most) return true;
    used.fetch_sub(more, std::memory_order_relaxed);
    return false;
  }

  const std::uint64_t max_connections_;
  const std::uint64_t max_bytes_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace gateway
