// What clearing now would give, told while a round is open, for the markets that want it.
#pragma once

#include <cstdint>

#include "engine/core/clearing/scratch.h"
#include "engine/core/event_queue.h"
#include "engine/core/product_table.h"

namespace engine {

class IndicativePublisher {
 public:
  IndicativePublisher(ProductTable& products, BookMemory& memory, EventQueue& events)
      : products_(products), memory_(memory), events_(events) {}

  // Tells what has become due; nothing for a book with fewer parties on a side than the market
  // wants. Ensures: returns when to call next, which is at once where more are due than one call
  // tells; INT64_MAX: no open product has an interval.
  // Cost: a look at each open product, and a price search for each of at most 16 that are due.
  std::int64_t Publish(std::int64_t now_ns, std::uint64_t sequence, ClearingScratch& scratch);

 private:
  bool HasOpen(const Product& product, std::uint32_t party, Side side) const;
  bool HasEnoughParties(const Product& product) const;
  void Tell(Product& product, std::uint64_t sequence, ClearingScratch& scratch);

  ProductTable& products_;
  BookMemory& memory_;
  EventQueue& events_;
};

}  // namespace engine
