#include "tests/sim/simulation.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/journal/format.h"
#include "gateway/token.h"
#include "tests/support/exchange_driver.h"

namespace engine {
namespace {

constexpr std::uint32_t kDevices = 4;
constexpr std::uint32_t kCredentials = 6;  // The others are aggregators.

// Accounts 1 to 11: those of the credentials, one after the other.
std::vector<SimAccount> AccountsOf(std::uint32_t credential) {
  switch (credential) {
    case 1:
    case 2:
      return {{AccountId{credential}, MarketId{1}}};
    case 3:
      return {{AccountId{3}, MarketId{2}}};
    case 4:
      return {{AccountId{4}, MarketId{1}}, {AccountId{5}, MarketId{2}}};
    case 5:
      return {
          {AccountId{6}, MarketId{1}}, {AccountId{7}, MarketId{2}}, {AccountId{8}, MarketId{1}}};
    default:
      return {
          {AccountId{9}, MarketId{2}}, {AccountId{10}, MarketId{1}}, {AccountId{11}, MarketId{2}}};
  }
}

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
  for (std::uint32_t id = 1; id <= kCredentials; ++id) {
    controllers_.emplace_back(desk_, CredentialId{id}, AccountsOf(id));
  }
  Init();
}

Simulation::~Simulation() = default;

void Simulation::Fault(const std::string& what) {
  if (desk_.fault.empty()) desk_.fault = what;
}

// The beginning.

MarketDefinition Simulation::RandomMarket(std::uint32_t id, std::uint32_t rounds) {
  MarketDefinition market = SmallMarket();
  market.id = MarketId{id};
  market.slot_minutes = 5;
  market.open_before_s = 1'500;
  market.gate_before_s = 60;
  market.min_notice_s = 20;
  market.rounds = rounds;
  market.round_interval_s = 90;
  market.carry_over = Chance(2) ? 1 : 0;
  market.freeze_s = Chance(2) ? 10 : 0;
  market.indicative_interval_s = 2;
  market.indicative_min_parties = 2;
  market.indicative_step_ticks = 2;
  market.indicative_step_wh = 10;
  market.order_max_wh = 500;
  market.party_orders_max = 30;
  market.rule.self_trade = Chance(2) ? SelfTrade::kRefuse : SelfTrade::kCancelOlder;
  if (Chance(3)) {
    market.rule.rule = Rule::kContinuous;
    market.rounds = 1;
    market.indicative_interval_s = 0;
    return market;
  }
  market.rule.margin = Chance(2) ? Margin::kProRata : Margin::kTime;
  market.rule.k_numerator = static_cast<std::uint32_t>(random_.Below(4));
  market.rule.k_denominator = 3;
  return market;
}

void Simulation::Init() {
  ExchangeDriver driver(10'000);
  driver.now_ns = clock_.NowNs();
  driver.AddMarket(RandomMarket(1, 2));
  driver.AddMarket(RandomMarket(2, 1));
  for (std::uint32_t id = 1; id <= kCredentials; ++id) {
    driver.Apply(CommandType::kDefineCredential,
                 CredentialBody{
                     .id = CredentialId{id},
                     .kind = id <= kDevices ? CredentialKind::kDevice : CredentialKind::kAggregator,
                     .token_hash = gateway::HashToken(SimController::TokenOf(CredentialId{id}))});
  }
  for (std::uint64_t point = 1; point <= 7; ++point) {
    const std::uint32_t limit_w = Chance(2) ? 12'000 : 0;
    driver.Apply(CommandType::kDefineMeteringPoint,
                 MeteringPointBody{.id = MeteringPointId{point},
                                   .import_limit_w = limit_w,
                                   .export_limit_w = limit_w / 2});
  }
  for (std::uint32_t id = 1; id <= kCredentials; ++id) {
    for (const SimAccount& account : AccountsOf(id)) {
      const auto number = static_cast<std::uint64_t>(account.id);
      const std::uint64_t point = 1 + number % 7;
      driver.Apply(CommandType::kDefineAccount,
                   AccountBody{.id = account.id,
                               .party = PartyId{1 + number % 5},
                               .metering_point = MeteringPointId{point},
                               .market = account.market,
                               .credential = CredentialId{id}});
    }
  }
  const absl::Status made = SimDaemon::Init(*disk_, [&driver](Journal& journal) {
    for (const OwnedCommand& command : driver.journal) journal.Append(command.view());
  });
  if (!made.ok()) Fault(made.ToString());
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

// Nothing is on disk in a client's name that it has not sent.
void Simulation::CheckRecord(CommandView record) {
  const CommandHeader& header = record.header();
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
      *std::next(controllers_.begin(), static_cast<std::ptrdiff_t>(random_.Below(kCredentials)));
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
