#include "engine/core/party_table.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

constexpr std::uint32_t kSmallestLog2 = 3;

}  // namespace

std::unique_ptr<PartyEntry[]> PartyBlocks::Take(std::uint32_t log2_size) {
  auto& free = free_[log2_size];
  const std::size_t size = std::size_t{1} << log2_size;
  if (free.empty()) {
    bytes_ += size * sizeof(PartyEntry);
    // Giving it back is part of a round's end, which allocates nothing.
    if (++made_[log2_size] > free.capacity()) free.reserve(std::size_t{2} * made_[log2_size]);
    return std::make_unique<PartyEntry[]>(size);
  }
  std::unique_ptr<PartyEntry[]> block = std::move(free.back());
  free.pop_back();
  std::fill_n(block.get(), size, PartyEntry{});
  return block;
}

void PartyBlocks::GiveBack(std::unique_ptr<PartyEntry[]> block, std::uint32_t log2_size) {
  free_[log2_size].push_back(std::move(block));
}

PartyEntry& PartyTable::Probe(std::uint32_t party) const {
  const std::size_t mask = (std::size_t{1} << log2_size_) - 1;
  std::size_t at = PlaceOf(party);
  while (entries_[at].newest != kNoSlot && entries_[at].party != party) at = (at + 1) & mask;
  return entries_[at];
}

void PartyTable::Grow(PartyBlocks& blocks) {
  const std::uint32_t old_log2 = log2_size_;
  std::unique_ptr<PartyEntry[]> old = std::move(entries_);
  log2_size_ = old ? old_log2 + 1 : kSmallestLog2;
  entries_ = blocks.Take(log2_size_);
  if (!old) return;
  for (std::size_t i = 0; i < std::size_t{1} << old_log2; ++i) {
    if (old[i].newest != kNoSlot) Probe(old[i].party) = old[i];
  }
  blocks.GiveBack(std::move(old), old_log2);
}

PartyEntry& PartyTable::FindOrMake(std::uint32_t party, PartyBlocks& blocks) {
  if (!entries_ || used_ >= (std::uint32_t{3} << log2_size_) / 4) Grow(blocks);
  PartyEntry& entry = Probe(party);
  if (entry.newest == kNoSlot) {
    entry.party = party;
    ++used_;
  }
  return entry;
}

Slot PartyTable::Newest(std::uint32_t party) const {
  return entries_ ? Probe(party).newest : kNoSlot;
}

void PartyTable::Clear(PartyBlocks& blocks) {
  if (entries_) blocks.GiveBack(std::move(entries_), log2_size_);
  entries_ = nullptr;
  log2_size_ = 0;
  used_ = 0;
}

}  // namespace engine
