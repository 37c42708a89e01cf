#include "engine/core/clearing/margin.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/column_scan.h"
#include "engine/core/clearing/sharing.h"
#include "engine/core/clearing/wide.h"

namespace engine {
namespace {

// Calls visit(open, filled&) for each order at the margin, oldest first.
template <typename Visit>
void ForEachAtMargin(const Book& book, BookMemory& memory, const SideMargin& margin, Visit visit) {
  book.ForEachChunk(memory, margin.side, [&](const OrderColumns& orders) {
    if (!HasLevel(orders.level, margin.level)) return;
    for (std::size_t i = 0; i < orders.level.size(); ++i) {
      if (orders.level[i] == margin.level) visit(orders.open_wh[i], orders.filled_wh[i]);
    }
  });
}

// Better orders get all, the others nothing.
void FillTheBetter(const Book& book, BookMemory& memory, const SideMargin& margin) {
  const auto fill = margin.side == Side::kBuy ? FillAbove : FillBelow;
  book.ForEachChunk(memory, margin.side, [&](const OrderColumns& orders) {
    fill(orders.level, margin.level, orders.open_wh, orders.filled_wh);
  });
}

}  // namespace

void AllocateByTime(const Book& book, BookMemory& memory, const SideMargin& margin) {
  FillTheBetter(book, memory, margin);
  std::uint64_t left = margin.energy_wh;
  ForEachAtMargin(book, memory, margin, [&left](std::uint32_t open, std::uint32_t& filled) {
    filled = static_cast<std::uint32_t>(std::min<std::uint64_t>(open, left));
    left -= filled;
  });
  CHECK(left == 0);
}

void AllocateProRata(const Book& book, BookMemory& memory, const SideMargin& margin) {
  FillTheBetter(book, memory, margin);
  std::uint64_t total = 0;
  ForEachAtMargin(book, memory, margin, [&](std::uint32_t open, std::uint32_t) { total += open; });
  CHECK(margin.energy_wh <= total && total > 0);
  ShareInProportion(
      margin.energy_wh, total, [&](auto visit) { ForEachAtMargin(book, memory, margin, visit); },
      [](std::uint32_t open) { return open; });
}

}  // namespace engine
