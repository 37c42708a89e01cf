// A shard whose journal has lost its beginning, and whose outbox has the events of before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/outbox/event_store.h"
#include "tests/engine/runtime/deletion_world.h"

namespace engine {

// The events of home 1 that a store has, by number.
inline std::map<std::uint64_t, std::uint64_t> SequencesByNumber(EventStore& store) {
  const EventStore::Kept kept = store.KeptOf(CredentialId{1});
  std::map<std::uint64_t, std::uint64_t> sequences;
  for (std::uint64_t number = kept.first; number < kept.next; ++number) {
    Event event;
    const auto count = store.Read(CredentialId{1}, number, {&event, 1});
    EXPECT_TRUE(count.ok()) << count.status();
    sequences[number] = event.sequence;
  }
  return sequences;
}

inline EventStoreOptions StoreOptions() { return {.folder = kFolder, .identity = kWorldIdentity}; }

// The files of an outbox, also those that were set aside.
inline std::map<std::string, std::vector<std::byte>> OutboxFiles(const SimDisk& disk) {
  std::map<std::string, std::vector<std::byte>> files;
  for (const auto& [path, content] : disk.names()) {
    if (path.find("/outbox-") != std::string::npos) files[path] = content->now;
  }
  return files;
}

// A journal without its beginning, of whose events the outbox has those of before too.
class TrimmedWorld : public Deletion {
 protected:
  TrimmedWorld() {
    for (int starts = 0; starts < 2; ++starts) NextStart(Keeping(0));
    Trade();
    Restart();
    Recovery recovery;
    StartOn(*world_.disk, recovery);
    Follower follower(*world_.disk, Keeping(kKeepNs));
    const auto step = follower.Follow(go_on);
    EXPECT_TRUE(step.ok() && step->snapshot && step->removed > 0) << step.status();
    snapshots_.push_back(follower.sequence());
    EXPECT_FALSE(Segments(*world_.disk).contains(1));
  }

  // Ensures: what it has of home 1.
  EventStore::Kept StartOn(SimDisk& disk, Recovery& recovery,
                           std::vector<std::string>* aside = nullptr) {
    const auto store = EventStore::Open(disk, StoreOptions());
    EXPECT_TRUE(store.ok()) << store.status();
    const auto recovered = Recover(disk, store->get());
    EXPECT_TRUE(recovered.ok()) << recovered.status();
    if (recovered.ok()) recovery = *recovered;
    if (aside != nullptr) *aside = (*store)->set_aside();
    (*store)->Sync(world_.clock.NowNs());
    return (*store)->KeptOf(CredentialId{1});
  }

  static constexpr char kFile[] = "shard-0/outbox-0000000000000001.log";
};

}  // namespace engine
