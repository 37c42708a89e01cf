// A controller in the simulation: sends orders, resends what is unanswered, and holds the daemon to
// every word.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/client_codec.h"
#include "tests/sim/reference_exchange.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_wire.h"
#include "tests/support/random_source.h"

namespace engine {

// What all controllers of a simulation share.
struct SimDesk {
  RandomSource& random;
  const ReferenceExchange& reference;
  gateway::RequestBuilder builder{};
  bool events_may_be_gone = false;  // The outbox keeps little.
  std::string fault{};              // The first thing that was told wrong; empty: nothing.
  // Of fills that were heard: bought less sold, and paid less got, by product and round.
  std::map<std::pair<ProductId, std::uint32_t>, std::pair<std::int64_t, std::int64_t>> balance{};
  // What was heard, so that a run that tests nothing is seen.
  std::uint64_t answers = 0;
  std::uint64_t resends_answered = 0;
  std::uint64_t postponed = 0;
  std::uint64_t events = 0;
  std::uint64_t events_again = 0;
  std::uint64_t fills = 0;
  std::uint64_t indicatives = 0;
  std::uint64_t gone = 0;
  std::uint64_t logons = 0;
  std::map<gateway::TerminateReason, std::uint64_t> terminated{};
};

class SimController final : public gateway::MessageHandler {
 public:
  SimController(SimDesk& desk, CredentialId credential) : desk_(desk), credential_(credential) {}

  CredentialId credential() const { return credential_; }
  // Its orders are to leave where it does.
  bool cancels_on_disconnect() const { return static_cast<std::uint32_t>(credential_) % 3 == 0; }
  static std::string TokenOf(CredentialId credential);

  // A connection in place of the one before, which is not closed by it.
  void Connect(SimWire& wire);
  void Disconnected();
  bool connected() const { return wire_ != nullptr; }
  SimWire* wire() const { return wire_; }

  // Does one thing or nothing. `now_ns`: about what time it is.
  void Act(std::int64_t now_ns);
  // The same, but only what brings it to rest: no new order.
  void ComeToRest();
  // All was answered, and all that there is to hear was heard.
  bool AtRest() const;
  std::string WhatItWaitsFor() const;
  // Bytes that the network has brought.
  void Hear(std::span<const std::byte> bytes);
  // The command with this number can be read from now on;
  void Arrived(std::uint64_t client_seq, std::int64_t now_ns);
  // and a gateway has read it, and stamped it so.
  void WasRead(std::uint64_t client_seq, std::int64_t stamp_ns);

  // Asks what is open; the answer is there when it has come, and is then taken.
  void AskOpenOrders();
  std::optional<std::vector<ReferenceExchange::OpenOrder>> TakeOpenOrders();

  // Its orders go because its session is over: none is, then, that goes on.
  void OrdersLeave();
  // The command that it sent under this number: for who finds it in the journal.
  bool HasSent(CommandView command) const;

 private:
  struct Sent {
    gateway::Bytes frame;
    std::vector<std::byte> body;  // Of the command that it becomes.
    CommandType type{};
    bool answered = false;
    std::int64_t first_ns = INT64_MAX;  // When it first arrived, and when
    std::int64_t stamp_ns = INT64_MIN;  // a gateway last read it.
    std::vector<ProductId> products;    // By item.
  };

  void LogOn();
  void SendNew(std::int64_t now_ns);
  template <typename Body>
  Sent Made(CommandType type, const std::vector<Body>& bodies) const;
  void SendOrders(std::int64_t now_ns);
  void SendCancel(std::int64_t now_ns);
  OrderBody RandomOrder(std::int64_t now_ns) const;
  void SendFrame(std::uint64_t client_seq);
  void ResendUnanswered();
  void SendBytes(const gateway::Bytes& bytes);
  void SendGarbage();
  void Fault(const std::string& what);
  void CheckInTime(const Sent& sent, const ReferenceAnswer& answer);
  void HearNumbered(std::uint64_t number, const Event& event);
  void OnPostponed(const gateway::AnswerMessage& message);

  void OnLogonAnswer(const gateway::LogonAnswerMessage& message) override;
  void OnAnswer(const gateway::AnswerMessage& message) override;
  void OnOpenOrders(const gateway::OpenOrdersMessage& message) override;
  void OnRoundCleared(std::uint64_t event, const RoundClearedEvent& round) override;
  void OnFills(std::uint64_t first_event, std::span<const FillEvent> fills) override;
  void OnRoundVoid(std::uint64_t event, const RoundVoidEvent& round) override;
  void OnOrderCancelled(std::uint64_t event, const OrderCancelledEvent& order) override;
  void OnProductOpened(const ProductOpenedEvent& product) override;
  void OnIndicative(const IndicativeEvent& indicative) override;
  void OnTerminate(const gateway::TerminateMessage& message) override;

  SimDesk& desk_;
  const CredentialId credential_;
  SimWire* wire_ = nullptr;
  bool logon_sent_ = false;
  bool ready_ = false;
  bool resend_ = false;  // Something was postponed.
  // Of what it sends on this connection behind it nothing is answered: it is over.
  std::uint64_t over_behind_ = UINT64_MAX;
  gateway::Bytes heard_;
  std::vector<Sent> sent_;      // By client_seq, from 1.
  std::uint64_t answered_ = 0;  // So many from the first on.
  std::uint64_t next_event_ = 1;
  std::uint64_t newest_event_ = 1;                 // Behind all that it ever heard.
  std::map<ProductId, std::int64_t> first_gates_;  // Of products that were told: of their first
  std::map<ProductId, std::int64_t> last_gates_;   // round, and of their last.
  std::map<MarketId, std::int32_t> band_lows_;     // As it was told last.
  std::uint64_t query_ = 0;                        // The last one,
  std::uint64_t queries_before_ = 0;               // and that of the connection before.
  std::vector<ReferenceExchange::OpenOrder> open_orders_;
  std::optional<std::vector<ReferenceExchange::OpenOrder>> open_orders_heard_;
};

}  // namespace engine
