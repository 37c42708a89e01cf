// How many items a second cross from one thread to another, beside boost::lockfree::spsc_queue.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>

#include <benchmark/benchmark.h>
#include <boost/lockfree/spsc_queue.hpp>

#include "engine/runtime/command_ring.h"
#include "engine/runtime/ring.h"

namespace engine {
namespace {

constexpr std::size_t kCapacity = 4'096;     // Items of 64 bytes, for all.
constexpr std::uint64_t kItems = 1'000'000;  // An iteration.
constexpr std::uint32_t kCommandBytes = 80;  // One order: a header and its body.

struct Item {
  std::uint64_t words[8] = {};
};
static_assert(sizeof(Item) == 64);

// Calls move(done, left) until it has moved kItems; yields where it moved none, so that one core is
// enough.
template <typename Move>
void MoveAll(Move& move) {
  for (std::uint64_t done = 0; done < kItems;) {
    const std::uint64_t more = move(done, kItems - done);
    if (more == 0) std::this_thread::yield();
    done += more;
  }
}

// Sends in a second thread, takes in this one.
template <typename Send, typename Take>
void Cross(benchmark::State& state, Send send, Take take) {
  for (auto _ : state) {
    std::thread sender([&send] { MoveAll(send); });
    MoveAll(take);
    sender.join();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kItems));
}

void BM_BoostSpscQueue(benchmark::State& state) {
  boost::lockfree::spsc_queue<Item, boost::lockfree::capacity<kCapacity>> queue;
  const auto batch = static_cast<std::uint64_t>(state.range(0));
  Item out[64];
  Item in[64];
  Cross(
      state,
      [&](std::uint64_t from, std::uint64_t left) -> std::uint64_t {
        const std::uint64_t count = std::min(batch, left);
        for (std::uint64_t i = 0; i < count; ++i) out[i].words[0] = from + i;
        return batch == 1 ? (queue.push(out[0]) ? 1 : 0) : queue.push(out, count);
      },
      [&](std::uint64_t, std::uint64_t) -> std::uint64_t {
        const std::uint64_t count = batch == 1 ? (queue.pop(in[0]) ? 1 : 0) : queue.pop(in, batch);
        for (std::uint64_t i = 0; i < count; ++i) benchmark::DoNotOptimize(in[i].words[0]);
        return count;
      });
}
BENCHMARK(BM_BoostSpscQueue)->ArgName("batch")->Arg(1)->Arg(64)->UseRealTime();

void BM_Ring(benchmark::State& state) {
  auto ring = MakeRing<Item>(kCapacity);
  const auto batch = static_cast<std::uint64_t>(state.range(0));
  Cross(
      state,
      [&](std::uint64_t from, std::uint64_t left) {
        const std::uint64_t count = std::min<std::uint64_t>({batch, left, ring.sender.Room(batch)});
        Item item;
        for (std::uint64_t i = 0; i < count; ++i) {
          item.words[0] = from + i;
          ring.sender.Put(item);
        }
        if (count != 0) ring.sender.Publish();
        return count;
      },
      [&](std::uint64_t, std::uint64_t) {
        const auto ready = ring.receiver.Ready();
        const std::uint64_t count = std::min<std::uint64_t>(batch, ready.size());
        for (std::uint64_t i = 0; i < count; ++i) benchmark::DoNotOptimize(ready[i].words[0]);
        if (count != 0) ring.receiver.Consume(count);
        return count;
      });
}
BENCHMARK(BM_Ring)->ArgName("batch")->Arg(1)->Arg(64)->UseRealTime();

void BM_CommandRing(benchmark::State& state) {
  auto ring = MakeCommandRing(kCapacity * 64);
  const auto batch = static_cast<std::uint64_t>(state.range(0));
  Cross(
      state,
      [&](std::uint64_t from, std::uint64_t left) {
        std::uint64_t count = 0;
        for (; count < std::min(batch, left); ++count) {
          CommandHeader* command = ring.sender.Claim(kCommandBytes);
          if (command == nullptr) break;
          command->client_seq = from + count;
          ring.sender.Commit();
        }
        if (count != 0) ring.sender.Publish();
        return count;
      },
      [&](std::uint64_t, std::uint64_t) {
        std::uint64_t count = 0;
        for (; count < batch; ++count) {
          const CommandHeader* command = ring.receiver.Front();
          if (command == nullptr) break;
          benchmark::DoNotOptimize(command->client_seq);
          ring.receiver.Pop();
        }
        if (count != 0) ring.receiver.Release();
        return count;
      });
}
BENCHMARK(BM_CommandRing)->ArgName("batch")->Arg(1)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace engine
