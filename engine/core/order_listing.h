// The answer to "which of my orders are open", told account by account.
#pragma once

#include <cstdint>

#include "engine/core/event_queue.h"
#include "engine/core/fifo.h"
#include "engine/core/product_table.h"
#include "engine/core/registry.h"

namespace engine {

// An order that was open before the question and still is at the answer's end is told; what changes
// while a long answer is being told may be told as it was or as it is.
class OrderListing {
 public:
  OrderListing(Registry& registry, ProductTable& products, BookMemory& memory, EventQueue& events)
      : registry_(registry), products_(products), memory_(memory), events_(events) {}

  void Begin(std::uint32_t credential, const OrderScopeBody& scope, std::uint64_t client_seq);
  bool empty() const { return questions_.empty(); }
  // Tells on with at least one account, until about `budget` events.
  void Continue(std::uint64_t sequence, std::size_t budget);

 private:
  struct Question {
    std::uint32_t credential = 0;
    OrderScopeBody scope;
    std::uint64_t client_seq = 0;
    std::size_t next_account = 0;
    std::uint32_t orders = 0;
  };

  void TellAccount(Question& question, std::uint32_t account, std::uint64_t sequence);

  Registry& registry_;
  ProductTable& products_;
  BookMemory& memory_;
  EventQueue& events_;
  Fifo<Question> questions_;
};

}  // namespace engine
