// MUDA, the multi-unit double auction by halves: each half of the traders trades at the price that
// the other half names.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/clearing/rules.h"
#include "engine/core/clearing/sealed_orders.h"

namespace engine {

// Each party is put into one of two halves with all its orders, by a bit of its lottery number
// (clearing/lottery.h). A half names the middle, rounded down to a tick, of the prices at which its
// own supply meets its own demand, or where nothing crosses in it the middle between its best bid
// and its best ask; with an empty side it names none. In each half those orders trade whose limit
// is at the other half's price or better; where that names none, nobody. The shorter side trades
// whole. Of the longer one, by LongSide:
//   kLottery  parties in the order of their lottery numbers, each with all that it is willing to
//             trade, the better limit first, then the older. All pay, or get, the price.
//   kVickrey  the better limit first, then the older. A party of the longer side pays, or gets,
//             what the others lose by its being there, which is the price or less good for it; the
//             operator keeps the difference.
//
// The price of a half does not depend on what its own orders say, and so no party gains by false
// limits, whatever the lottery does.
//
// Requires: no party could trade with itself.
// Ensures:  buyers pay no more, sellers get no less than their limits, order by order; what buyers
//           pay is what sellers get with kLottery, and with kVickrey no less.
// Cost:     O(orders * log orders + levels between the book's lowest and highest limit); it
//           allocates in proportion.
// Source:   Segal-Halevi, Hassidim, Aumann, "MUDA: a truthful multi-unit double-auction mechanism",
//           AAAI 2018.
ClearedRound ClearMuda(const SealedBook& sealed, ClearingScratch& scratch, RuleEntry::Fills fills);

// The same with numbers from elsewhere, by party as ReadSealed() numbers them.
ClearedRound ClearMudaBy(std::span<const std::uint64_t> numbers, const SealedBook& sealed,
                         ClearingScratch& scratch);

// One half: some parties' orders of the book. Levels are ticks above the market's band.
class HalfMarket {
 public:
  HalfMarket(const SealedBook& sealed, ClearingScratch& scratch)
      : sealed_(sealed), scratch_(scratch) {}

  // In book order. Requires: it outlives this.
  void Add(SealedOrder& order) { orders_.push_back(&order); }

  // The level that it names; kNoLevel where a side is empty.
  std::int64_t Price() const;

  // Trades at a level that was named elsewhere, and writes each order's fill and amount.
  // Requires: the level is between the book's lowest and highest.
  // Ensures:  returns what is bought, and sold.
  std::uint64_t TradeAt(std::int64_t level, std::span<const std::uint64_t> numbers);

 private:
  using Orders = std::vector<SealedOrder*>;

  void FillWhole(const Orders& orders, std::int64_t level) const;
  void FillByLottery(Orders& orders, std::uint64_t energy_wh, std::int64_t level,
                     std::span<const std::uint64_t> numbers) const;
  void FillBest(Orders& orders, std::uint64_t energy_wh, std::int64_t level) const;
  void PayVickrey(Orders& orders, std::uint64_t energy_wh, std::int64_t level) const;
  std::int64_t AmountAt(std::int64_t level, const SealedOrder& order) const;

  const SealedBook& sealed_;
  ClearingScratch& scratch_;
  Orders orders_;
};

}  // namespace engine
