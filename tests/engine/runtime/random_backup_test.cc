// Backups beside a process that trades, tells, and removes old segments: each is sound, and tells
// all that was told until then. PEERWATT_SEED=<n> repeats one day.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/runtime/backup.h"
#include "tests/engine/runtime/sim_process.h"
#include "tests/support/busy_disk.h"
#include "tests/support/journal_folder.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

using testing::IsEmpty;

constexpr std::int64_t kMinuteNs = std::int64_t{60} * 1'000'000'000;
constexpr JournalIdentity kIdentity{.cluster_id = {std::byte{3}}, .shard = 0};

// What the days had in them, so that a run that tests nothing is seen.
struct Seen {
  std::uint64_t trimmed = 0;  // Backups without their beginning,
  std::uint64_t busy = 0;     // and those during which commands were journaled.
  std::uint64_t events = 0;   // That were read back.
};

class DayWithBackups {
 public:
  DayWithBackups(std::uint64_t seed, const std::string& folder, Seen& seen)
      : random_(seed), folder_(folder), seen_(seen), disk_(seed) {
    SimOptions options{.market = TwoRounds(1)};
    options.keep_ns = Chance(2) ? kMinuteNs : 1;
    options.archive = &archive_;
    process_ = std::make_unique<SimProcess>(disk_, data(), clock_, homes_, options);
  }

  void Run() {
    process_->Init();
    process_->Start();
    process_->LogonAll();
    for (std::uint64_t acts = 20 + random_.Below(60); acts > 0; --acts) {
      Act();
      process_->Settle();
      if (Chance(8)) BackUp();
      if (testing::Test::HasFailure()) return;
    }
    ASSERT_TRUE(process_->status().ok()) << process_->status();
  }

 private:
  std::string data() const { return folder_ + "/data"; }
  bool Chance(std::uint64_t one_in) { return random_.Below(one_in) == 0; }

  void Act() {
    clock_.Advance(static_cast<std::int64_t>(random_.Below(2 * kMinuteNs)));
    const auto home = static_cast<std::uint32_t>(1 + random_.Below(kHomes));
    const auto minute = static_cast<std::uint32_t>(clock_.NowNs() / kMinuteNs);
    std::vector<OrderBody> orders;
    for (std::uint64_t count = 1 + random_.Below(40); count > 0; --count) {
      const Side side = Chance(2) ? Side::kBuy : Side::kSell;
      const std::uint64_t id = 1 + random_.Below(40);
      const auto ticks = static_cast<std::int32_t>(random_.Below(100));
      orders.push_back(MakeOrder(side, home, id, ticks, 1 + static_cast<std::uint32_t>(ticks)));
      orders.back().product.start_minute =
          static_cast<std::uint32_t>(minute / 15 * 15 + 15 * (1 + random_.Below(4)));
    }
    process_->Send(home, CommandType::kSubmitOrders, orders);
  }

  // The process goes on whenever the copy looks.
  void BackUp() {
    const std::string to = folder_ + "/copy-" + std::to_string(++backups_);
    SCOPED_TRACE(to);
    std::filesystem::create_directories(to);
    std::uint64_t acts = 0;
    BusyDisk busy(disk_, [&] {
      if (Chance(6)) {
        ++acts;
        Act();
      }
      if (Chance(2)) process_->Settle();
    });
    const auto copied = CopyDataDirectory(busy, data(), to);
    ASSERT_TRUE(copied.ok()) << copied.status();
    process_->Settle();
    seen_.busy += acts > 0 ? 1 : 0;
    EXPECT_THAT(copied->front().damaged, IsEmpty());
    EXPECT_EQ(copied->front().events_gone_to, 0u);
    ExpectSound(to, copied->front());
    std::filesystem::remove_all(to);
  }

  void ExpectSound(const std::string& to, const CopiedShard& copied) {
    SimDisk disk(disk_, PowerCut::kLosesUnsynced, 1);  // It is on disk.
    const std::string shard = to + "/shard-0";
    const auto store = EventStore::Open(disk, {.folder = shard,
                                               .identity = kIdentity,
                                               .file_bytes = kEventBlockBytesMax,
                                               .keep_ns = INT64_MAX / 2});
    ASSERT_TRUE(store.ok()) << store.status();
    std::unique_ptr<Exchange> exchange;
    const auto recovery =
        RecoverFromSnapshot(disk, {.folder = shard, .identity = kIdentity}, exchange, store->get());
    ASSERT_TRUE(recovery.ok()) << recovery.status();
    EXPECT_EQ(recovery->sequence, copied.sequence);
    EXPECT_EQ(ToHex(recovery->digest), ToHex(copied.digest));
    EXPECT_EQ(recovery->events_gone_to, 0u);
    seen_.trimmed += recovery->snapshot_sequence > 0 ? 1 : 0;
    for (const auto& [credential, next] : exchange->next_events()) {
      ExpectAllEvents(**store, credential, next);
    }
  }
  // From the first on, each as the home hears it.
  void ExpectAllEvents(EventStore& store, CredentialId credential, std::uint64_t next) {
    const EventStore::Kept kept = store.KeptOf(credential);
    ASSERT_EQ(kept.next, next);
    if (next == 1) return;
    ASSERT_EQ(kept.first, 1u);
    std::vector<Event> piece(32);
    for (std::uint64_t number = 1; number < next;) {
      const auto count = store.Read(credential, number, piece);
      ASSERT_TRUE(count.ok()) << count.status();
      for (std::size_t i = 0; i < *count; ++i) homes_.told.Hear(piece[i]);
      number += *count;
      seen_.events += *count;
    }
  }

  RandomSource random_;
  const std::string folder_;
  Seen& seen_;
  SimDisk disk_;
  ManualClock clock_{ExchangeDriver::MinuteNs(560)};
  Homes homes_;
  Archive archive_;
  std::unique_ptr<SimProcess> process_;
  std::uint64_t backups_ = 0;
};

TEST(RandomBackup, IsSoundAndTellsAllThatWasToldUntilThen) {
  const TemporaryFolder folder;
  const std::optional<std::uint64_t> only = SeedFromEnvironment();
  const std::uint64_t first = only.value_or(1);
  const std::uint64_t last = only.value_or(Repeats(kSanitized ? 4 : 40, 1'000));
  Seen seen;
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "PEERWATT_SEED=" << seed);
    DayWithBackups(seed, folder.path(), seen).Run();
  }
  if (only) return;
  EXPECT_GT(seen.trimmed, 2 * last);
  EXPECT_GT(seen.busy, 2 * last);
  EXPECT_GT(seen.events, 100 * last);
}

}  // namespace
}  // namespace engine
