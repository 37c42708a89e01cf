// A round that is played: its prices are announced to winning buyers, who answer what they take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/core/book.h"
#include "engine/core/clearing/price_search.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/clearing/stackelberg.h"
#include "engine/core/market_definition.h"
#include "engine/core/reason.h"
#include "engine/core/state_bytes.h"

namespace engine {

// The callees are the winning buyers with an interactive response. A step announces one price; it
// is over when all who are waited for have answered, or at its deadline. Who has not answered
// counts with its answer at the nearest higher price; where it has none, with that at the nearest
// lower one, since it would take no more; and before its first one with its whole energy. Who was
// silent in two steps is not waited for again, though its answers still count. Declared responses
// are known and not asked for.
//
// The search goes by the rule's schedule. It ends with the schedule, after kGameStepsMax steps,
// when the budget is used up, or when nobody is waited for: what is then cheaper than every price
// that was announced is looked at without asking. In the end all prices are judged once more by the
// answers that there are then, since a later one may say more of a step in which somebody was
// silent. The best is the round's.
//
// Thread: one owner. Requires: the book does not change while it is played.
class Game {
 public:
  struct Callee {
    Slot slot = 0;
    std::uint32_t account = 0;  // Index in the registry.
    std::uint64_t energy_nwh = 0;
    std::uint8_t silences = 0;
    bool answered = false;                                         // In this step.
    std::vector<std::pair<std::uint16_t, std::uint64_t>> answers;  // Level, nWh; dearest first.
  };
  // What every call works on.
  struct Desk {
    const Book& book;
    BookMemory& memory;
    ClearingScratch& scratch;
  };

  // When it begins, and the last moment at which the round can still be cleared.
  struct Time {
    std::int64_t now_ns = 0;
    std::int64_t last_ns = 0;
  };

  // Announces the first price. Requires: sides.winners.any, the rule has a schedule.
  Game(const MarketDefinition& market, const StackelbergSides& sides, Desk desk, Time time);

  std::uint32_t step() const { return step_; }  // From 1.
  std::uint16_t level() const { return level_; }
  std::int64_t deadline_ns() const { return deadline_ns_; }
  bool Waits() const { return waited_for_ > 0; }
  // Whether buyers who hear the price only now have less than three quarters of their wait, though
  // the game would have the time.
  bool IsLate(std::int64_t now_ns) const;

  const std::vector<Callee>& callees() const { return callees_; }
  static constexpr std::size_t kNoCallee = SIZE_MAX;
  std::size_t Find(Slot slot) const;

  // kNone: it counts. Requires: callee < callees().size().
  Reason Answer(std::size_t callee, std::uint32_t step, std::uint64_t demand_nwh);

  // Ends the step and announces the next price. Ensures: false where there is none.
  // Cost: O(buyers of the book + answers of the callees).
  bool Advance(Desk desk, std::int64_t now_ns);

  // The round's price and what trades at it. An answer counts in whole watt-hours, rounded down, so
  // that no fill is over it; each is left in the book for AllocateStackelberg().
  // Requires: Advance() said false. Cost: as Advance(), for each price where anybody was silent.
  StackelbergPrice Conclude(Desk desk);

  // Nobody could answer for a while: the step goes on for a whole wait after `until_ns`, and the
  // game as much longer, while the round can still be cleared.
  void Resume(std::int64_t until_ns);

  bool fell_back() const { return search_.fell_back(); }
  std::uint64_t silences() const { return silences_; }
  // Of a game between two commands; the book, the market and their winners are saved with it.
  void Save(StateWriter& out) const;
  // Requires: it is new, and the book is the one that was saved.
  void Load(StateReader& in);

 private:
  void BeginStep(std::uint16_t level, std::int64_t now_ns);
  void CountSilent();
  static std::uint64_t CountedAt(const Callee& callee, std::uint16_t level);
  Wide DemandAt(Desk desk, std::uint16_t level, std::uint64_t round_to_nwh);
  WideProduct WelfareAt(Desk desk, std::uint16_t level);
  void Judge(std::uint16_t level, const WideProduct& welfare);
  void LookAtTheRest(Desk desk);
  void LoadCallee(StateReader& in, Callee& callee);

  const MarketDefinition& market_;  // Of the product.
  const StackelbergSides sides_;
  PriceSearch search_;
  std::vector<Callee> callees_;                          // In book order.
  std::vector<std::pair<Slot, std::uint32_t>> by_slot_;  // Place in callees_.
  std::uint32_t lead_ = 0;  // Prices above the search that are still to be announced.
  std::uint32_t step_ = 0;
  std::uint16_t level_ = 0;
  std::uint16_t best_ = 0;
  WideProduct best_welfare_;
  bool judged_ = false;          // best_ is one.
  bool nobody_answers_ = false;  // So it ended.
  std::uint32_t waited_for_ = 0;
  std::uint64_t silences_ = 0;
  std::int64_t deadline_ns_ = 0;
  std::int64_t end_ns_ = 0;
  const std::int64_t last_ns_;
};

}  // namespace engine
