// One connection of a replay: what it has sent, what it was told, and how long the answers took.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gateway/client/client.h"
#include "tools/peerwatt/network_replay.h"

namespace tools {

// An order as it is to be sent, and when that was due, in steady-clock nanoseconds.
struct DueOrder {
  engine::CommandType type{};
  engine::OrderBody order;
  std::int64_t due_ns = 0;
  bool in_burst = false;  // Shortly before a gate.
};

// What all clients of a replay write into.
struct ReplayTally {
  NetworkReplayResult result;
  std::ostream* acks = nullptr;
  std::uint64_t ready = 0;    // Clients that have logged on at least once.
  std::uint64_t waiting = 0;  // Orders that are not answered yet.
  // Products, and how many clients with an order in them have yet to hear of their last round.
  std::map<engine::ProductId, std::uint64_t> awaited;
  std::int64_t last_answer_ns = 0;
  std::optional<std::int64_t> server_minus_steady_ns;  // Exchange time, from a logon.
  std::int64_t server_at_ns = 0;                       // Steady time of that logon.
  std::string error;                                   // A logon that was refused, say.
};

std::int64_t SteadyNs();

// Thread: the desk's.
class ReplayClient : public gateway::ClientHandler {
 public:
  // Requires: options outlive it.
  ReplayClient(gateway::ClientDesk& desk, const gateway::ClientOptions& client,
               const NetworkReplayOptions& options, engine::CredentialId credential,
               ReplayTally& tally);

  void Start() { client_.Start(); }
  void Stop() { client_.Stop(); }

  // Queues an order and sends what the window has room for.
  void Send(const DueOrder& order);
  // Frames are made of orders of one type that were queued together.
  void Flush();
  bool IsBusy() const { return !queue_.empty() || client_.unanswered() > 0; }
  bool HasRoom() const { return was_ready_ && queue_.empty() && client_.HasRoom(); }

  void OnLogonAnswer(const gateway::LogonAnswerMessage& message) override;
  void OnReady() override;
  void OnDisconnected(std::string_view why, bool again) override;
  void OnUnreachable(std::string_view why, bool again) override;
  void OnAnswer(const gateway::AnswerMessage& message) override;
  void OnRoundCleared(std::uint64_t event, const engine::RoundClearedEvent& round) override;
  void OnRoundVoid(std::uint64_t event, const engine::RoundVoidEvent& round) override;
  void OnPriceCalls(std::span<const engine::PriceCallEvent> calls) override;
  void OnFills(std::uint64_t first_event, std::span<const engine::FillEvent> fills) override;

 private:
  void SendFrame();
  void SendAnswers();
  void AnswerLater(std::vector<engine::QuantityBody> answers);
  void CountQuantities(const gateway::AnswerMessage& message);
  void CountAccepted(const DueOrder& order);
  void CountInBurst(std::int64_t answer_ns, engine::Reason reason);
  void RoundTold(const engine::ProductId& product);

  using OrderName = std::tuple<engine::AccountId, engine::ClientOrderId, std::uint64_t>;

  gateway::ClientDesk& desk_;
  const ReplayPlay& play_;
  gateway::Client client_;
  const std::size_t batch_;
  const engine::CredentialId credential_;
  ReplayTally& tally_;
  bool was_ready_ = false;
  std::deque<DueOrder> queue_;
  absl::flat_hash_map<std::uint64_t, std::vector<DueOrder>> sent_;  // By client_seq.
  absl::flat_hash_map<std::uint64_t, bool> awaited_;                // Rounds, by product.
  // What each accepted order asks for since its last change.
  absl::flat_hash_map<OrderName, std::uint32_t> wanted_wh_;
  absl::flat_hash_map<OrderName, engine::OrderBody> live_bids_;
  std::deque<engine::QuantityBody> answers_;  // Not sent yet.
};

}  // namespace tools
