// What a shard has done so far, in numbers that any thread may read while it runs.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/core/reason.h"

namespace engine {

// Thread: one writes, any reads. A reading may be a moment old; it never falls.
class Counter {
 public:
  void Add(std::uint64_t more) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  void Set(std::uint64_t now) { value_.store(now, std::memory_order_relaxed); }  // A gauge.
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constexpr std::size_t kReasonsCounted = 160;  // Greater numbers count in the last place.

// Since the process started, if not said otherwise. Counters and nothing else.
struct ShardCounters {
  Counter commands;         // Journaled, whoever made them.
  Counter queries;          // Answered from the state.
  Counter screened;         // Resends, gaps and unknown credentials: answered, not journaled.
  Counter frames_refused;   // As a whole.
  Counter orders_accepted;  // Items of client commands, cancels among them.
  std::array<Counter, kReasonsCounted> orders_refused;  // By Reason.
  Counter events;                                       // Put into rings.
  Counter events_dropped;  // Of credentials that no gateway had logged on; the journal has them.
  Counter rounds_cleared;  // With or without a trade.
  Counter rounds_void;
  Counter rounds_late;           // Closed later after their gate than ShardOptions::late_ns.
  Counter lottery_secrets_lost;  // Of rounds that are void for it.
  Counter games;                 // Rounds that were played with their buyers;
  Counter game_steps;            // in them: prices announced,
  Counter game_silences;         // answers that did not come in time,
  Counter games_fell_back;       // and games whose answers contradicted a search by halves.
  Counter journal_bytes;         // Of commands.
  Counter held_full;             // Turns in which events waited for room among those held.
  Counter disk_full;             // Now: 1 while there is no space for the journal's next segment.
  Counter sequence;              // Of the last command applied, in the journal's whole life.
  Counter durable_sequence;      // Of the last command that is on disk.
  Counter open_orders;           // Now.
  Counter memory_bytes;          // Of books and tables, now.

  // One by one: who reads meanwhile sees some of both.
  void CopyTo(ShardCounters& to) const {
    const auto* from = reinterpret_cast<const Counter*>(this);
    auto* into = reinterpret_cast<Counter*>(&to);
    for (std::size_t i = 0; i < sizeof(*this) / sizeof(Counter); ++i) into[i].Set(from[i].value());
  }

  void Refused(Reason reason, std::uint64_t more) {
    const auto place = static_cast<std::size_t>(reason);
    orders_refused[place < kReasonsCounted ? place : kReasonsCounted - 1].Add(more);
  }
};

}  // namespace engine
