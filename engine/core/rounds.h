// A product's life: it opens, its rounds are cleared and told, and it ends.
#pragma once

#include <memory>
#include <optional>

#include "engine/core/clearing/scratch.h"
#include "engine/core/command.h"
#include "engine/core/digest.h"
#include "engine/core/event_queue.h"
#include "engine/core/fifo.h"
#include "engine/core/games.h"
#include "engine/core/order_entry.h"
#include "engine/core/product_table.h"
#include "engine/core/state_bytes.h"

namespace engine {

// Each command returns false, with nothing changed, where it does not fit the state.
class Rounds {
 public:
  Rounds(Registry& registry, ProductTable& products, BookMemory& memory, EventQueue& events,
         OrderEntry& entry, Games& games);

  bool Open(const ProductBody& body, const CommandHeader& header);
  // Clears the book, begins to play for the price where buyers have to be asked, or voids the round
  // where it is too late for delivery.
  // Cost: O(orders of the book + levels between its lowest and highest limit).
  bool Close(const ProductBody& body, const CommandHeader& header);
  // Goes on with a game whose step is over; the last one clears the book.
  bool StepGame(const ProductBody& body, const CommandHeader& header);
  // Goes on with an order that matches more others than one command does.
  bool ContinueMatching(const ProductBody& body, const CommandHeader& header);
  // Requires: every event of the round was handed out.
  bool Finish(const ProductBody& body, const CommandHeader& header);
  // Whether `outcome` is what the last Close or StepGame came to.
  bool Confirm(const OutcomeBody& outcome);

  std::optional<OutcomeBody> TakeOutcome();
  // A product whose round has been told and waits for Finish; null where there is none.
  const Product* next_to_finish() const;
  ClearingScratch& scratch() { return *scratch_; }
  void Save(StateWriter& out) const;
  // Requires: the products were loaded, and all was told when they were saved.
  void Load(StateReader& in);

 private:
  Product* Find(const ProductBody& body);
  void Begin(Product& product, const ProductBody& body, std::uint64_t sequence);
  void Total(Product& product);
  void Clear(Product& product, const LotteryBytes& secret);
  void ClearPlayed(Product& product);
  void Trade(Product& product);
  void Conclude(Product& product, std::uint64_t sequence);
  DigestBytes Account(const Product& product, std::uint32_t& fills);
  void CountAtPoints(Product& product);
  void WithdrawAll(Product& product);
  void TellOpened(const Product& product, std::uint64_t sequence);
  void Reveal(const Product& product, const LotteryBytes& secret, std::uint64_t sequence);

  Registry& registry_;
  ProductTable& products_;
  BookMemory& memory_;
  EventQueue& events_;
  OrderEntry& entry_;
  Games& games_;
  std::unique_ptr<ClearingScratch> scratch_;
  Digest fills_digest_;
  Fifo<Product*> clearing_;  // In the order of their Close.
  OutcomeBody outcome_;
  bool has_outcome_ = false;     // Not yet taken.
  bool awaits_outcome_ = false;  // Not yet confirmed.
};

}  // namespace engine
