// Numbered events of some credentials, and a store that is to have them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/outbox/event_store.h"
#include "tests/support/random_source.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline EventStoreOptions SmallStore() {
  return {.folder = "shard-0",
          .identity = {.cluster_id = {std::byte{7}}, .shard = 0},
          .file_bytes = kEventBlockBytesMax,
          .bytes_max = std::uint64_t{1} << 40,
          .keep_ns = INT64_MAX / 2};
}

// Of what a test compares two events by.
inline std::pair<std::uint64_t, std::int64_t> MarkOf(const Event& event) {
  const std::int64_t body = event.type == EventType::kFill
                                ? event.fill.amount_units
                                : static_cast<std::int64_t>(event.round_cleared.energy_wh);
  return {event.sequence * 4 + (event.type == EventType::kFill ? 1 : 0), body};
}

// Every event that there ever was, as a store is told of it.
class ToldStream {
 public:
  static constexpr std::uint32_t kCredentials = 9;

  explicit ToldStream(std::uint64_t seed) : random_(seed) {}

  // The events of one more command.
  std::vector<Event> NextCommand() {
    ++sequence_;
    std::vector<Event> events(random_.Below(6));
    for (Event& event : events) {
      const auto credential = 1 + static_cast<std::uint32_t>(random_.Below(kCredentials));
      event.sequence = sequence_;
      event.credential = CredentialId{credential};
      event.event_number = told_[event.credential].size() + 1;
      if (random_.Below(2) == 0) {
        event.type = EventType::kFill;
        event.fill = {};
        event.fill.amount_units = static_cast<std::int64_t>(random_.Next() >> 1);
      } else {
        event.type = EventType::kRoundCleared;
        event.round_cleared = {};
        event.round_cleared.energy_wh = random_.Next() >> 1;
      }
      told_[event.credential].push_back(event);
    }
    return events;
  }
  // So many commands into the store, with a write now and then.
  void TellNext(std::uint64_t commands, EventStore& store) {
    for (std::uint64_t i = 0; i < commands; ++i) {
      const std::int64_t now_ns = static_cast<std::int64_t>(sequence_ + 1);
      for (const Event& event : NextCommand()) store.Add(event, now_ns);
      store.Cover(sequence_);
      if (random_.Below(4) == 0) store.Write(now_ns);
    }
    store.Write(static_cast<std::int64_t>(sequence_));
  }
  // What a replay from behind command `from` on tells.
  void TellAgain(std::uint64_t from, EventStore& store) const {
    for (const auto& [credential, events] : told_) {
      for (const Event& event : events) {
        if (event.sequence > from) store.Add(event, static_cast<std::int64_t>(sequence_));
      }
    }
    store.Cover(sequence_);
    store.Write(static_cast<std::int64_t>(sequence_));
  }

  // Whatever the store says that it has, it has as it was told, and it has the newest.
  // `to_sequence`: of the newest command whose events it must have.
  void ExpectKept(EventStore& store, std::uint64_t to_sequence) const {
    for (const auto& [credential, events] : told_) {
      const EventStore::Kept kept = store.KeptOf(credential);
      ExpectSame(store, credential, events, kept);
      const auto due = std::ranges::count_if(
          events, [&](const Event& event) { return event.sequence <= to_sequence; });
      if (due > 0) {
        EXPECT_GT(kept.next, static_cast<std::uint64_t>(due));
      }
    }
  }
  // And it has all.
  void ExpectAllKept(EventStore& store) const {
    ExpectKept(store, sequence_);
    for (const auto& [credential, events] : told_) {
      EXPECT_EQ(store.KeptOf(credential).first, 1u);
      EXPECT_EQ(store.KeptOf(credential).next, events.size() + 1);
    }
  }

  std::uint64_t sequence() const { return sequence_; }
  const std::map<CredentialId, std::vector<Event>>& told() const { return told_; }

 private:
  static void ExpectSame(EventStore& store, CredentialId credential,
                         const std::vector<Event>& events, const EventStore::Kept& kept) {
    std::vector<Event> piece(7);
    for (std::uint64_t number = kept.first; number < kept.next;) {
      ASSERT_LE(kept.next, events.size() + 1);
      const absl::StatusOr<std::size_t> count = store.Read(credential, number, piece);
      ASSERT_TRUE(count.ok()) << count.status();
      for (std::size_t i = 0; i < *count; ++i, ++number) {
        EXPECT_EQ(piece[i].event_number, number);
        ASSERT_EQ(MarkOf(piece[i]), MarkOf(events[number - 1]));
      }
    }
  }

  RandomSource random_;
  std::uint64_t sequence_ = 0;
  std::map<CredentialId, std::vector<Event>> told_;
};

inline std::unique_ptr<EventStore> OpenStore(SimDisk& disk,
                                             const EventStoreOptions& options = SmallStore()) {
  auto store = EventStore::Open(disk, options);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

}  // namespace engine
