// The round rules that there are, by number, name and version, and what each does.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/core/book.h"
#include "engine/core/clearing/cleared_round.h"
#include "engine/core/clearing/scratch.h"
#include "engine/core/market_definition.h"

namespace engine {

// A book that takes no more orders, and what else decides how it is cleared.
struct SealedBook {
  const Book& book;
  BookMemory& memory;
  const MarketDefinition& market;
  LotteryBytes secret{};  // Zero where the rule has no lottery.
};

// A rule is a pure function of a sealed book.
struct RuleEntry {
  Rule rule{};
  std::uint16_t version = 0;

  // kOnePrice: the same for both sides, and nothing is left over. kPriceASide: the operator keeps
  // the difference. kEachOrder: by order, where the round has amounts.
  enum class Pays : std::uint8_t { kOnePrice, kPriceASide, kEachOrder };
  Pays pays = Pays::kOnePrice;

  bool takes_responses = false;   // Bids may be other than fixed.
  bool one_order_a_side = false;  // Of a party.
  bool one_order = false;         // Of a party, on either side.
  bool continuous = false;        // Orders match as they arrive: see continuous.h.
  bool has_lottery = false;       // The round needs a secret: clearing/lottery.h.
  std::string_view name;          // In files and on command lines.

  // Null with continuous: its orders have traded as they arrived, and its gate clears nothing.
  // Finds the prices. With kFill it writes every order's filled_wh too, and the amounts, where
  // anything trades: the fills of each side add up to energy_wh, none is over what is open. With
  // kLeave filled_wh means nothing afterwards, and there are no amounts.
  enum class Fills : std::uint8_t { kLeave, kFill };
  ClearedRound (*clear)(const SealedBook& sealed, ClearingScratch& scratch, Fills fills) = nullptr;
};

// What a rule does under a version never changes; a change is a new version. The last entry of a
// rule is what new markets get.
std::span<const RuleEntry> Rules();

// Null where there is no such rule.
const RuleEntry* FindRule(std::string_view name);
const RuleEntry* FindRule(Rule rule, std::uint16_t version);
std::string RuleNames();  // "uniform, ...", for help and errors.

// The market's. Requires: IsPossible(market).
const RuleEntry& RuleOf(const MarketDefinition& market);

}  // namespace engine
