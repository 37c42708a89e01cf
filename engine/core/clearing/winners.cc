#include "engine/core/clearing/winners.h"

#include <algorithm>
#include <span>

#include "engine/core/check.h"

namespace engine {
namespace {

using Energies = Levels<std::uint64_t>;

// One side's walk over the levels that have energy, best first.
class SideWalk {
 public:
  SideWalk(const Energies& energies, Side side, std::uint32_t lowest, std::uint32_t highest)
      : energies_(energies),
        side_(side),
        step_(side == Side::kBuy ? -1 : 1),
        end_(side == Side::kBuy ? std::int64_t{lowest} - 1 : std::int64_t{highest} + 1) {
    level_ = NextFrom(side == Side::kBuy ? std::int64_t{highest} : std::int64_t{lowest});
    if (level_ != end_) cumulated_ = energies_[Index(level_)];
  }

  Side side() const { return side_; }
  bool has_level() const { return level_ != end_; }
  std::int64_t level() const { return level_; }
  std::uint64_t cumulated() const { return cumulated_; }  // This level included.
  std::uint64_t before() const { return cumulated_ - energies_[Index(level_)]; }
  // The next level that has energy; end() where there is none.
  std::int64_t next() const { return NextFrom(level_ + step_); }
  bool has_next() const { return next() != end_; }
  std::int64_t end() const { return end_; }
  void Go(std::int64_t level) {
    level_ = level;
    cumulated_ += energies_[Index(level)];
  }

 private:
  static std::size_t Index(std::int64_t level) { return static_cast<std::size_t>(level); }
  std::int64_t NextFrom(std::int64_t level) const {
    while (level != end_ && energies_[Index(level)] == 0) level += step_;
    return level;
  }

  const Energies& energies_;
  const Side side_;
  const std::int64_t step_;
  const std::int64_t end_;
  std::int64_t level_ = 0;
  std::uint64_t cumulated_ = 0;
};

// Walks until the side that has to go on cannot, or does not cross. Limits are the same within a
// level, so the walk by orders stops where it stops by levels.
void WalkLevels(SideWalk& bids, SideWalk& asks) {
  for (;;) {
    const bool bids_go = bids.cumulated() <= asks.cumulated();
    const bool asks_go = asks.cumulated() <= bids.cumulated();
    const std::int64_t bid = bids_go ? bids.next() : bids.end();
    const std::int64_t ask = asks_go ? asks.next() : asks.end();
    const bool has_bid = bid != bids.end();
    const bool has_ask = ask != asks.end();
    if (!has_bid && !has_ask) return;
    if (bids_go != asks_go && (bids_go ? !has_bid : !has_ask)) return;
    if ((has_bid ? bid : bids.level()) <= (has_ask ? ask : asks.level())) return;
    if (has_bid) bids.Go(bid);
    if (has_ask) asks.Go(ask);
  }
}

// The order of the walk's level at which the energy of the side, counted in priority, reaches `at`.
struct OrderAt {
  std::uint32_t place = 0;       // Among those with energy open at the level, from 0.
  std::uint32_t of = 0;          // So many there are.
  std::uint64_t before_wh = 0;   // Counted up to it,
  std::uint64_t reached_wh = 0;  // and with it.
};

// A loop that compilers turn into a few wide comparisons: most chunks have no order at the level.
bool HasLevel(std::span<const std::uint16_t> levels, std::uint16_t level) {
  unsigned found = 0;
  for (const std::uint16_t one : levels) found |= one == level ? 1U : 0U;
  return found != 0;
}

OrderAt FindOrder(const Book& book, BookMemory& memory, const SideWalk& walk, std::uint64_t at) {
  OrderAt found;
  const auto level = static_cast<std::uint16_t>(walk.level());
  std::uint64_t counted = walk.before();
  bool reached = false;
  book.ForEachChunk(memory, walk.side(), [&](const OrderColumns& orders) {
    if (!HasLevel(orders.level, level)) return;
    for (std::size_t i = 0; i < orders.level.size(); ++i) {
      if (orders.level[i] != level || orders.open_wh[i] == 0) continue;
      const std::uint64_t before = counted;
      counted += orders.open_wh[i];
      const std::uint32_t place = found.of++;
      if (reached) continue;
      found.place = place;
      found.before_wh = before;
      found.reached_wh = counted;
      reached = counted >= at;
    }
  });
  CHECK(reached);
  return found;
}

// Those better than the walk's level, and those at it before the order, or with it.
SideWinners WinnersUpTo(const SideWalk& walk, const OrderAt& order, bool with) {
  return {.side = walk.side(),
          .level = static_cast<std::uint16_t>(walk.level()),
          .at_level = order.place + (with ? 1 : 0),
          .at_level_wh = (with ? order.reached_wh : order.before_wh) - walk.before()};
}

}  // namespace

Winners FindWinners(const Book& book, BookMemory& memory, LoneTrader lone_trader,
                    const ClearingScratch& scratch) {
  Winners winners;
  if (book.slots() == 0) return winners;
  SideWalk bids(scratch.demand_wh, Side::kBuy, book.lowest_level(), book.highest_level());
  SideWalk asks(scratch.supply_wh, Side::kSell, book.lowest_level(), book.highest_level());
  if (!bids.has_level() || !asks.has_level() || bids.level() < asks.level()) return winners;

  const bool touches = bids.level() == asks.level();
  if (!touches) WalkLevels(bids, asks);
  // Where the best limits are equal, nobody goes on: the first orders are the crossing.
  const std::uint64_t stop = touches ? std::min(FindOrder(book, memory, bids, 1).reached_wh,
                                                FindOrder(book, memory, asks, 1).reached_wh)
                                     : std::min(bids.cumulated(), asks.cumulated());
  const OrderAt bid = FindOrder(book, memory, bids, stop);
  const OrderAt ask = FindOrder(book, memory, asks, stop);
  // Where both end here and one side has run out, the other still goes on by one if it crosses.
  const bool both_end = !touches && bid.reached_wh == ask.reached_wh;
  const bool more_bids = bid.place + 1 < bid.of;
  const bool more_asks = ask.place + 1 < ask.of;
  const bool bids_go_on = both_end && more_bids && !more_asks && !asks.has_next();
  const bool asks_go_on = both_end && more_asks && !more_bids && !bids.has_next();

  const bool lone_buyer = bids.before() == 0 && bid.place == 0 && !bids_go_on;
  const bool lone_seller = asks.before() == 0 && ask.place == 0 && !asks_go_on;
  winners.any = !((lone_buyer || lone_seller) && lone_trader == LoneTrader::kDrop);
  winners.buyers = WinnersUpTo(bids, bid, bids_go_on || lone_buyer);
  winners.sellers = WinnersUpTo(asks, ask, asks_go_on || lone_seller);
  winners.highest_price = winners.buyers.level;
  winners.lowest_price = winners.sellers.level;
  if (winners.sellers.at_level == 0) {
    std::uint32_t level = winners.sellers.level;
    while (scratch.supply_wh[--level] == 0) {
    }
    winners.lowest_price = static_cast<std::uint16_t>(level);
  }
  return winners;
}

}  // namespace engine
