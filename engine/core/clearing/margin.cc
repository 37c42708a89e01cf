#include "engine/core/clearing/margin.h"

#include <algorithm>
#include <array>
#include <bit>

#include "engine/core/check.h"

namespace engine {
namespace {

__extension__ using Wide = unsigned __int128;

bool IsBetter(const SideMargin& margin, std::uint16_t level) {
  return margin.side == Side::kBuy ? level > margin.level : level < margin.level;
}

// An order's share: whole watt-hours, and the remainder over `total`.
struct Share {
  std::uint32_t whole_wh = 0;
  std::uint64_t remainder = 0;
};

Share ShareOf(std::uint32_t open_wh, std::uint64_t energy_wh, std::uint64_t total_wh) {
  const Wide product = Wide{open_wh} * energy_wh;
  if (product <= UINT64_MAX) {
    const auto narrow = static_cast<std::uint64_t>(product);
    return {static_cast<std::uint32_t>(narrow / total_wh), narrow % total_wh};
  }
  return {static_cast<std::uint32_t>(product / total_wh),
          static_cast<std::uint64_t>(product % total_wh)};
}

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

// The remainder at or above which an order gets one watt-hour more, when `left` are to be given:
// orders above it always, orders at it the oldest `at_threshold` of them.
struct Threshold {
  std::uint64_t remainder = 0;
  std::uint64_t at_threshold = 0;
};

constexpr int kDigitBits = 12;
using DigitCounts = std::array<std::uint32_t, 1 << kDigitBits>;

// Selects the left-th largest remainder digit by digit, from the highest.
Threshold FindThreshold(const Book& book, BookMemory& memory, const SideMargin& margin,
                        std::uint64_t total_wh, std::uint64_t left) {
  std::uint64_t prefix = 0;
  const int top = static_cast<int>(std::bit_width(total_wh) - 1) / kDigitBits * kDigitBits;
  for (int shift = top; shift >= 0; shift -= kDigitBits) {
    DigitCounts counts{};
    ForEachAtMargin(book, memory, margin, [&](std::uint32_t open, std::uint32_t) {
      const std::uint64_t value = ShareOf(open, margin.energy_wh, total_wh).remainder >> shift;
      if (value >> kDigitBits == prefix) ++counts[value & (counts.size() - 1)];
    });
    std::size_t digit = counts.size() - 1;
    while (counts[digit] < left) left -= counts[digit--];
    prefix = prefix << kDigitBits | digit;
  }
  return {prefix, left};
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
  std::uint64_t left = margin.energy_wh;
  Allocate(book, memory, margin, [&](std::uint32_t open) {
    const std::uint32_t whole = ShareOf(open, margin.energy_wh, total).whole_wh;
    left -= whole;
    return whole;
  });
  if (left == 0) return;
  Threshold threshold = FindThreshold(book, memory, margin, total, left);
  ForEachAtMargin(book, memory, margin, [&](std::uint32_t open, std::uint32_t& filled) {
    const std::uint64_t remainder = ShareOf(open, margin.energy_wh, total).remainder;
    if (remainder < threshold.remainder) return;
    if (remainder == threshold.remainder && threshold.at_threshold == 0) return;
    if (remainder == threshold.remainder) --threshold.at_threshold;
    ++filled;
    --left;
  });
  CHECK(left == 0);
}

}  // namespace engine
