// What the exchange has to tell: answers at once, numbered events in order, rounds piece by piece.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/event.h"
#include "engine/core/fifo.h"
#include "engine/core/product.h"
#include "engine/core/registry.h"
#include "engine/core/running_digest.h"

namespace engine {

// Numbered events leave strictly in the order in which they were numbered, whatever is told in
// pieces in between: so a credential's numbers have no gap and no step back.
class EventQueue {
 public:
  EventQueue(Registry& registry, BookMemory& memory, RunningDigest& running)
      : registry_(registry), memory_(memory), running_(running) {}

  // Events that are not numbered; they overtake what is told in pieces.
  void Tell(const Event& event) { immediate_.Push(event); }
  // The answer and its refusals, as they are.
  void TellAnswer(CredentialId credential, std::uint64_t sequence, const AnswerEvent& answer,
                  std::span<const Refusal> refusals);
  // Gives the event the credential's next number.
  void TellNumbered(std::uint32_t credential, Event event);
  // Numbers what a cleared or void round tells each credential with an open order in it (of a
  // continuous market: with any that it had), and queues it. Requires: the book stays as it is
  // until product.drained.
  void TellRound(Product& product, std::uint64_t sequence);

  // What is not numbered, which goes first.
  std::size_t DrainAnswers(std::span<Event> out);
  // The rest.
  std::size_t Drain(std::span<Event> out);
  bool empty() const { return immediate_.empty() && jobs_.empty(); }
  // Numbered events, and rounds, each of them once.
  std::size_t waiting() const { return jobs_.size(); }
  bool has_answers() const { return !immediate_.empty(); }

 private:
  // Either a single numbered event, or a round with how far it has been told.
  struct Job {
    Event event;
    std::uint32_t credential = 0;
    Product* product = nullptr;
    std::uint64_t sequence = 0;
    bool counted = false;
    Side side = Side::kBuy;
    std::uint32_t chunk = kNoChunk;
    std::uint32_t at = 0;
    std::uint32_t fill = 0;  // So many were told.
  };
  // What one credential has in the round being told.
  struct Part {
    std::uint64_t round = 0;  // Sequence of the round that the rest belongs to.
    std::uint32_t orders = 0;
    std::uint32_t fills = 0;
    bool told = false;
  };

  std::size_t DrainRound(Job& job, std::span<Event> out);
  void CountOrder(const Job& job, const OrderChunk& chunk);
  std::size_t TellOrder(Job& job, const OrderChunk& chunk, std::span<Event> out);
  bool Step(Job& job);
  Event Outcome(const Job& job, const Part& part) const;
  Event FillOf(const Job& job, const OrderChunk& chunk) const;

  Registry& registry_;
  BookMemory& memory_;
  RunningDigest& running_;
  Fifo<Event> immediate_;
  Fifo<Job> jobs_;
  std::vector<Part> parts_;              // By credential, of the round being told.
  std::vector<std::uint64_t> numbered_;  // By credential: the last round that gave it a number.
};

}  // namespace engine
