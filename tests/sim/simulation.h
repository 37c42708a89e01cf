// One seed, one world: controllers, a network, the daemon's threads, its disk and its clocks, all
// stepped in one thread, and a reference exchange that says what should come of it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/digest.h"
#include "tests/sim/reference_exchange.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_controller.h"
#include "tests/sim/sim_daemon.h"
#include "tests/sim/sim_wire.h"
#include "tests/support/random_source.h"
#include "tests/support/sim_disk.h"

namespace engine {

// After every step: each word that was told was due, word for word; each record on disk is what a
// client sent, or due, and the same after each restart; every round comes out as the reference has
// it, with its energy and money conserved.
class Simulation {
 public:
  static constexpr std::uint32_t kControllers = 6;

  // What happened, so that a run that tests nothing is seen.
  struct Seen {
    std::uint64_t lives = 0;
    std::uint64_t crashes = 0;
    std::uint64_t stops = 0;
    std::uint64_t disk_failures = 0;
    std::uint64_t cuts = 0;       // Of connections.
    std::uint64_t takeovers = 0;  // A second connection while there was one.
    std::uint64_t clock_steps = 0;
    std::uint64_t snapshots = 0;
    std::uint64_t from_snapshots = 0;  // Starts.
    std::uint64_t removed = 0;         // Segments.
    std::uint64_t untold = 0;          // Records found after a crash that nobody was told of.
    std::uint64_t acts = 0;            // Of operators, on disk.
    std::uint64_t refused_acts = 0;
  };

  explicit Simulation(std::uint64_t seed);
  ~Simulation();

  // Ensures: false, and fault() says why, where something was not as it should be.
  bool Step();
  // Nothing fails any more, all rounds end, and everybody hears everything.
  bool ComeToRest();

  const std::string& fault() const { return desk_.fault; }
  std::uint64_t steps() const { return steps_; }
  const Seen& seen() const { return seen_; }
  const SimDesk& heard() const { return desk_; }
  const ReferenceExchange& reference() const { return reference_; }
  // Of all that was delivered to controllers: the same seed has the same.
  DigestBytes trace() const { return trace_.Finish(); }

 private:
  struct Connection {
    SimWire wire;
    SimController* controller = nullptr;
    std::size_t gateway = 0;
    bool stalled = false;  // Nothing comes down.
  };

  void Init();
  MarketDefinition RandomMarket(std::uint32_t id);
  void MakeUniform(MarketDefinition& market);
  MeteringPointBody RandomPoint(std::uint64_t id);
  gateway::Definitions RandomChanges();
  bool IsDefined(const gateway::Definitions& wanted) const;
  void Configure();
  void OnDurable(CommandView record);
  void CheckRecord(CommandView record);
  void CheckAct(CommandView record);

  void StepOnce();
  void LetSomebodyAct();
  void PassTime();
  void PassToTheEdge();
  void TurnShard();
  void Disturb();
  void StartDaemon();
  void Crash();
  void EndDaemon();
  void Stop();
  void BreakDisk();
  void StepClock();
  void TurnGateway(std::size_t gateway);
  void MoveSomething();
  void MoveAll();
  void MoveUp(Connection& connection, std::size_t most);
  void MoveDown(Connection& connection, std::size_t most);
  void Connect(SimController& controller);
  void RemoveEnded();
  void StepRest(const SimController* away = nullptr);
  void CheckDisconnect(SimController& controller);
  bool AllAtRest() const;
  void CheckOpenOrders();
  void CheckBalance();
  void Fault(const std::string& what);
  bool keeps_little() const { return options_.outbox_keep_ns < INT64_MAX / 4; }
  bool Chance(std::uint64_t one_in) { return random_.Below(one_in) == 0; }

  RandomSource random_;
  SimClock clock_;
  std::unique_ptr<SimDisk> disk_;
  SimDoor door_;
  SimDaemonOptions options_;
  ReferenceExchange reference_;
  SimDesk desk_;
  std::vector<std::uint64_t> records_;  // Checksums, by sequence from 1.
  bool starting_ = false;
  bool broken_ = false;                 // The disk fails, or is about to;
  bool was_broken_ = false;             // in this life of the daemon.
  std::int64_t wall_ahead_ns_ = 0;      // By a step that is to be taken back.
  std::vector<gateway::Actor> actors_;  // Of all that was ever asked for.
  std::list<SimController> controllers_;
  std::list<Connection> connections_;
  std::unique_ptr<SimDaemon> daemon_;
  Digest trace_;
  std::uint64_t steps_ = 0;
  Seen seen_;
};

}  // namespace engine
