// A process of the exchange on a simulated disk, turned by hand, and the homes that talk to it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/journal/data_directory.h"
#include "engine/runtime/follower.h"
#include "engine/runtime/recovery.h"
#include "engine/runtime/shard.h"
#include "tests/engine/runtime/sim_homes.h"
#include "tests/support/archive_disk.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sim_batch_writer.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline constexpr std::size_t kSimLinks = 2;

struct SimOptions {
  MarketDefinition market = SmallMarket();
  WriterWay way = WriterWay::kDirect;
  // A process that waits for space gets it after some seconds.
  bool space_returns = false;
  // A follower makes snapshots, and removes segments that are older; 0: there is none.
  std::int64_t keep_ns = 0;
  // What was removed, by whatever process, so that the test still has the whole journal.
  Archive* archive = nullptr;
};

// Once something has failed it does nothing more: the process has died.
class SimProcess {
 public:
  enum class Part : std::uint8_t { kInitialising, kStarting, kRunning };

  // `data` is on the simulated disk, but for its lock. The machine may be another than that of a
  // process before: a lock that it holds is not seen.
  SimProcess(SimDisk& disk, std::string data, ManualClock& clock, Homes& homes,
             const SimOptions& options)
      : disk_(disk), data_(std::move(data)), clock_(clock), homes_(homes), options_(options) {
    std::filesystem::create_directories(data_);
    std::filesystem::remove(data_ + "/peerwatt.lock");
  }

  // Makes the data directory, with the market and the homes.
  void Init() {
    part_ = Part::kInitialising;
    status_ = MakeDirectory();
  }
  void Start() {
    if (!status_.ok()) return;
    part_ = Part::kStarting;
    status_ = Open();
    if (absl::IsResourceExhausted(status_) && options_.space_returns) {
      disk_.Heal();
      status_ = Open();
    }
    if (!status_.ok()) return Kill();
    part_ = Part::kRunning;
  }
  void Kill() {
    SeeWhetherTheOutboxFailed();
    follower_.reset();
    shard_.reset();
    outbox_.reset();
    gateways_.clear();
    directory_.reset();
  }
  void Stop() {
    if (!status_.ok()) return;
    status_ = shard_->Settle();
    Listen();
    Kill();
  }
  // And hears what happened while it was away.
  void LogonAll() {
    homes_.catching_up = true;
    for (std::uint32_t home = 1; home <= kHomes; ++home) {
      LogonBody body{.session = home};
      std::memcpy(body.hash.data(), &home, sizeof(home));
      CommandHeader header;
      header.type = CommandType::kLogon;
      Put(home, OwnedCommand(header, std::span<const LogonBody>(&body, 1)));
    }
    Settle();
    for (std::uint32_t home = 1; home <= kHomes; ++home) HearWhatWasMissed(home);
    homes_.catching_up = false;
  }

  // The next command of a home.
  template <typename Body>
  void Send(std::uint32_t home, CommandType type, const std::vector<Body>& bodies) {
    if (!status_.ok()) return;
    CommandHeader header;
    header.type = type;
    header.credential = CredentialId{home};
    header.client_seq = homes_.sent[home - 1].size() + 1;
    homes_.sent[home - 1].emplace_back(header, std::span<const Body>(bodies));
    Put(home, homes_.sent[home - 1].back());
  }
  void Resend(std::uint32_t home, std::uint64_t client_seq) {
    Put(home, homes_.Sent(home, client_seq));
  }
  void ResendAll() {
    for (std::uint32_t home = 1; home <= kHomes; ++home) {
      for (std::uint64_t seq = 1; seq <= homes_.sent[home - 1].size(); ++seq) Resend(home, seq);
      Settle();
    }
  }

  // Ensures: false when there was nothing to do.
  bool Turn() {
    if (!status_.ok()) return false;
    bool did = shard_->Turn();
    did = outbox_->Turn() || did;
    Listen();
    status_ = shard_->status();
    if (on_boundary) on_boundary();
    return did;
  }
  // Turns until nothing is left to do. Where there is no space it waits some seconds.
  void Settle() {
    for (std::int64_t waited_s = 0; status_.ok(); ++waited_s) {
      int turns = 0;
      while (Turn() || (status_.ok() && shard_->IdleNs() == 0) || Follow()) {
        ASSERT_LT(++turns, 10'000) << "the shard does not come to rest";
      }
      const bool waits = status_.ok() && shard_->counters().disk_full.value() != 0;
      if (status_.ok() && !waits && SendAgainWhatHadNoSpace()) continue;
      if (!waits || waited_s == kWaitForSpaceS) return;
      if (options_.space_returns && waited_s > 0) disk_.Heal();
      clock_.Advance(kSecondNs);
    }
  }

  const absl::Status& status() const { return status_; }
  Part part() const { return part_; }  // Where it died, or is.
  const Recovery& recovered() const { return recovered_; }
  std::uint64_t snapshots() const { return snapshots_; }  // That were made,
  std::uint64_t removed() const { return removed_; }      // and segments that went.

  // For a test that looks at the disk in between: after each turn, and each command put.
  std::function<void()> on_boundary;

 private:
  static constexpr std::int64_t kSecondNs = 1'000'000'000;
  static constexpr std::int64_t kWaitForSpaceS = 3;

  // A start removes, too, what a follower had begun to.
  Disk& RemovalDisk() {
    if (options_.archive == nullptr) return disk_;
    if (!archive_disk_) archive_disk_.emplace(disk_, *options_.archive);
    return *archive_disk_;
  }
  absl::StatusOr<std::unique_ptr<Journal>> OpenJournal(const JournalTail& tail) {
    // Just large enough for the largest command: segments change often.
    return Journal::Open(RemovalDisk(), std::make_unique<SimBatchWriter>(disk_, options_.way),
                         {.folder = directory_->ShardFolder(0),
                          .identity = directory_->Identity(0),
                          .segment_bytes = 20 * kBlockBytes,
                          .batch_bytes = 17 * kBlockBytes,
                          .make_segments_in_thread = false},
                         tail);
  }

  // With the time at which it was read first: as if it had waited in its ring.
  bool SendAgainWhatHadNoSpace() {
    const auto refused = std::exchange(homes_.without_space, {});
    for (const auto& [credential, client_seq] : refused) {
      const auto home = static_cast<std::uint32_t>(credential);
      PutAt(read_ns_[{credential, client_seq}], home, homes_.Sent(home, client_seq));
    }
    return !refused.empty();
  }

  absl::Status MakeDirectory() {
    ExchangeDriver driver(1'000);
    driver.now_ns = clock_.NowNs();
    driver.AddMarket(options_.market);
    for (std::uint32_t home = 1; home <= kHomes; ++home) driver.AddAccount(home);
    auto directory = DataDirectory::Create(disk_, data_, {.cluster_id = {std::byte{3}}});
    if (!directory.ok()) return directory.status();
    directory_ = std::make_unique<DataDirectory>(*std::move(directory));
    if (absl::Status status = directory_->OpenLotteryKey(disk_).status(); !status.ok()) {
      return status;
    }
    auto journal = OpenJournal({});
    if (!journal.ok()) return journal.status();
    for (const OwnedCommand& command : driver.journal) (*journal)->Append(command.view());
    if (absl::Status status = (*journal)->Settle(); !status.ok()) return status;
    absl::Status status = directory_->Commit(disk_);
    directory_.reset();
    return status;
  }

  absl::Status Open() {
    Kill();
    auto directory = DataDirectory::Open(disk_, data_);
    if (!directory.ok()) return directory.status();
    directory_ = std::make_unique<DataDirectory>(*std::move(directory));
    const auto key = directory_->OpenLotteryKey(disk_);
    if (!key.ok()) return key.status();
    auto store = EventStore::Open(disk_, {.folder = directory_->ShardFolder(0),
                                          .identity = directory_->Identity(0),
                                          .file_bytes = kEventBlockBytesMax,
                                          .keep_ns = INT64_MAX / 2});
    if (!store.ok()) return store.status();
    std::unique_ptr<Exchange> exchange;
    const auto recovery = RecoverFromSnapshot(
        disk_, {.folder = directory_->ShardFolder(0), .identity = directory_->Identity(0)},
        exchange, store->get());
    if (!recovery.ok()) return recovery.status();
    recovered_ = *recovery;
    auto journal = OpenJournal(recovery->tail);
    if (!journal.ok()) return journal.status();
    std::vector<ShardEnd> ends;
    for (std::size_t i = 0; i < kSimLinks; ++i) {
      Link link =
          MakeLink({.command_bytes = 1 << 17, .events = 256}, gateway_doorbell_, shard_doorbell_);
      gateways_.push_back(std::move(link.gateway));
      ends.push_back(std::move(link.shard));
    }
    shard_ = std::make_unique<Shard>(std::move(exchange), *std::move(journal), clock_,
                                     std::move(ends), ShardOptions{.held_events = 1'024});
    TapLink tap = MakeTapLink(shard_doorbell_, outbox_doorbell_, 256);
    MissedLink missed = MakeMissedLink(gateway_doorbell_, outbox_doorbell_, 16, 64);
    shard_->Tap(std::move(tap.shard));
    missed_.emplace(std::move(missed.gateway));
    std::vector<MissedOutboxEnd> missed_ends;
    missed_ends.push_back(std::move(missed.outbox));
    outbox_ = std::make_unique<Outbox>(*std::move(store), clock_, outbox_doorbell_,
                                       std::move(tap.outbox), std::move(missed_ends));
    BeginToFollow();
    return absl::OkStatus();
  }

  void BeginToFollow() {
    if (options_.keep_ns == 0) return;
    const FollowerOptions options{.folder = directory_->ShardFolder(0),
                                  .identity = directory_->Identity(0),
                                  .before_sequence = recovered_.snapshot_sequence + 1,
                                  .outbox = outbox_.get(),
                                  .keep_ns = options_.keep_ns,
                                  .clock = &clock_};
    follower_.emplace(RemovalDisk(), options);
  }
  // Ensures: whether it did something. What it cannot read or write it leaves; it never comes to
  // something else.
  bool Follow() {
    if (!status_.ok() || !follower_) return false;
    const std::atomic<bool> stop{false};
    const auto step = follower_->Follow(stop);
    EXPECT_FALSE(absl::IsDataLoss(step.status())) << step.status();
    if (!step.ok()) return false;
    snapshots_ += step->snapshot ? 1 : 0;
    removed_ += step->removed;
    return step->applied || step->snapshot || step->removed > 0;
  }

  void SeeWhetherTheOutboxFailed() {
    const auto& failed = disk_.failed();
    homes_.outbox_failed = homes_.outbox_failed || disk_.lied() ||
                           std::any_of(failed.begin(), failed.end(), [](const FailedCall& call) {
                             return call.path.find(kOutboxPrefix) != std::string::npos;
                           });
  }
  // In pieces, as a session does. Where the outbox could not be written, or was not written as it
  // said, events are gone, and the home knows it.
  void HearWhatWasMissed(std::uint32_t home) {
    const std::uint64_t& next = homes_.next_event[home - 1];
    while (status_.ok() && next < homes_.end_event[home - 1]) {
      missed_->queries.Put(
          {.session = home, .credential = CredentialId{home}, .most = 5, .from = next});
      missed_->queries.Publish();
      Settle();
      if (!status_.ok()) return;
      const auto ready = missed_->events.Ready();
      ASSERT_FALSE(ready.empty());
      const MissedEvent::Kind first = ready.front().kind;
      if (first == MissedEvent::Kind::kGone || first == MissedEvent::Kind::kNotNow) {
        if (disk_.is_cut()) return;
        SeeWhetherTheOutboxFailed();
        EXPECT_TRUE(homes_.outbox_failed) << "home " << home << ", event " << next;
        homes_.next_event[home - 1] = homes_.end_event[home - 1];
      }
      HearMissed();
    }
  }

  // An answer that goes over the ring's end is there in two parts.
  void HearMissed() {
    for (auto ready = missed_->events.Ready(); !ready.empty(); ready = missed_->events.Ready()) {
      for (const MissedEvent& missed : ready) {
        if (missed.kind == MissedEvent::Kind::kEvent) homes_.Hear(missed.event);
      }
      missed_->events.Consume(ready.size());
    }
  }

  void Put(std::uint32_t home, const OwnedCommand& command) {
    read_ns_[{CredentialId{home}, command.view().header().client_seq}] = clock_.NowNs();
    PutAt(clock_.NowNs(), home, command);
  }
  void PutAt(std::int64_t time_ns, std::uint32_t home, const OwnedCommand& command) {
    if (!status_.ok()) return;
    CommandSender& commands = gateways_[home % kSimLinks].commands;
    const std::span<const std::byte> bytes = command.view().bytes();
    CommandHeader* to = commands.Claim(static_cast<std::uint32_t>(bytes.size()));
    ASSERT_NE(to, nullptr);
    std::memcpy(to, bytes.data(), bytes.size());
    to->time_ns = time_ns;
    commands.Commit();
    commands.Publish();
    if (on_boundary) on_boundary();
  }
  // What has left the process was told, whatever becomes of it.
  void Listen() {
    for (GatewayEnd& gateway : gateways_) {
      for (auto ready = gateway.events.Ready(); !ready.empty(); ready = gateway.events.Ready()) {
        for (const Event& event : ready) homes_.Hear(event);
        gateway.events.Consume(ready.size());
      }
    }
  }

  SimDisk& disk_;
  const std::string data_;
  ManualClock& clock_;
  Homes& homes_;
  const SimOptions options_;
  absl::Status status_;
  Part part_ = Part::kInitialising;
  Recovery recovered_;
  std::unique_ptr<DataDirectory> directory_;
  Doorbell gateway_doorbell_;
  Doorbell shard_doorbell_;
  Doorbell outbox_doorbell_;
  std::vector<GatewayEnd> gateways_;
  std::optional<MissedGatewayEnd> missed_;
  std::optional<ArchiveDisk> archive_disk_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Shard> shard_;
  std::optional<Follower> follower_;
  std::uint64_t snapshots_ = 0;
  std::uint64_t removed_ = 0;
  std::map<std::pair<CredentialId, std::uint64_t>, std::int64_t> read_ns_;  // The last time.
};

}  // namespace engine
