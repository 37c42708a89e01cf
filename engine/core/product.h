// One product: a delivery slot of a market that is open for orders, its time table and its book.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/core/book.h"
#include "engine/core/clearing/cleared_round.h"
#include "engine/core/clearing/continuous.h"
#include "engine/core/command.h"
#include "engine/core/event.h"
#include "engine/core/game.h"
#include "engine/core/market_definition.h"
#include "engine/core/point_totals.h"

namespace engine {

inline constexpr std::int64_t kSecondNs = 1'000'000'000;

enum class Phase : std::uint8_t {
  kOver = 0,      // No longer a product; its place may be used again.
  kOpen = 1,      // Takes orders until the gate.
  kClearing = 2,  // Cleared; its events are being handed out.
  kPlaying = 3,   // Past its gate: a game with the buyers finds the price.
  kMatching = 4,  // An order has more trades than its command could make.
};

constexpr std::int64_t StartNs(std::uint32_t start_minute) {
  return std::int64_t{start_minute} * 60 * kSecondNs;
}

// When the round's gate closes. Requires: 1 <= round <= definition.rounds.
constexpr std::int64_t GateNs(const MarketDefinition& definition, std::uint32_t start_minute,
                              std::uint32_t round) {
  return StartNs(start_minute) -
         (std::int64_t{definition.gate_before_s} +
          std::int64_t{definition.rounds - round} * definition.round_interval_s) *
             kSecondNs;
}

struct Product {
  ProductId id;
  std::uint32_t market = 0;     // Index in the registry.
  MarketDefinition definition;  // As it was when the product opened.
  Phase phase = Phase::kOver;
  std::uint32_t round = 1;
  Book book;
  std::uint64_t round_began = 0;  // Sequence of the command that opened the round for orders.
  LotteryBytes lottery_hash{};    // As that command announced it; zero: the rule has no lottery.

  // Whose orders go when the round is finished, or a sweep: those that it had entered before
  // `sequence`.
  struct Leaving {
    std::uint32_t credential = 0;
    std::uint64_t sequence = 0;
  };
  std::vector<Leaving> leaving;  // By credential, each once.

  std::unique_ptr<Game> game;                  // While it is played.
  std::unique_ptr<ContinuousBook> continuous;  // Where orders match as they arrive.

  // What its earlier rounds have traded, where a limit asks; continuous has its own.
  PointTotals traded;

  // Of the round being cleared.
  RoundResult result{};
  ClearedRound cleared;  // As Rounds::Clear left it; its amounts go when the round is finished.
  bool drained = false;

  std::int64_t next_indicative_ns = 0;

  std::int64_t gate_ns() const { return GateNs(definition, id.start_minute, round); }
  // The first moment at which clearing would leave less than the market's notice before delivery.
  std::int64_t void_ns() const {
    return StartNs(id.start_minute) - std::int64_t{definition.min_notice_s} * kSecondNs + 1;
  }
  std::uint64_t TradedAtPoint(std::uint32_t metering_point, Side side) const {
    return continuous != nullptr ? continuous->TradedAtPoint(metering_point, side)
                                 : traded.At(metering_point, side);
  }
  // Where the credential is in `leaving`, or would be.
  std::vector<Leaving>::iterator FindLeaving(std::uint32_t credential) {
    return std::lower_bound(
        leaving.begin(), leaving.end(), credential,
        [](const Leaving& one, std::uint32_t than) { return one.credential < than; });
  }
  // Whether what each order got lies in the book, to be told.
  bool has_fills() const { return result == RoundResult::kTraded && continuous == nullptr; }
  bool is_last_round() const { return round == definition.rounds; }
  bool keeps_orders() const { return definition.carry_over == 1 && !is_last_round(); }
  bool IsFrozen(std::int64_t time_ns) const {
    return time_ns >= gate_ns() - std::int64_t{definition.freeze_s} * kSecondNs;
  }
};

// What the round of an open product is held to. Requires: its rule has a lottery.
inline LotteryEvent DescribeLottery(const Product& product) {
  return {.product = product.id,
          .round = product.round,
          .part = LotteryEvent::Part::kCommitted,
          .bytes = product.lottery_hash};
}

// As it is told to those in its market. Requires: 1 <= round <= definition.rounds.
inline ProductOpenedEvent DescribeProduct(const Product& product, std::uint32_t round) {
  return {.product = product.id,
          .gate_ns = GateNs(product.definition, product.id.start_minute, round),
          .round = round,
          .rounds = product.definition.rounds,
          .slot_minutes = product.definition.slot_minutes,
          .band_low_ticks = product.definition.band_low_ticks,
          .band_levels = product.definition.band_levels};
}

}  // namespace engine
