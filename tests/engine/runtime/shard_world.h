// A shard on a disk in memory, stepped by hand, with a test at the gateways' ends of its links.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/recovery.h"
#include "engine/runtime/shard.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sim_batch_writer.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline constexpr JournalIdentity kWorldIdentity{.cluster_id = {std::byte{3}}, .shard = 0};
inline constexpr std::int64_t kGateNs = std::int64_t{kStart - 5} * 60 * 1'000'000'000;
// Then the product of 10:00 is open and its gate is the next: nine minutes from now.
inline constexpr std::int64_t kMorningNs = kGateNs - std::int64_t{9} * 60 * 1'000'000'000;
inline constexpr MarketId kOtherMarket{2};

inline ShardOptions SmallShard() {
  return {.held_events = 1'024, .digest_bytes = std::uint64_t{1} << 13};
}

inline std::size_t CountOf(const std::vector<Event>& events, EventType type) {
  return static_cast<std::size_t>(std::count_if(
      events.begin(), events.end(), [type](const Event& event) { return event.type == type; }));
}

// Completes no write while it is shut.
class DoorWriter final : public BatchWriter {
 public:
  DoorWriter(SimDisk& disk, const bool& open) : writer_(disk), open_(open) {}

  absl::Status Use(const std::string& path) override { return writer_.Use(path); }
  absl::Status Submit(std::span<const std::byte> bytes, std::uint64_t offset) override {
    return writer_.Submit(bytes, offset);
  }
  absl::StatusOr<bool> Completed() override {
    if (!open_) return false;
    return writer_.Completed();
  }
  int completion_fd() const override { return -1; }
  std::string description() const override { return "memory"; }

 private:
  SimBatchWriter writer_;
  const bool& open_;
};

// Credential n owns account n. Accounts below 100 are in kMarket, the others in kOtherMarket.
class ShardWorld {
 public:
  explicit ShardWorld(std::size_t links = 2, const ShardOptions& options = SmallShard(),
                      const LinkSizes& sizes = {.command_bytes = 1 << 17, .events = 256})
      : links_(links), options_(options), sizes_(sizes) {}

  // What `init` does: definitions, each a record of a new journal. The other market is the same,
  // but that its gates close `earlier_s` before the market's.
  void Init(const MarketDefinition& market, std::uint32_t accounts, std::uint32_t others = 0,
            std::uint32_t earlier_s = 0) {
    ExchangeDriver driver;
    driver.now_ns = kMorningNs;
    driver.AddMarket(market);
    MarketDefinition other = market;
    other.id = kOtherMarket;
    other.gate_before_s += earlier_s;
    if (others > 0) driver.AddMarket(other);
    for (std::uint32_t id = 1; id <= accounts; ++id) driver.AddAccount(id);
    for (std::uint32_t id = 100; id < 100 + others; ++id) {
      driver.AddAccount(id, 0, 0, kOtherMarket);
    }
    Append(driver.journal);
    clock.Set(driver.now_ns);
  }

  // Writes records behind what the journal holds, as a daemon that then died.
  void Append(const std::vector<OwnedCommand>& commands) {
    const std::unique_ptr<Journal> journal = OpenJournal(Recovered());
    for (const OwnedCommand& command : commands) {
      if (!journal->HasRoom(command.view().header().length)) {
        ASSERT_TRUE(journal->Settle().ok());
      }
      journal->Append(command.view());
    }
    ASSERT_TRUE(journal->Settle().ok());
  }

  // A market where a home's newer orders displace its older ones, and home 1 is logged on.
  void StartWithDisplacement() {
    MarketDefinition market = SmallMarket();
    market.rule.self_trade = SelfTrade::kCancelOlder;
    market.party_orders_max = 4'096;
    Init(market, 2);
    Start();
    SettleAt(kMorningNs + 60 * kSecondNs);
    Logon(0, 1);
  }

  // What the next start has.
  void SetLottery(const LotteryKey& key) { options_.lottery = key; }

  // From what is on disk, with new links.
  void Start() {
    shard.reset();
    gateways.clear();
    std::unique_ptr<Exchange> exchange;
    absl::StatusOr<Recovery> recovery =
        RecoverFromSnapshot(*disk, {.folder = "shard-0", .identity = kWorldIdentity}, exchange);
    ASSERT_TRUE(recovery.ok()) << recovery.status();
    recovered = *recovery;
    std::vector<ShardEnd> ends;
    for (std::size_t i = 0; i < links_; ++i) {
      Link link = MakeLink(sizes_, gateway_doorbell, shard_doorbell);
      gateways.push_back(std::move(link.gateway));
      ends.push_back(std::move(link.shard));
    }
    shard = std::make_unique<Shard>(std::move(exchange), OpenJournal(recovery->tail), clock,
                                    std::move(ends), options_);
  }

  // Ends the process without a word; `cut` is what the disk keeps.
  void Kill(PowerCut cut = PowerCut::kLosesUnsynced) {
    shard.reset();
    gateways.clear();
    disk = std::make_unique<SimDisk>(*disk, cut, 1);
  }

  // Turns until nothing is left to do or to write.
  void Settle() {
    for (int turns = 0; turns < 100'000; ++turns) {
      if (!shard->Turn()) return;
    }
    FAIL() << "the shard does not come to rest";
  }
  void SettleAt(std::int64_t time_ns) {
    clock.Set(time_ns);
    Settle();
  }

  // Puts a command into the link's ring. Ensures: false when it is full.
  bool Put(std::size_t link, const OwnedCommand& command) {
    const std::span<const std::byte> bytes = command.view().bytes();
    CommandHeader* to = gateways[link].commands.Claim(static_cast<std::uint32_t>(bytes.size()));
    if (to == nullptr) return false;
    std::memcpy(to, bytes.data(), bytes.size());
    gateways[link].commands.Commit();
    gateways[link].commands.Publish();
    return true;
  }
  OwnedCommand Orders(std::uint32_t credential, std::uint64_t client_seq,
                      const std::vector<OrderBody>& orders) {
    CommandHeader header;
    header.time_ns = clock.NowNs();
    header.client_seq = client_seq;
    header.credential = CredentialId{credential};
    header.type = CommandType::kSubmitOrders;
    return OwnedCommand(header, std::span<const OrderBody>(orders));
  }
  bool Submit(std::size_t link, std::uint64_t client_seq, const OrderBody& order) {
    return Put(link, Orders(static_cast<std::uint32_t>(order.account), client_seq, {order}));
  }
  bool Cancel(std::size_t link, std::uint64_t client_seq, std::uint32_t credential,
              std::uint64_t client_order_id) {
    const OrderKeyBody key{.account = AccountId{credential},
                           .client_order_id = ClientOrderId{client_order_id},
                           .product = {kMarket, kStart}};
    CommandHeader header;
    header.time_ns = clock.NowNs();
    header.client_seq = client_seq;
    header.credential = CredentialId{credential};
    header.type = CommandType::kCancelOrders;
    return Put(link, OwnedCommand(header, std::span<const OrderKeyBody>(&key, 1)));
  }
  // Goes on in a new segment, behind which there is no space for another.
  void RestartOnAFullDisk() {
    Kill(PowerCut::kKeepsUnsynced);
    Start();
    disk->SetFreeBytes(0);
    Settle();
  }
  void Logon(std::size_t link, std::uint32_t credential) {
    LogonBody body{.session = credential};
    std::memcpy(body.hash.data(), &credential, sizeof(credential));
    CommandHeader header;
    header.time_ns = clock.NowNs();
    header.type = CommandType::kLogon;
    ASSERT_TRUE(Put(link, OwnedCommand(header, std::span<const LogonBody>(&body, 1))));
    Settle();
  }

  // Takes all that is in the link's event ring.
  std::vector<Event> Take(std::size_t link) {
    std::vector<Event> events;
    for (auto ready = gateways[link].events.Ready(); !ready.empty();
         ready = gateways[link].events.Ready()) {
      events.insert(events.end(), ready.begin(), ready.end());
      gateways[link].events.Consume(ready.size());
    }
    return events;
  }
  std::vector<Event> Take(std::size_t link, EventType type) {
    std::vector<Event> some;
    for (const Event& event : Take(link)) {
      if (event.type == type) some.push_back(event);
    }
    return some;
  }
  // Settles, and takes what comes meanwhile.
  std::vector<Event> SettleAndTake(std::size_t link) {
    std::vector<Event> events;
    for (;;) {
      Settle();
      const std::vector<Event> more = Take(link);
      if (more.empty()) return events;
      events.insert(events.end(), more.begin(), more.end());
    }
  }

  Doorbell gateway_doorbell;
  Doorbell shard_doorbell;
  ManualClock clock{0};
  std::unique_ptr<SimDisk> disk = std::make_unique<SimDisk>();
  bool disk_answers = true;
  Recovery recovered;
  std::vector<GatewayEnd> gateways;
  std::unique_ptr<Shard> shard;

 private:
  JournalTail Recovered() {
    if (disk->names().empty()) return {};
    Exchange exchange;
    const absl::StatusOr<Recovery> recovery =
        RecoverExchange(*disk, {.folder = "shard-0", .identity = kWorldIdentity}, exchange);
    EXPECT_TRUE(recovery.ok()) << recovery.status();
    return recovery.ok() ? recovery->tail : JournalTail{};
  }
  std::unique_ptr<Journal> OpenJournal(const JournalTail& tail) {
    const JournalOptions options{.folder = "shard-0",
                                 .identity = kWorldIdentity,
                                 .segment_bytes = std::uint64_t{1} << 20,
                                 .batch_bytes = std::size_t{1} << 17,
                                 .make_segments_in_thread = false};
    absl::StatusOr<std::unique_ptr<Journal>> journal =
        Journal::Open(*disk, std::make_unique<DoorWriter>(*disk, disk_answers), options, tail);
    EXPECT_TRUE(journal.ok()) << journal.status();
    return *std::move(journal);
  }

  const std::size_t links_;
  ShardOptions options_;
  const LinkSizes sizes_;
};

}  // namespace engine
