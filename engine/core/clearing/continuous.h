// Continuous trading: an order matches as it arrives, with those that wait, best price and then
// oldest first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/core/book.h"
#include "engine/core/clearing/cleared_round.h"
#include "engine/core/clearing/wide.h"
#include "engine/core/point_totals.h"
#include "engine/core/running_digest.h"
#include "engine/core/state_bytes.h"

namespace engine {

// The open orders of one side by price. An order that left is passed over when its turn comes.
//
// Cost: 16 bytes a level and one bit; each call is O(1), amortised, but for Best(): O(levels / 64).
class PriceQueues {
 public:
  PriceQueues(Side side, std::uint32_t band_levels);

  // The newest of its level.
  void Append(BookMemory& memory, Slot slot);
  // All that are open in the chunk, oldest first.
  void AppendOpen(BookMemory& memory, std::uint32_t chunk);
  // So much is not open any more. Requires: the level has it.
  void Take(std::uint16_t level, std::uint64_t energy_wh);
  void Clear();

  static std::uint64_t Bytes(std::uint32_t band_levels) {
    return band_levels * sizeof(Level) + band_levels / 8 + sizeof(std::uint64_t);
  }

  std::optional<std::uint16_t> Best() const;
  // Requires: the level has energy.
  Slot Oldest(const BookMemory& memory, std::uint16_t level);

 private:
  struct Level {
    Slot oldest = kNoSlot;
    Slot newest = kNoSlot;
    std::uint64_t open_wh = 0;
  };

  // The best level comes first.
  std::size_t PlaceOf(std::uint16_t level) const {
    return side_ == Side::kBuy ? levels_.size() - 1 - level : level;
  }

  const Side side_;
  std::vector<Level> levels_;  // By level.
  std::vector<std::uint64_t> has_energy_;
};

// The newest order took energy from one that waited, at that one's limit.
struct ContinuousTrade {
  Slot taker = kNoSlot;
  Slot maker = kNoSlot;
  std::uint16_t level = 0;
  std::uint32_t energy_wh = 0;
};

// One product's orders by price beside its book, and what they have traded. Both sides cross only
// while the newest order is being matched. A replace that loses its place is a new order here.
//
// Requires: no party could trade with itself.
// Ensures:  a trade is at the limit of the order that waited; a better limit trades before a worse
//           one, and an older order before a newer one of the same limit; buyers pay what sellers
//           get.
// Source:   the price-time priority of exchanges; as a rule for local energy markets:
//           Mengelkamp et al., "Designing microgrid energy markets", Applied Energy 210
//           (2018).
class ContinuousBook {
 public:
  explicit ContinuousBook(std::uint32_t band_levels);
  // What the queues take, beside what the book does.
  static std::uint64_t QueueBytes(std::uint32_t band_levels) {
    return 2 * PriceQueues::Bytes(band_levels);
  }

  // The order was just added to the book, or moved in it.
  // Cost: O(1); O(orders) where the book was compacted since.
  void Enter(const Book& book, BookMemory& memory, Slot slot);
  // An order was withdrawn or reduced by so much.
  void Leave(Side side, std::uint16_t level, std::uint32_t energy_wh);

  // The newest order's next trade, taken from the book; nothing where it has no more.
  std::optional<ContinuousTrade> Match(BookMemory& memory);
  bool HasMatch(const BookMemory& memory) const { return Meets(memory).has_value(); }

  // What was traded of a metering point on a side, where somebody asks for it.
  void CountAtPoint(std::uint32_t metering_point, Side side, std::uint32_t energy_wh) {
    at_points_.Count(metering_point, side, energy_wh);
  }
  std::uint64_t TradedAtPoint(std::uint32_t metering_point, Side side) const {
    return at_points_.At(metering_point, side);
  }

  // What was traded until now, at the mean price, rounded down.
  // The digest is a chain over all trades in their order.
  ClearedRound Round(std::int32_t band_low_ticks) const;
  std::uint32_t trades() const { return trades_; }
  const DigestBytes& digest() const { return chain_.bytes(); }
  // What was traded, and the order that is being matched. The queues are in the book already.
  void Save(const BookMemory& memory, bool matching, StateWriter& out) const;
  struct Terms {
    bool matching = false;
    std::uint64_t metering_points = 0;  // That there are.
  };
  // Requires: it is new, and the book was loaded.
  void Load(StateReader& in, const Book& book, BookMemory& memory, const Terms& terms);

 private:
  void Rebuild(const Book& book, BookMemory& memory);
  // The level at which the newest order meets the other side.
  std::optional<std::uint16_t> Meets(const BookMemory& memory) const;
  void Count(const BookMemory& memory, const ContinuousTrade& trade);
  PriceQueues& Queues(Side side) { return side == Side::kBuy ? bids_ : asks_; }

  PriceQueues bids_;
  PriceQueues asks_;
  std::uint64_t compactions_ = 0;  // Of the book, when the queues were made.
  Slot newest_ = kNoSlot;
  std::uint32_t trades_ = 0;
  std::uint64_t energy_wh_ = 0;
  Wide value_ = 0;  // Energy times level, summed.
  RunningDigest chain_;
  PointTotals at_points_;
};

}  // namespace engine
