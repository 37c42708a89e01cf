#include "engine/core/clearing/margin.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/sharing.h"
#include "engine/core/clearing/wide.h"

namespace engine {
namespace {

// Calls visit(level, open, filled&) for each order of the side, oldest first.
template <typename Visit>
void ForEachOfSide(const Book& book, BookMemory& memory, Side side, Visit visit) {
  book.ForEachChunk(memory, side, [&](const OrderColumns& orders) {
    for (std::size_t i = 0; i < orders.level.size(); ++i) {
      visit(orders.level[i], orders.open_wh[i], orders.filled_wh[i]);
    }
  });
}

template <typename Visit>
void ForEachAtMargin(const Book& book, BookMemory& memory, const SideMargin& margin, Visit visit) {
  ForEachOfSide(book, memory, margin.side,
                [&](std::uint16_t level, std::uint32_t open, std::uint32_t& filled) {
                  if (level == margin.level) visit(open, filled);
                });
}

// Better orders get all, worse ones nothing, those at the margin what share(open) says.
template <typename ShareOut>
void Allocate(const Book& book, BookMemory& memory, const SideMargin& margin, ShareOut share) {
  ForEachOfSide(book, memory, margin.side,
                [&](std::uint16_t level, std::uint32_t open, std::uint32_t& filled) {
                  filled = IsBetter(margin, level) ? open : 0;
                  if (level == margin.level) filled = share(open);
                });
}

}  // namespace

void AllocateByTime(const Book& book, BookMemory& memory, const SideMargin& margin) {
  std::uint64_t left = margin.energy_wh;
  Allocate(book, memory, margin, [&left](std::uint32_t open) {
    const std::uint64_t share = std::min<std::uint64_t>(open, left);
    left -= share;
    return static_cast<std::uint32_t>(share);
  });
  CHECK(left == 0);
}

void AllocateProRata(const Book& book, BookMemory& memory, const SideMargin& margin) {
  std::uint64_t total = 0;
  ForEachAtMargin(book, memory, margin, [&](std::uint32_t open, std::uint32_t) { total += open; });
  CHECK(margin.energy_wh <= total && total > 0);
  Allocate(book, memory, margin, [](std::uint32_t) { return std::uint32_t{0}; });
  ShareInProportion(
      margin.energy_wh, total, [&](auto visit) { ForEachAtMargin(book, memory, margin, visit); },
      [](std::uint32_t open) { return open; });
}

}  // namespace engine
