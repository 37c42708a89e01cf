#include "gateway/memory_plan.h"

#include <algorithm>

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/event.h"
#include "engine/core/limits.h"
#include "engine/core/product.h"
#include "engine/core/registry.h"
#include "engine/outbox/event_block.h"
#include "engine/outbox/event_store.h"
#include "engine/runtime/shard.h"
#include "gateway/frame.h"

namespace gateway {
namespace {

// A connection with nothing in its buffers: the session, its socket, its coroutine.
constexpr std::uint64_t kConnectionBytes = 4'096;
// Of TLS: keys and the peer's certificate; and a record that has come in part, and one that waits.
constexpr std::uint64_t kTlsBytes = (48 + 34) << 10;
// Of a handshake besides: OpenSSL makes room for a hello as long as it says that it is.
constexpr std::uint64_t kHandshakeBytes = 176 << 10;
// A party's table has up to eight thirds of an entry for each of its orders.
constexpr std::uint64_t kOrderBytes =
    sizeof(engine::OrderChunk) / engine::kChunkOrders + 1 + sizeof(engine::PartyEntry) * 8 / 3;
// With every order of every answer that is kept refused.
constexpr std::uint64_t CredentialBytes(std::uint64_t orders_a_frame) {
  const std::uint64_t answer =
      sizeof(engine::KeptAnswer) + orders_a_frame * sizeof(engine::Refusal);
  return sizeof(engine::Credential) + engine::kAnswersKept * answer + 128;
}
constexpr std::uint64_t kDeviceOrders = kDeviceFrameBytesMax / 64;
constexpr std::uint64_t kAccountBytes = sizeof(engine::Account) + 128;

std::uint64_t Mib(std::uint64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

std::uint64_t MachineBytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || page <= 0) return UINT64_MAX;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
}

}  // namespace

MemoryPlan PlanMemory(const Config& config, const engine::Exchange& exchange) {
  const auto kib = [](std::int64_t n) { return static_cast<std::uint64_t>(n) << 10; };
  const engine::ExchangeSize size = exchange.size();
  MemoryPlan plan;
  plan.books = exchange.genesis().order_capacity * kOrderBytes + sizeof(engine::ClearingScratch);
  plan.products = size.products_most * sizeof(engine::Product) + size.queue_bytes;
  plan.clients = size.devices * CredentialBytes(kDeviceOrders) +
                 (size.credentials - size.devices) * CredentialBytes(engine::kFrameOrdersMax) +
                 size.accounts * kAccountBytes;
  const auto times = [](std::int64_t n, std::uint64_t bytes) {
    return static_cast<std::uint64_t>(n) * bytes;
  };
  const std::int64_t unknown = std::min(config.max_not_logged_on, config.max_connections);
  plan.connections =
      times(config.max_connections, kConnectionBytes) + kib(config.connection_memory_mib << 10);
  if (!config.tls.certificate.empty()) {
    plan.connections += times(config.max_connections, kTlsBytes) + times(unknown, kHandshakeBytes);
  }
  const std::uint64_t events =
      static_cast<std::uint64_t>(config.ring_events) + engine::ShardOptions().held_events;
  // Of each gateway thread and, for the events alone, of the outbox; what it tells again is less.
  plan.rings = static_cast<std::uint64_t>(config.gateway_threads) *
                   (kib(config.ring_command_kib) + 2 * events * sizeof(engine::Event)) +
               events * sizeof(engine::Event);
  plan.journal = 3 * kib(config.journal_batch_kib) + kib(1'024);
  constexpr std::uint64_t kMarkBytes = 8;
  const std::uint64_t held = engine::EventStoreOptions().held_bytes_max;
  plan.outbox = ((static_cast<std::uint64_t>(config.outbox_limit_mib) << 20) + held) /
                    (sizeof(engine::EventRecord) + sizeof(engine::OrderCancelledEvent)) *
                    kMarkBytes +
                held + 5 * engine::kEventBlockBytesMax + size.credentials * 96;
  const bool has_follower = config.journal_snapshot_segments > 0;
  // Before segments go, the snapshot that stands for them is loaded beside it.
  const std::uint64_t exchanges = has_follower ? (config.journal_keep_days > 0 ? 2 : 1) : 0;
  plan.follower = exchanges * (plan.books + plan.products + plan.clients);
  return plan;
}

std::string Describe(const MemoryPlan& plan) {
  return absl::StrCat("at most ", Mib(plan.total()), " MiB: books ", Mib(plan.books), ", products ",
                      Mib(plan.products), ", clients ", Mib(plan.clients), ", connections ",
                      Mib(plan.connections), ", rings ", Mib(plan.rings), ", journal ",
                      Mib(plan.journal), ", outbox ", Mib(plan.outbox), ", follower ",
                      Mib(plan.follower));
}

absl::Status CheckMemory(const MemoryPlan& plan, const Config& config) {
  const std::uint64_t limit = config.memory_limit_mib == 0
                                  ? MachineBytes()
                                  : static_cast<std::uint64_t>(config.memory_limit_mib) << 20;
  if (plan.total() <= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the worst case is over the limit of ", limit >> 20, " MiB (memory.limit_mib): ",
                   Describe(plan), ". Lower connections.max or connections.memory_mib, set ",
                   "journal.snapshot_segments to 0, or lower the order capacity"));
}

}  // namespace gateway
