// How a simulation ends: nothing fails any more, and everything has to be as it should.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/sim/simulation.h"

namespace engine {

bool Simulation::AllAtRest() const {
  return std::all_of(controllers_.begin(), controllers_.end(),
                     [](const SimController& one) { return one.AtRest(); });
}

// Everything moves, nothing fails.
void Simulation::StepRest(const SimController* away) {
  for (SimController& controller : controllers_) {
    if (&controller == away) continue;
    if (!controller.connected()) Connect(controller);
    controller.ComeToRest();
  }
  for (Connection& connection : connections_) MoveUp(connection, std::size_t{1} << 20);
  for (std::size_t gateway = 0; gateway < kSimGateways; ++gateway) TurnGateway(gateway);
  for (int turns = 0; turns < 16 && daemon_->status().ok(); ++turns) {
    TurnShard();
    daemon_->TurnOutbox();
  }
  for (std::size_t gateway = 0; gateway < kSimGateways; ++gateway) TurnGateway(gateway);
  for (Connection& connection : connections_) MoveDown(connection, std::size_t{1} << 20);
  if (steps_++ % 16 == 0) daemon_->StepFollower();
  if (!daemon_->status().ok()) Fault(daemon_->status().ToString());
  RemoveEnded();
}

bool Simulation::ComeToRest() {
  constexpr int kStepsMax = 4'000;
  // Often anew: the clock may be held, and an outbox that could not be written, but for a full
  // disk, keeps nothing more before a start. Else sessions go on as they are, once there is space.
  door_.open = true;
  for (Connection& connection : connections_) connection.stalled = false;
  disk_->Heal();
  const bool must_start = daemon_ != nullptr && (!daemon_->status().ok() || wall_ahead_ns_ != 0 ||
                                                 daemon_->outbox().gone_bad());
  if (daemon_ != nullptr && (must_start || Chance(2))) Crash();
  if (daemon_ == nullptr) StartDaemon();
  if (!daemon_->status().ok()) Fault(daemon_->status().ToString());
  const auto come = [this] {
    for (int i = 0; i < kStepsMax && fault().empty() && !AllAtRest(); ++i) {
      StepRest();
      clock_.Pass(100 * kMillisecondNs);
    }
    for (const SimController& controller : controllers_) {
      if (!controller.AtRest()) Fault(controller.WhatItWaitsFor());
    }
  };
  if (fault().empty()) come();
  if (fault().empty()) CheckOpenOrders();
  for (SimController& controller : controllers_) {
    if (fault().empty() && controller.cancels_on_disconnect()) CheckDisconnect(controller);
  }
  // Until every round that anybody has an order in is over.
  for (int i = 0; i < kStepsMax && fault().empty() && reference_.open_orders() > 0; ++i) {
    StepRest();
    clock_.Pass(5'000 * kMillisecondNs);
  }
  if (fault().empty() && reference_.open_orders() > 0) Fault("rounds that do not end");
  if (fault().empty()) come();
  if (fault().empty()) CheckBalance();
  EndDaemon();
  return fault().empty();
}

void Simulation::CheckOpenOrders() {
  clock_.Pass(5'000 * kMillisecondNs);  // So that nobody is throttled.
  for (int i = 0; i < 40 && fault().empty(); ++i) StepRest();
  for (SimController& controller : controllers_) {
    controller.TakeOpenOrders();
    controller.AskOpenOrders();
  }
  for (int i = 0; i < 40 && fault().empty(); ++i) StepRest();
  for (SimController& controller : controllers_) {
    const auto open = controller.TakeOpenOrders();
    const auto due = reference_.OpenOrders(controller.credential());
    if (open && *open == due) continue;
    Fault(absl::StrCat("credential ", static_cast<std::uint32_t>(controller.credential()),
                       " hears ", open ? absl::StrCat("of ", open->size()) : "nothing of its",
                       " open orders: ", "it has ", due.size()));
  }
}

// It goes, and nobody takes over.
void Simulation::CheckDisconnect(SimController& controller) {
  for (Connection& connection : connections_) {
    if (connection.controller == &controller) connection.wire.Cut();
  }
  RemoveEnded();
  for (int i = 0; i < 20 && fault().empty(); ++i) StepRest(&controller);
  const std::int64_t now_ns = std::max(clock_.NowNs(), daemon_->shard().exchange().time_ns());
  if (fault().empty() && reference_.MayLeave(controller.credential(), now_ns)) {
    Fault(absl::StrCat("the orders of ", static_cast<std::uint32_t>(controller.credential()),
                       " stay, though it has gone"));
  }
}

void Simulation::CheckBalance() {
  if (desk_.gone > 0) return;  // Of rounds that were not heard whole nothing can be said.
  for (const auto& [round, balance] : desk_.balance) {
    if (balance.first != 0 || balance.second != 0) {
      Fault(absl::StrCat("the fills of product ", round.first.start_minute, " round ", round.second,
                         " do not balance: ", balance.first, " Wh, ", balance.second, " units"));
    }
  }
}

}  // namespace engine
