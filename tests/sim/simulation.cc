#include "tests/sim/simulation.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/act.h"
#include "engine/journal/format.h"
#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

boost::asio::ip::address AddressOf(CredentialId credential) {
  return boost::asio::ip::address_v4({10, 0, 0, static_cast<unsigned char>(credential)});
}

}  // namespace

Simulation::Simulation(std::uint64_t seed)
    : random_(seed),
      clock_(ExchangeDriver::MinuteNs(1'000'000)),
      disk_(std::make_unique<SimDisk>(seed)),
      desk_{.random = random_, .reference = reference_} {
  // Some worlds remove old segments, and some of those forget old events.
  if (Chance(2)) options_.journal_keep_ns = 15 * kMinuteNs;
  if (Chance(4)) options_.outbox_keep_ns = 4 * kMinuteNs;
  desk_.events_may_be_gone = keeps_little();
  for (std::uint32_t id = 1; id <= kControllers; ++id) {
    controllers_.emplace_back(desk_, CredentialId{id});
  }
  Init();
}

Simulation::~Simulation() = default;

void Simulation::Fault(const std::string& what) {
  if (desk_.fault.empty()) desk_.fault = what;
}

// What is on disk.

void Simulation::OnDurable(CommandView record) {
  const std::uint64_t sequence = record.header().sequence;
  const std::uint64_t checksum = Checksum(record.bytes(), 0);
  if (sequence <= records_.size()) {
    if (records_[sequence - 1] == checksum) return;
    return Fault(absl::StrCat("record ", sequence, " has changed"));
  }
  if (sequence != records_.size() + 1) return Fault(absl::StrCat("record ", sequence, " skips"));
  records_.push_back(checksum);
  seen_.untold += starting_ ? 1 : 0;
  CheckRecord(record);
  reference_.Apply(record);
  if (!reference_.fault().empty()) Fault(reference_.fault());
}

// Nothing is on disk in a client's name that it has not sent, or in an operator's that it has not
// asked for.
void Simulation::CheckRecord(CommandView record) {
  const CommandHeader& header = record.header();
  if (header.type == CommandType::kAct) return CheckAct(record);
  const bool is_disconnect = header.type == CommandType::kDisconnect;
  if (!IsFromClient(header.type) && !is_disconnect) return;
  const auto from =
      std::find_if(controllers_.begin(), controllers_.end(),
                   [&](const SimController& one) { return one.credential() == header.credential; });
  if (from != controllers_.end() && is_disconnect) return from->OrdersLeave();
  if (from == controllers_.end() || !from->HasSent(record)) {
    Fault(absl::StrCat("record ", header.sequence, " is what nobody sent"));
  }
}

// One step.

bool Simulation::Step() {
  ++steps_;
  StepOnce();
  RemoveEnded();
  return fault().empty();
}

void Simulation::StepOnce() {
  if (daemon_ == nullptr) {
    if (Chance(20)) {
      const auto seconds = static_cast<std::int64_t>(random_.Below(120));
      return clock_.Pass(seconds * 1'000 * kMillisecondNs);
    }
    if (Chance(8)) return Configure();
    return Chance(4) ? StartDaemon() : MoveSomething();
  }
  if (!daemon_->status().ok()) {
    if (!was_broken_ || absl::IsDataLoss(daemon_->status())) Fault(daemon_->status().ToString());
    ++seen_.disk_failures;
    return Crash();
  }
  const std::uint64_t choice = random_.Below(1'000);
  if (choice < 250) return MoveSomething();
  if (choice < 450) return TurnGateway(random_.Below(kSimGateways));
  if (choice < 600) return TurnShard();
  if (choice < 680) return daemon_->TurnOutbox();
  if (choice < 690) return daemon_->StepFollower();
  if (choice < 985) return choice < 900 ? LetSomebodyAct() : PassTime();
  Disturb();
}

void Simulation::LetSomebodyAct() {
  SimController& controller =
      *std::next(controllers_.begin(), static_cast<std::ptrdiff_t>(random_.Below(kControllers)));
  const bool again = controller.connected() && Chance(80);
  if (!controller.connected() || again) {
    seen_.takeovers += again ? 1 : 0;
    return Connect(controller);
  }
  controller.Act(clock_.NowNs());
}

void Simulation::PassTime() {
  const std::uint64_t choice = random_.Below(100);
  if (choice == 99) return PassToTheEdge();
  const std::int64_t most_ms = choice < 80 ? 20 : choice < 97 ? 3'000 : 40'000;
  clock_.Pass(static_cast<std::int64_t>(random_.Below(static_cast<std::uint64_t>(most_ms))) *
              kMillisecondNs);
}

// Gates are at whole half minutes: just before one, at it, or just behind it.
void Simulation::PassToTheEdge() {
  const std::int64_t now_ns = clock_.NowNs();
  const std::int64_t edge_ns = (now_ns / (kMinuteNs / 2) + 1) * (kMinuteNs / 2);
  clock_.Pass(std::max<std::int64_t>(
      0, edge_ns - now_ns - 1 + static_cast<std::int64_t>(random_.Below(3))));
}

void Simulation::TurnShard() {
  if (!door_.open && Chance(30)) door_.open = true;
  daemon_->TurnShard();
  const Exchange& exchange = daemon_->shard().exchange();
  const bool same = exchange.sequence() == reference_.sequence();
  if (same && exchange.open_orders() != reference_.open_orders()) {
    Fault(absl::StrCat(exchange.open_orders(), " orders are open and not ",
                       reference_.open_orders()));
  }
}

void Simulation::TurnGateway(std::size_t gateway) {
  const std::int64_t stamp_ns = std::max(clock_.NowNs(), daemon_->shard().exchange().time_ns());
  daemon_->TurnGateway(gateway);
  for (Connection& connection : connections_) {
    if (connection.gateway != gateway) continue;
    for (const std::uint64_t seq : connection.wire.TakeArrived()) {
      connection.controller->WasRead(seq, stamp_ns);
    }
  }
}

void Simulation::MoveSomething() {
  if (connections_.empty()) return;
  if (Chance(4)) return MoveAll();
  Connection& connection = *std::next(
      connections_.begin(), static_cast<std::ptrdiff_t>(random_.Below(connections_.size())));
  const std::size_t most = 1 + random_.Below(Chance(4) ? 16 : 4'000);
  if (Chance(2)) return MoveUp(connection, most);
  if (!connection.stalled) MoveDown(connection, most);
}

void Simulation::MoveAll() {
  for (Connection& connection : connections_) {
    MoveUp(connection, std::size_t{1} << 20);
    if (!connection.stalled) MoveDown(connection, std::size_t{1} << 20);
  }
}

void Simulation::MoveUp(Connection& connection, std::size_t most) {
  connection.wire.MoveUp(most);
  connection.wire.ForEachArrived([&](std::uint64_t client_seq) {
    connection.controller->Arrived(client_seq, clock_.NowNs());
  });
}

void Simulation::MoveDown(Connection& connection, std::size_t most) {
  const std::vector<std::byte> bytes = connection.wire.MoveDown(most);
  if (connection.controller->wire() != &connection.wire) return;
  trace_.Add(connection.controller->credential());
  trace_.Add(bytes);
  connection.controller->Hear(bytes);
}

void Simulation::Connect(SimController& controller) {
  Connection& connection = connections_.emplace_back();
  connection.controller = &controller;
  connection.gateway = random_.Below(kSimGateways);
  controller.Connect(connection.wire);
  daemon_->Connect(connection.gateway, connection.wire.daemon_end(),
                   AddressOf(controller.credential()));
}

void Simulation::RemoveEnded() {
  for (auto at = connections_.begin(); at != connections_.end();) {
    if (!at->wire.ended()) {
      ++at;
      continue;
    }
    if (at->controller->wire() == &at->wire) at->controller->Disconnected();
    at = connections_.erase(at);
  }
}

// Trouble.

void Simulation::Disturb() {
  const std::uint64_t choice = random_.Below(60);
  if (choice < 16) {
    door_.open = false;
  } else if (choice < 24 && !connections_.empty()) {
    ++seen_.cuts;
    std::next(connections_.begin(), static_cast<std::ptrdiff_t>(random_.Below(connections_.size())))
        ->wire.Cut();
  } else if (choice < 44 && !connections_.empty()) {
    Connection& connection = *std::next(
        connections_.begin(), static_cast<std::ptrdiff_t>(random_.Below(connections_.size())));
    connection.stalled = Chance(3);
  } else if (choice < 48) {
    Crash();
  } else if (choice < 49) {
    Stop();
  } else if (choice < 52) {
    BreakDisk();
  } else if (choice < 55) {
    StepClock();
  }
}

void Simulation::BreakDisk() {
  if (std::exchange(broken_, !broken_)) return disk_->Heal();
  const std::uint64_t at = disk_->operations() + random_.Below(300);
  const auto kind = static_cast<DiskFault::Kind>(random_.Below(3));
  constexpr std::array<int, 3> kErrors{EIO, ENOSPC, EINTR};
  const int error = kErrors[random_.Below(kErrors.size())];
  was_broken_ = true;
  disk_->SetFault({.kind = kind, .at = at, .error = error});
}

void Simulation::StepClock() {
  ++seen_.clock_steps;
  if (const std::int64_t ahead_ns = std::exchange(wall_ahead_ns_, 0); ahead_ns != 0) {
    return clock_.StepWall(-ahead_ns);
  }
  const std::int64_t most_ms = Chance(3) ? 400'000 : 2'000;
  const auto ms = static_cast<std::int64_t>(random_.Below(static_cast<std::uint64_t>(most_ms)));
  const std::int64_t step_ns = (Chance(2) ? ms : -ms) * kMillisecondNs;
  if (most_ms > 2'000) wall_ahead_ns_ = step_ns;
  clock_.StepWall(step_ns);
}

void Simulation::StartDaemon() {
  const std::uint64_t known = records_.size();
  was_broken_ = broken_;
  starting_ = known > 0;
  daemon_ = std::make_unique<SimDaemon>(*disk_, clock_, door_, options_,
                                        [this](CommandView record) { OnDurable(record); });
  starting_ = false;
  if (!daemon_->status().ok()) return;
  ++seen_.lives;
  const Recovery& recovered = daemon_->recovered();
  seen_.from_snapshots += recovered.snapshot_sequence > 0 ? 1 : 0;
  if (recovered.sequence < known) {
    Fault(
        absl::StrCat("of ", known, " records that were on disk ", recovered.sequence, " are left"));
  }
}

void Simulation::EndDaemon() {
  if (daemon_ == nullptr) return;
  seen_.snapshots += daemon_->snapshots();
  seen_.removed += daemon_->segments_removed();
  daemon_.reset();
  door_.open = true;
}

// The process is gone; its machine goes on, forgets what it had in memory, or loses its power.
void Simulation::Crash() {
  ++seen_.crashes;
  EndDaemon();
  disk_->Heal();
  broken_ = false;
  const std::uint64_t choice = random_.Below(8);
  if (choice == 0) return;
  if (choice == 1) return disk_->DropCaches();
  const PowerCut cut = choice == 2   ? PowerCut::kLosesUnsynced
                       : choice == 3 ? PowerCut::kKeepsUnsynced
                                     : PowerCut::kMixesSectors;
  disk_ = std::make_unique<SimDisk>(*disk_, cut, random_.Next());
}

void Simulation::Stop() {
  ++seen_.stops;
  door_.open = true;
  // What has arrived is read before it stops to read.
  for (std::size_t gateway = 0; gateway < kSimGateways; ++gateway) TurnGateway(gateway);
  daemon_->Stop();
  if (!daemon_->status().ok() && !was_broken_) Fault(daemon_->status().ToString());
  if (daemon_->status().ok()) EndDaemon();
}

}  // namespace engine
