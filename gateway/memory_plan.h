// The most memory that a configuration can come to use, part by part, before it is used.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "engine/core/exchange.h"
#include "gateway/config.h"

namespace gateway {

// Bytes, rounded up; code, libraries and the allocator's own are not in it.
struct MemoryPlan {
  std::uint64_t books = 0;        // Every order that the shard may hold, open.
  std::uint64_t products = 0;     // All that the markets may have open.
  std::uint64_t clients = 0;      // Definitions of clients, and the answers kept for resends.
  std::uint64_t connections = 0;  // At their limit, with their budget of buffers used up.
  std::uint64_t rings = 0;        // Between threads, and events held until they are durable.
  std::uint64_t journal = 0;
  std::uint64_t outbox = 0;  // Where it has which event, and what a full disk has it hold.
  std::uint64_t follower =
      0;  // What makes and loads the snapshots: exchanges of books, products, clients.

  std::uint64_t total() const {
    return books + products + clients + connections + rings + journal + outbox + follower;
  }
};

MemoryPlan PlanMemory(const Config& config, const engine::Exchange& exchange);

// "at most 812 MiB: books 423, ..."
std::string Describe(const MemoryPlan& plan);

// Ensures: an error that has the sum where it is over memory.limit_mib, or, where that is 0, over
// what the machine has.
absl::Status CheckMemory(const MemoryPlan& plan, const Config& config);

}  // namespace gateway
