// Orders of continuous markets: matched as they arrive, and told at once.
#pragma once

#include <cstdint>

#include "engine/core/event_queue.h"
#include "engine/core/fifo.h"
#include "engine/core/product_table.h"
#include "engine/core/registry.h"
#include "engine/core/state_bytes.h"

namespace engine {

// For a product of another kind of market each call does nothing.
//
// Cost: at most kTradesACommand trades a command; where there are more, the product is matching: it
//       takes no orders until the commands that go on with it are done, and others go on meanwhile.
class Matching {
 public:
  Matching(Registry& registry, ProductTable& products, BookMemory& memory, EventQueue& events)
      : registry_(registry), products_(products), memory_(memory), events_(events) {}

  // The party's newest order was just added to the book, or moved in it.
  void Enter(Product& product, std::uint32_t party, std::uint64_t sequence);
  // So much of an order is not open any more, by its owner's doing.
  void Leave(Product& product, const OrderChunk& chunk, std::uint32_t at, std::uint32_t energy_wh);
  // Requires: the product is matching. Ensures: true when it takes orders again.
  bool Continue(Product& product, std::uint64_t sequence);
  // A product that is matching; null where there is none.
  const Product* next() const { return matching_.empty() ? nullptr : matching_.front(); }
  void Save(StateWriter& out) const;
  void Load(StateReader& in);  // Requires: the products were loaded.

  static constexpr std::uint32_t kTradesACommand = 4'096;  // Four for each order of a full frame.

 private:
  // Ensures: false where the command has made all its trades, and there may be more.
  bool Match(Product& product, std::uint64_t sequence);
  void Tell(const Product& product, const ContinuousTrade& trade, Slot slot,
            std::uint64_t sequence);

  Registry& registry_;
  ProductTable& products_;
  BookMemory& memory_;
  EventQueue& events_;
  std::uint64_t sequence_ = 0;  // The last command that traded,
  std::uint32_t trades_ = 0;    // and how often.
  Fifo<Product*> matching_;     // In the order in which they began.
};

}  // namespace engine
