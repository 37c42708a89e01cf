// Seeded days of random orders, faults and crashes. PEERWATT_SEED=<n> repeats one.
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/runtime/sim_recovery.h"
#include "tests/support/journal_folder.h"
#include "tests/support/random_source.h"

namespace engine {
namespace {

constexpr std::int64_t kMillisecondNs = 1'000'000;
constexpr std::int64_t kMinuteNs = 60'000 * kMillisecondNs;
constexpr std::uint64_t kSentMost = 60;  // A home: so many answers are kept for it.

// What the days of a run had in them, so that a run that tests nothing is seen.
struct Seen {
  std::uint64_t crashes = 0;
  std::uint64_t failed_calls = 0;
  std::uint64_t failed_starts = 0;
  std::uint64_t cut_batches = 0;
  std::uint64_t records_untold = 0;  // Found after a crash though nobody had been told of them.
  std::uint64_t answers = 0;
  std::uint64_t numbered = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t removed = 0;  // Segments.
};

class RandomDay {
 public:
  RandomDay(std::uint64_t seed, std::string data, Seen& seen)
      : random_(seed), data_(std::move(data)), seen_(seen), disk_(std::make_unique<SimDisk>(seed)) {
    options_.market = RandomMarket();
    only_cuts_ = Chance(2);
    if (seed % 2 == 0) options_.keep_ns = Chance(2) ? kMinuteNs : kMillisecondNs;
    options_.archive = &archive_;
    // Through a cache a sync that fails loses what a restart still reads: FORMAT.md.
    options_.way = only_cuts_ && Chance(2) ? WriterWay::kCached : WriterWay::kDirect;
  }

  void Run() {
    {
      SimProcess process(*disk_, data_, clock_, homes_, options_);
      process.Init();
      ASSERT_TRUE(process.status().ok()) << process.status();
    }
    ExpectNothingLost();
    const std::uint64_t lives = 1 + random_.Below(4);
    for (std::uint64_t life = 0; life < lives && !testing::Test::HasFailure(); ++life) {
      SCOPED_TRACE(testing::Message() << "life " << life);
      Live();
      Crash();
      ExpectNothingLost();
    }
    if (!testing::Test::HasFailure()) LiveToTheEnd();
  }

 private:
  bool Chance(std::uint64_t one_in) { return random_.Below(one_in) == 0; }

  MarketDefinition RandomMarket() {
    MarketDefinition market = Chance(2) ? SmallMarket() : TwoRounds(Chance(2) ? 1 : 0);
    if (market.rounds == 1 && Chance(3)) market.rule.rule = Rule::kContinuous;
    market.party_orders_max = 60;
    return market;
  }

  void Live() {
    SetTrouble();
    SimProcess process(*disk_, data_, clock_, homes_, options_);
    process.Start();
    if (!process.status().ok()) {
      ++seen_.failed_starts;
      return;
    }
    ExpectStartedWithWhatWasFound(process);
    Greet(process);
    for (std::uint64_t acts = 3 + random_.Below(30); acts > 0 && process.status().ok(); --acts) {
      Act(process);
    }
    // Whatever waits for space goes on when there is some.
    EXPECT_TRUE(!is_full_ || process.status().ok()) << process.status();
    if (Chance(4) && process.status().ok()) process.Stop();
    CountWhatWasFollowed(process);
  }

  void CountWhatWasFollowed(const SimProcess& process) {
    seen_.snapshots += process.snapshots();
    seen_.removed += process.removed();
  }

  void ExpectStartedWithWhatWasFound(const SimProcess& process) {
    EXPECT_EQ(process.recovered().sequence, found_.size());
    EXPECT_EQ(ToHex(process.recovered().digest), ToHex(digest_));
    seen_.cut_batches += process.recovered().tail.cut ? 1 : 0;
    known_ = found_;
  }

  void SetTrouble() {
    // A follower looks about, too.
    const std::uint64_t most = options_.keep_ns == 0 || Chance(2) ? 120 : 1'000;
    const std::uint64_t at = disk_->operations() + random_.Below(most);
    options_.space_returns = false;
    is_full_ = false;
    if (Chance(2)) return disk_->CutFrom(at);
    if (only_cuts_ || Chance(4)) return;
    const auto kind = static_cast<DiskFault::Kind>(random_.Below(3));
    is_full_ = kind == DiskFault::Kind::kIsFull;
    options_.space_returns = is_full_ && Chance(2);
    constexpr std::array<int, 3> kErrors{EIO, ENOSPC, EINTR};
    disk_->SetFault({.kind = kind, .at = at, .error = kErrors[random_.Below(3)]});
  }

  // Homes ask again for what they have no answer to, and for some that they have.
  void Greet(SimProcess& process) {
    process.Settle();
    process.LogonAll();
    for (std::uint32_t home = 1; home <= kHomes; ++home) {
      for (std::uint64_t seq = 1; seq <= homes_.sent[home - 1].size(); ++seq) {
        if (!homes_.told.Answered(CredentialId{home}, seq) || Chance(4)) process.Resend(home, seq);
      }
    }
    process.Settle();
  }

  void Act(SimProcess& process) {
    const std::array<std::int64_t, 3> most{20 * kMillisecondNs, kMinuteNs / 6, 6 * kMinuteNs};
    const auto below = static_cast<std::uint64_t>(most[random_.Below(3)]);
    clock_.Advance(static_cast<std::int64_t>(random_.Below(below)));
    const auto home = static_cast<std::uint32_t>(1 + random_.Below(kHomes));
    if (homes_.sent[home - 1].size() < kSentMost) SendSomething(process, home);
    if (Chance(2)) return process.Settle();
    for (std::uint64_t turns = random_.Below(4); turns > 0; --turns) process.Turn();
  }

  void SendSomething(SimProcess& process, std::uint32_t home) {
    const std::uint64_t choice = random_.Below(12);
    if (choice == 0) {
      return process.Send(home, CommandType::kCancelAll, std::vector{OrderScopeBody{}});
    }
    if (choice <= 2) {
      const OrderBody order = RandomOrder(home);
      const OrderKeyBody key{.account = order.account,
                             .client_order_id = order.client_order_id,
                             .product = order.product};
      return process.Send(home, CommandType::kCancelOrders, std::vector{key});
    }
    std::vector<OrderBody> orders;
    for (std::uint64_t count = 1 + random_.Below(Chance(2) ? 60 : 3); count > 0; --count) {
      orders.push_back(RandomOrder(home));
    }
    process.Send(home, choice == 3 ? CommandType::kReplaceOrders : CommandType::kSubmitOrders,
                 orders);
  }

  // Mostly one that is taken.
  OrderBody RandomOrder(std::uint32_t home) {
    const auto minute = static_cast<std::uint32_t>(clock_.NowNs() / kMinuteNs);
    const auto start = static_cast<std::uint32_t>(minute / 15 * 15 + 15 * random_.Below(5));
    const Side side = Chance(2) ? Side::kBuy : Side::kSell;
    const std::uint64_t id = 1 + random_.Below(40);
    const auto ticks = static_cast<std::int32_t>(random_.Below(102));
    const auto energy_wh = static_cast<std::uint32_t>(random_.Below(500));
    OrderBody order = MakeOrder(side, home, id, ticks, energy_wh);
    order.product.start_minute = start;
    return order;
  }

  // The process is gone; its machine goes on, forgets what it had in memory, or loses its power.
  void Crash() {
    ++seen_.crashes;
    seen_.failed_calls += disk_->failed().size();
    const std::uint64_t choice = random_.Below(8);
    if (choice == 0) return disk_->Heal();
    if (choice == 1) {
      disk_->Heal();
      return disk_->DropCaches();
    }
    disk_ = std::make_unique<SimDisk>(*disk_,
                                      choice == 2   ? PowerCut::kLosesUnsynced
                                      : choice == 3 ? PowerCut::kKeepsUnsynced
                                                    : PowerCut::kMixesSectors,
                                      random_.Next());
  }

  void ExpectNothingLost() {
    absl::StatusOr<RecordBytes> found = ReadRecords(*disk_, data_, &archive_);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(BeginsWith(*found, known_)) << "what a process had begun with is gone";
    const std::uint64_t told = homes_.told.last_sequence();
    ASSERT_GE(found->size(), told);
    seen_.records_untold += found->size() - told;
    const ReplayedRecords replayed(*found);
    homes_.told.ExpectPartOf(replayed.events());
    replayed.events().ExpectNumberedWithoutGaps();
    replayed.ExpectEnergyIsConserved();
    digest_ = replayed.StateDigest();
    found_ = *std::move(found);
  }

  void LiveToTheEnd() {
    disk_->Heal();
    options_.space_returns = false;
    SimProcess process(*disk_, data_, clock_, homes_, options_);
    process.Start();
    ASSERT_TRUE(process.status().ok()) << process.status();
    ExpectStartedWithWhatWasFound(process);
    ExpectSameAnswers(process, homes_);
    clock_.Advance(90 * kMinuteNs);  // All rounds are over.
    process.Settle();
    process.Stop();
    ASSERT_TRUE(process.status().ok()) << process.status();
    CountWhatWasFollowed(process);
    ExpectNothingLost();
    seen_.answers += homes_.told.answers();
    seen_.numbered += homes_.told.numbered();
  }

  RandomSource random_;
  const std::string data_;
  Seen& seen_;
  std::unique_ptr<SimDisk> disk_;
  Archive archive_;
  SimOptions options_;
  bool only_cuts_ = false;
  bool is_full_ = false;
  ManualClock clock_{ExchangeDriver::MinuteNs(560)};
  Homes homes_;
  RecordBytes known_;  // What the last process that started had read.
  RecordBytes found_;  // What was found after the last crash.
  DigestBytes digest_{};
};

TEST(RandomDay, LosesNothingThatWasToldAndTellsNothingOtherwise) {
  const TemporaryFolder folder;
  const std::optional<std::uint64_t> only = SeedFromEnvironment();
  const std::uint64_t first = only.value_or(1);
  const std::uint64_t last = only.value_or(Repeats(kSanitized ? 40 : 1'000, 10'000));
  Seen seen;
  for (std::uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "PEERWATT_SEED=" << seed);
    RandomDay(seed, folder.path() + "/data", seen).Run();
  }
  if (only) return;
  EXPECT_GT(seen.crashes, 2 * last);
  EXPECT_GT(seen.failed_calls, last / 4);
  EXPECT_GT(seen.failed_starts, last / 20);
  EXPECT_GT(seen.cut_batches, last / 50);
  EXPECT_GT(seen.records_untold, last / 4);
  EXPECT_GT(seen.answers, 20 * last);
  EXPECT_GT(seen.numbered, 10 * last);
  EXPECT_GT(seen.snapshots, last);
  EXPECT_GT(seen.removed, last);
}

}  // namespace
}  // namespace engine
