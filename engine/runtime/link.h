// Both directions between one gateway thread and one shard.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/core/event.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/command_ring.h"
#include "engine/runtime/doorbell.h"
#include "engine/runtime/ring.h"
#include "engine/runtime/two_owners.h"

namespace engine {

// True while the gateway thread may hold frames that it has stamped and not yet published.
struct alignas(kCacheLineBytes) ReadingFlag {
  std::atomic<bool> reading{false};
};

// Around everything that a gateway thread does with what it has read:
//
//   stamp = BeginRead(clock);  read the socket;  Claim, fill with time_ns = stamp, Commit ...;
//   commands.Publish();  EndRead();  RingShard();
//
// RingShard() follows an EndRead() with commands, and every Consume() of events, since the shard
// may wait for their room. A gate that waits for an EndRead() nobody rings for is looked at again
// within a millisecond. A gateway thread always comes back to its events, or the shard stands
// still.
//
// A gateway thread of several shards begins at all of them and stamps with the last one's answer.
struct GatewayEnd {
  // The time of all commands until EndRead(). Ensures: never less than the stamp before.
  std::int64_t BeginRead(Clock& clock) {
    flag->reading.store(true, std::memory_order_seq_cst);  // Before the clock: see ReadUpTo().
    return clock.NowNs();
  }
  // Requires: every command stamped since BeginRead() is published or refused.
  void EndRead() { flag->reading.store(false, std::memory_order_release); }

  void RingShard() { shard_doorbell->Ring(); }
  Doorbell& own_doorbell() { return *gateway_doorbell; }  // Rung when `events` has some.

  CommandSender commands;
  RingReceiver<Event> events;
  SharedByTwo<ReadingFlag> flag;
  Doorbell* gateway_doorbell;
  Doorbell* shard_doorbell;
};

struct ShardEnd {
  // Whether every command that was stamped before `gate_ns` has been taken from `commands`.
  // Requires: the caller has seen clock.NowNs() >= gate_ns before this call.
  //
  // If the flag's load is before BeginRead's store in the single order of seq_cst operations, that
  // BeginRead's clock reading is after ours and its stamp is >= gate_ns. Else the load sees true
  // (wait), or the false of an EndRead() behind it, with which all published before is visible to
  // Front(); and stamps within a ring never fall, so that its first command speaks for all.
  bool ReadUpTo(std::int64_t gate_ns) {
    const bool reading = flag->reading.load(std::memory_order_seq_cst);
    const CommandHeader* front = commands.Front();
    return front != nullptr ? front->time_ns >= gate_ns : !reading;
  }

  void RingGateway() { gateway_doorbell->Ring(); }

  CommandReceiver commands;
  RingSender<Event> events;
  SharedByTwo<ReadingFlag> flag;
  Doorbell* gateway_doorbell;
  Doorbell* shard_doorbell;
};

struct LinkSizes {
  std::size_t command_bytes = std::size_t{1} << 20;  // A power of two, at least 128 KiB.
  std::size_t events = std::size_t{1} << 14;         // A power of two.
};

struct Link {
  GatewayEnd gateway;
  ShardEnd shard;
};

// Requires: both doorbells outlive both ends.
inline Link MakeLink(const LinkSizes& sizes, Doorbell& gateway_doorbell, Doorbell& shard_doorbell) {
  CommandRing commands = MakeCommandRing(sizes.command_bytes);
  Ring<Event> events = MakeRing<Event>(sizes.events);
  auto [mine, yours] = SharedByTwo<ReadingFlag>::Make();
  return {{std::move(commands.sender), std::move(events.receiver), std::move(mine),
           &gateway_doorbell, &shard_doorbell},
          {std::move(commands.receiver), std::move(events.sender), std::move(yours),
           &gateway_doorbell, &shard_doorbell}};
}

}  // namespace engine
