#include "tests/sim/sim_daemon.h"

#include <atomic>
#include <utility>
#include <vector>

#include "engine/journal/format.h"
#include "engine/journal/journal.h"
#include "engine/journal/reader.h"
#include "engine/outbox/event_store.h"
#include "tests/support/sim_batch_writer.h"

namespace engine {
namespace {

constexpr char kFolder[] = "shard-0";
constexpr JournalIdentity kIdentity{.cluster_id = {std::byte{9}}, .shard = 0};
const std::atomic<bool> go_on{false};

// Hands out the records of each batch once it is on disk.
class ToldBatchWriter final : public BatchWriter {
 public:
  ToldBatchWriter(SimDisk& disk, const SimDoor& door, DurableRecord durable)
      : writer_(disk), door_(door), durable_(std::move(durable)) {}

  absl::Status Use(const std::string& path) override { return writer_.Use(path); }
  absl::Status Submit(std::span<const std::byte> bytes, std::uint64_t offset) override {
    batch_ = offset == 0 ? std::span<const std::byte>() : bytes;  // A segment's header.
    return writer_.Submit(bytes, offset);
  }
  absl::StatusOr<bool> Completed() override {
    if (!door_.open) return false;
    absl::StatusOr<bool> completed = writer_.Completed();
    if (completed.ok() && *completed) TellRecords();
    return completed;
  }
  int completion_fd() const override { return -1; }
  std::string description() const override { return "simulated"; }

 private:
  void TellRecords() {
    if (batch_.empty()) return;
    const auto& header = *reinterpret_cast<const BatchHeader*>(batch_.data());
    std::size_t at = sizeof(header);
    for (std::uint32_t i = 0; i < header.records; ++i) {
      const CommandView record(reinterpret_cast<const CommandHeader*>(batch_.data() + at));
      durable_(record);
      at += record.header().length;
    }
  }

  SimBatchWriter writer_;
  const SimDoor& door_;
  const DurableRecord durable_;
  std::span<const std::byte> batch_;
};

// Just large enough for the largest command: segments change often.
JournalOptions Options() {
  return {.folder = kFolder,
          .identity = kIdentity,
          .segment_bytes = 20 * kBlockBytes,
          .batch_bytes = 17 * kBlockBytes,
          .make_segments_in_thread = false};
}

// Everything soon, in exchange time, and little of everything.
gateway::GatewayOptions GatewayLimits() {
  gateway::GatewayOptions options;
  options.device_output_bytes = std::size_t{6} << 10;
  options.aggregator_output_bytes = std::size_t{12} << 10;
  options.device_orders_per_second = 50;
  return options;
}

ShardOptions ShardLimits() {
  return {.held_events = 1'024,
          .commands_a_turn = 8,
          .events_a_turn = 64,
          .digest_bytes = std::uint64_t{16} << 10};
}

// What is read now is on disk, and cannot be lost any more.
absl::Status TellWhatIsThere(SimDisk& disk, const DurableRecord& durable) {
  return Recover(disk,
                 {.folder = kFolder,
                  .identity = kIdentity,
                  .from_sequence = kFromTheBeginning,
                  .being_written = true},
                 [&durable](CommandView record) {
                   durable(record);
                   return absl::OkStatus();
                 })
      .status();
}

}  // namespace

absl::Status SimDaemon::Init(SimDisk& disk, const std::function<void(Journal&)>& append) {
  if (absl::Status status = disk.CreateFolder(kFolder); !status.ok()) return status;
  if (absl::Status status = disk.SyncFolder(""); !status.ok()) return status;
  auto journal = Journal::Open(disk, std::make_unique<SimBatchWriter>(disk), Options(), {});
  if (!journal.ok()) return journal.status();
  append(**journal);
  return (*journal)->Settle();
}

absl::Status SimDaemon::Configure(SimDisk& disk, SimClock& clock,
                                  const gateway::Definitions& wanted, const gateway::Actor& actor,
                                  const DurableRecord& durable) {
  clock.StartAnew();
  std::unique_ptr<Exchange> exchange;
  auto recovery = RecoverFromSnapshot(disk, {.folder = kFolder, .identity = kIdentity}, exchange);
  if (!recovery.ok()) return recovery.status();
  gateway::Bytes commands;
  absl::Status status = gateway::Apply(gateway::Changes(wanted, *exchange), actor, clock.NowNs(),
                                       *exchange, commands);
  if (!status.ok()) return status;
  const SimDoor door;
  auto journal = Journal::Open(disk, std::make_unique<ToldBatchWriter>(disk, door, durable),
                               Options(), recovery->tail);
  if (!journal.ok()) return journal.status();
  if (status = TellWhatIsThere(disk, durable); !status.ok()) return status;
  for (std::size_t at = 0; at < commands.size();) {
    const CommandView command(reinterpret_cast<const CommandHeader*>(commands.data() + at));
    (*journal)->Append(command);
    at += command.header().length;
  }
  return (*journal)->Settle();
}

SimDaemon::SimDaemon(SimDisk& disk, SimClock& clock, const SimDoor& door,
                     const SimDaemonOptions& options, DurableRecord durable)
    : disk_(disk),
      clock_(clock),
      door_(door),
      options_(options),
      limits_({.connections = 100}, std::uint64_t{8} << 20) {
  status_ = Open(durable);
}

SimDaemon::~SimDaemon() = default;

absl::Status SimDaemon::Open(const DurableRecord& durable) {
  clock_.StartAnew();
  auto store = EventStore::Open(disk_, {.folder = kFolder,
                                        .identity = kIdentity,
                                        .file_bytes = kEventBlockBytesMax,
                                        .keep_ns = options_.outbox_keep_ns});
  if (!store.ok()) return store.status();
  std::unique_ptr<Exchange> exchange;
  auto recovery = RecoverFromSnapshot(disk_, {.folder = kFolder, .identity = kIdentity}, exchange,
                                      store->get());
  if (!recovery.ok()) return recovery.status();
  recovered_ = *recovery;
  auto journal = Journal::Open(disk_, std::make_unique<ToldBatchWriter>(disk_, door_, durable),
                               Options(), recovery->tail);
  if (!journal.ok()) return journal.status();
  if (absl::Status status = TellWhatIsThere(disk_, durable); !status.ok()) return status;
  std::vector<ShardEnd> shard_ends;
  std::vector<MissedOutboxEnd> outbox_ends;
  std::vector<gateway::Gateway*> all;
  for (std::size_t i = 0; i < kSimGateways; ++i) {
    Doorbell& bell = gateway_bells_.emplace_back();
    Link link = MakeLink({.command_bytes = 1 << 17, .events = 256}, bell, shard_bell_);
    MissedLink missed = MakeMissedLink(bell, outbox_bell_, 16, 64);
    shard_ends.push_back(std::move(link.shard));
    outbox_ends.push_back(std::move(missed.outbox));
    all.push_back(&gateways_.emplace_back(GatewayLimits(), clock_, std::move(link.gateway), limits_,
                                          std::move(missed.gateway)));
  }
  for (gateway::Gateway* gateway : all) gateway->SetPeers(all);
  TapLink tap = MakeTapLink(shard_bell_, outbox_bell_, 256);
  shard_ = std::make_unique<Shard>(std::move(exchange), *std::move(journal), clock_,
                                   std::move(shard_ends), ShardLimits());
  shard_->Tap(std::move(tap.shard));
  outbox_ = std::make_unique<Outbox>(*std::move(store), clock_, outbox_bell_, std::move(tap.outbox),
                                     std::move(outbox_ends));
  follower_ = std::make_unique<Follower>(
      disk_, FollowerOptions{.folder = kFolder,
                             .identity = kIdentity,
                             .segments_a_snapshot = 3,
                             .before_sequence = recovery->snapshot_sequence + 1,
                             .outbox = outbox_.get(),
                             .keep_ns = options_.journal_keep_ns,
                             .clock = &clock_});
  return absl::OkStatus();
}

void SimDaemon::Connect(std::size_t gateway, int socket, const boost::asio::ip::address& peer) {
  std::next(gateways_.begin(), static_cast<std::ptrdiff_t>(gateway))->Adopt(socket, peer);
}

void SimDaemon::TurnGateway(std::size_t gateway) {
  gateway::Gateway& turned = *std::next(gateways_.begin(), static_cast<std::ptrdiff_t>(gateway));
  for (int turns = 0; turns < 4; ++turns) turned.Turn();
}

void SimDaemon::TurnShard() {
  shard_->Turn();
  status_ = shard_->status();
}

void SimDaemon::TurnOutbox() { outbox_->Turn(); }

void SimDaemon::StepFollower() {
  const auto step = follower_->Follow(go_on);
  if (!step.ok()) {
    if (absl::IsDataLoss(step.status())) status_ = step.status();
    return;
  }
  snapshots_ += step->snapshot ? 1 : 0;
  removed_ += step->removed;
}

void SimDaemon::TurnAll() {
  for (std::size_t i = 0; i < kSimGateways; ++i) TurnGateway(i);
  if (status_.ok()) TurnShard();
  if (status_.ok()) TurnOutbox();
}

void SimDaemon::Stop() {
  for (gateway::Gateway& gateway : gateways_) gateway.RequestStop();
  constexpr int kTurns = 200;
  for (int turns = 0; turns < kTurns && status_.ok(); ++turns) {
    clock_.Pass(50'000'000);
    TurnAll();
  }
  if (status_.ok()) status_ = shard_->Settle();
  for (int turns = 0; turns < kTurns && status_.ok(); ++turns) TurnOutbox();
  if (status_.ok()) outbox_->Settle();
}

}  // namespace engine
