#include "engine/core/clearing/huang.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/levels.h"
#include "engine/core/clearing/winners.h"

namespace engine {
namespace {

std::uint64_t WinnersEnergy(const Book& book, BookMemory& memory, const SideWinners& winners) {
  std::uint64_t energy_wh = 0;
  ForEachOfSide(book, memory, winners, [&](const OrderColumns& orders, std::size_t i, bool wins) {
    if (wins) energy_wh += orders.open_wh[i];
  });
  return energy_wh;
}

// What the winners keep together when each gives up `cut_wh`, or all that it has.
std::uint64_t KeptAfter(const Book& book, BookMemory& memory, const SideWinners& winners,
                        std::uint32_t cut_wh) {
  std::uint64_t kept_wh = 0;
  ForEachOfSide(book, memory, winners, [&](const OrderColumns& orders, std::size_t i, bool wins) {
    if (wins && orders.open_wh[i] > cut_wh) kept_wh += orders.open_wh[i] - cut_wh;
  });
  return kept_wh;
}

// The smallest whole cut after which the winners keep no more than `energy_wh`.
std::uint32_t FindCut(const Book& book, BookMemory& memory, const SideWinners& winners,
                      std::uint64_t energy_wh) {
  std::uint32_t low = 0;
  std::uint32_t high = UINT32_MAX;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (KeptAfter(book, memory, winners, middle) <= energy_wh) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// The exact cut lies within one watt-hour below the whole one, so whoever has the whole one or more
// stays, with the same remainder as the others.
void CutEqually(const Book& book, BookMemory& memory, const SideWinners& winners,
                std::uint64_t energy_wh) {
  const std::uint32_t cut_wh = FindCut(book, memory, winners, energy_wh);
  std::uint64_t spare_wh = energy_wh - KeptAfter(book, memory, winners, cut_wh);
  ForEachOfSide(book, memory, winners, [&](const OrderColumns& orders, std::size_t i, bool wins) {
    const bool stays = wins && orders.open_wh[i] >= cut_wh;
    orders.filled_wh[i] = stays ? orders.open_wh[i] - cut_wh : 0;
    if (!stays || spare_wh == 0 || cut_wh == 0) return;
    ++orders.filled_wh[i];
    --spare_wh;
  });
  CHECK(spare_wh == 0);
}

}  // namespace

ClearedRound ClearHuang(const SealedBook& sealed, ClearingScratch& scratch,
                        RuleEntry::Fills fills) {
  const auto& [book, memory, market, secret] = sealed;
  const CountedSides sides(book, memory, scratch);
  const Winners winners = FindWinners(book, memory, LoneTrader::kDrop, scratch);
  if (!winners.any) return {};
  const std::uint64_t energy_wh = std::min(WinnersEnergy(book, memory, winners.buyers),
                                           WinnersEnergy(book, memory, winners.sellers));
  if (fills == RuleEntry::Fills::kFill) {
    CutEqually(book, memory, winners.buyers, energy_wh);
    CutEqually(book, memory, winners.sellers, energy_wh);
  }
  return AtPrices(market, energy_wh, winners.highest_price, winners.sellers.level);
}

}  // namespace engine
