// Answers to "which of my orders are open" and "which products are open", told piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/event.h"
#include "engine/core/fifo.h"
#include "engine/core/product_table.h"
#include "engine/core/registry.h"

namespace engine {

// What was open before the question and still is at the answer's end is told; what changes while a
// long answer is being told may be told as it was or as it is.
class Listing {
 public:
  Listing(Registry& registry, ProductTable& products, BookMemory& memory)
      : registry_(registry), products_(products), memory_(memory) {}

  enum class Reach : std::uint8_t { kOwn, kAll };

  // `question`: kListOpenOrders or kListProducts; its client_seq comes back in the answer's end.
  // `reach`: whether only of the credential's accounts and markets, or of all that are in the
  // scope.
  // Ensures: false where the credential's last question is not answered yet.
  bool Begin(std::uint32_t credential, const CommandHeader& question, const OrderScopeBody& scope,
             Reach reach);
  bool empty() const { return questions_.empty(); }

  // Moves the next events out. Cost: O(out.size()) and the orders of one party or the products of
  // one market.
  std::size_t Drain(std::uint64_t sequence, std::span<Event> out);

 private:
  struct Question {
    std::uint32_t credential = 0;
    CommandType type{};
    OrderScopeBody scope;
    std::uint64_t query = 0;
    Reach reach{};
    std::size_t next = 0;        // Place in the credential's accounts or markets, or in all.
    std::size_t end = SIZE_MAX;  // Behind the last place.
    std::uint32_t told = 0;
    std::vector<bool> told_parties{};  // In a look into a market: those whose orders are told.
    bool begun = false;
    bool ended = false;
  };

  static bool IsLook(const Question& question) {
    return question.type == CommandType::kListOpenOrders && question.reach == Reach::kAll;
  }
  bool Step(Question& question);
  static bool FirstOf(Question& question, std::uint32_t party);
  void ListAccount(Question& question, std::uint32_t account);
  void ListMarket(Question& question, std::uint32_t market);
  void BeginLook(const Question& question);
  void End(Question& question);
  void Push(const Question& question, Event event);

  Registry& registry_;
  ProductTable& products_;
  BookMemory& memory_;
  Fifo<Question> questions_;
  Fifo<Event> ready_;
};

}  // namespace engine
