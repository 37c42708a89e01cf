// Which order of a book is a party's newest: a hash table from party index to slot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/core/order_pool.h"

namespace engine {

struct PartyEntry {
  std::uint32_t party = 0;
  Slot newest = kNoSlot;  // kNoSlot: the entry is free.
};

// Blocks of 2^n entries for the tables of all books; blocks given back are used again.
class PartyBlocks {
 public:
  std::unique_ptr<PartyEntry[]> Take(std::uint32_t log2_size);
  void GiveBack(std::unique_ptr<PartyEntry[]> block, std::uint32_t log2_size);
  std::size_t memory_bytes() const { return bytes_; }

 private:
  std::array<std::vector<std::unique_ptr<PartyEntry[]>>, 32> free_;
  std::array<std::uint32_t, 32> made_{};
  std::size_t bytes_ = 0;
};

// Linear probing, at most three quarters full, nothing is ever taken out but all at once.
class PartyTable {
 public:
  // The party's entry; made, with newest == kNoSlot, where there is none. Valid until the next
  // call.
  PartyEntry& FindOrMake(std::uint32_t party, PartyBlocks& blocks);
  // kNoSlot where the party has no order.
  Slot Newest(std::uint32_t party) const;
  // Asks memory for what Newest will read.
  void Prefetch(std::uint32_t party) const {
    if (entries_) __builtin_prefetch(&entries_[PlaceOf(party)]);
  }
  void Clear(PartyBlocks& blocks);  // Gives the memory back.

  // Calls visit(PartyEntry&) for each party with an order, in no order that matters.
  template <typename Visit>
  void ForEach(Visit visit) const {
    const std::size_t size = entries_ ? std::size_t{1} << log2_size_ : 0;
    for (std::size_t i = 0; i < size; ++i) {
      if (entries_[i].newest != kNoSlot) visit(entries_[i]);
    }
  }

 private:
  std::size_t PlaceOf(std::uint32_t party) const {
    return (party * std::uint64_t{0x9E3779B97F4A7C15}) >> (64 - log2_size_);
  }
  PartyEntry& Probe(std::uint32_t party) const;
  void Grow(PartyBlocks& blocks);

  std::unique_ptr<PartyEntry[]> entries_;
  std::uint32_t log2_size_ = 0;
  std::uint32_t used_ = 0;
};

}  // namespace engine
