// The rounds that are being played: their beginning, their answers, their calls and their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/clearing/scratch.h"
#include "engine/core/clearing/stackelberg.h"
#include "engine/core/command.h"
#include "engine/core/event_queue.h"
#include "engine/core/order_entry.h"
#include "engine/core/product_table.h"
#include "engine/core/registry.h"
#include "engine/core/state_bytes.h"

namespace engine {

class Games {
 public:
  Games(Registry& registry, ProductTable& products, BookMemory& memory)
      : registry_(registry), products_(products), memory_(memory) {}

  // Ensures: false where nobody has to be asked; else product.game is there.
  bool Begin(Product& product, const CommandHeader& header, ClearingScratch& scratch);
  // Ends the step. Ensures: false where the game is over: then End() it.
  bool Step(Product& product, const CommandHeader& header, ClearingScratch& scratch);
  // What it came to; product.game is gone.
  StackelbergPrice End(Product& product, ClearingScratch& scratch);
  void Abandon(Product& product);

  Reason Reply(const QuantityBody& answer, const Entry& entry);
  // One game, or all, get time for their controllers to come back or to hear of a late price.
  void Resume(const ResumeBody& body, const CommandHeader& header);

  // Calls that are not answered yet are told in pieces; of a step that is over, no more.
  std::size_t Drain(std::span<Event> out);
  bool Draining() const;
  // Those of one credential once more, for a session that has just begun.
  // Cost: O(accounts of the credential * games).
  void TellAgain(std::uint32_t credential, std::uint64_t sequence, EventQueue& events) const;

  // Which products are played, in the order in which they began, and their games.
  void Save(StateWriter& out) const;
  // Requires: the products were loaded, but for their games.
  void Load(StateReader& in, ClearingScratch& scratch);

  bool any() const { return !playing_.empty(); }
  const GameCounts& counts() const { return counts_; }

 private:
  struct Played {
    Product* product = nullptr;
    std::uint64_t sequence = 0;  // Of the command that announced the price.
    std::size_t next = 0;        // Callee to be told.
  };

  Played& Find(const Product& product);
  void Remove(Product& product);
  void TellAccount(const Product& product, std::uint32_t index, std::uint64_t sequence,
                   EventQueue& events) const;
  void LoadGame(StateReader& in, Product& product, ClearingScratch& scratch);
  Event CallOf(const Product& product, std::size_t callee) const;

  Registry& registry_;
  ProductTable& products_;
  BookMemory& memory_;
  std::vector<Played> playing_;
  GameCounts counts_;
};

}  // namespace engine
