#include "engine/core/clearing/rules.h"

#include "engine/core/check.h"
#include "engine/core/clearing/huang.h"
#include "engine/core/clearing/mcafee.h"
#include "engine/core/clearing/muda.h"
#include "engine/core/clearing/one_to_many.h"
#include "engine/core/clearing/pay_as_bid.h"
#include "engine/core/clearing/sbba.h"
#include "engine/core/clearing/stackelberg.h"
#include "engine/core/clearing/trade_reduction.h"
#include "engine/core/clearing/uniform_price.h"
#include "engine/core/clearing/vcg.h"
#include "engine/core/clearing/welfare.h"

namespace engine {
namespace {

using Fills = RuleEntry::Fills;
using Pays = RuleEntry::Pays;

ClearedRound ClearUniform(const SealedBook& sealed, ClearingScratch& scratch, Fills fills) {
  const auto& [book, memory, market, secret] = sealed;
  const UniformPrice price = FindUniformPrice(book, memory, market.rule, scratch);
  if (price.energy_wh > 0 && fills == Fills::kFill) {
    AllocateUniformPrice(book, memory, market.rule, price);
  }
  return AtOnePrice(market, price.energy_wh, price.level);
}

ClearedRound ClearWelfare(const SealedBook& sealed, ClearingScratch& scratch, Fills fills) {
  const auto& [book, memory, market, secret] = sealed;
  const WelfarePrice price = FindWelfarePrice(book, memory, market, scratch);
  if (price.energy_wh > 0 && fills == Fills::kFill) AllocateWelfare(book, memory, market, price);
  return AtOnePrice(market, price.energy_wh, price.level);
}

ClearedRound ClearStackelberg(const SealedBook& sealed, ClearingScratch& scratch, Fills fills) {
  const auto& [book, memory, market, secret] = sealed;
  if (market.rule.objective == Objective::kWelfare) {
    return ClearWelfare(sealed, scratch, fills);
  }
  const StackelbergPrice price = FindStackelbergPrice(book, memory, market, scratch);
  if (price.energy_wh > 0 && fills == Fills::kFill) {
    AllocateStackelberg(book, memory, market, price);
  }
  return AtOnePrice(market, price.energy_wh, price.level);
}

constexpr RuleEntry kRules[] = {
    {.rule = Rule::kUniform, .version = 1, .name = "uniform", .clear = ClearUniform},
    {.rule = Rule::kStackelberg,
     .version = 1,
     .takes_responses = true,
     .one_order_a_side = true,
     .name = "stackelberg",
     .clear = ClearStackelberg},
    {.rule = Rule::kPayAsBid,
     .version = 1,
     .pays = Pays::kEachOrder,
     .name = "pay_as_bid",
     .clear = ClearPayAsBid},
    {.rule = Rule::kMcAfee,
     .version = 1,
     .pays = Pays::kPriceASide,
     .one_order = true,
     .name = "mcafee",
     .clear = ClearMcAfee},
    {.rule = Rule::kTradeReduction,
     .version = 1,
     .pays = Pays::kPriceASide,
     .one_order_a_side = true,
     .name = "trade_reduction",
     .clear = ClearTradeReduction},
    {.rule = Rule::kHuang,
     .version = 1,
     .pays = Pays::kPriceASide,
     .one_order_a_side = true,
     .name = "huang",
     .clear = ClearHuang},
    {.rule = Rule::kVcg, .version = 1, .pays = Pays::kEachOrder, .name = "vcg", .clear = ClearVcg},
    {.rule = Rule::kReverse,
     .version = 1,
     .pays = Pays::kEachOrder,
     .one_order_a_side = true,
     .name = "reverse",
     .clear = ClearReverse},
    {.rule = Rule::kForward,
     .version = 1,
     .pays = Pays::kEachOrder,
     .one_order_a_side = true,
     .name = "forward",
     .clear = ClearForward},
    {.rule = Rule::kContinuous,
     .version = 1,
     .pays = Pays::kEachOrder,
     .continuous = true,
     .name = "continuous"},
    {.rule = Rule::kSbba,
     .version = 1,
     .one_order_a_side = true,
     .has_lottery = true,
     .name = "sbba",
     .clear = ClearSbba},
    {.rule = Rule::kMuda,
     .version = 1,
     .pays = Pays::kEachOrder,
     .has_lottery = true,
     .name = "muda",
     .clear = ClearMuda},
};

}  // namespace

std::span<const RuleEntry> Rules() { return kRules; }

const RuleEntry* FindRule(std::string_view name) {
  if (name == "uniform_price") name = "uniform";  // As it is called elsewhere.
  const RuleEntry* found = nullptr;
  for (const RuleEntry& entry : kRules) {
    if (entry.name == name) found = &entry;
  }
  return found;
}

const RuleEntry* FindRule(Rule rule, std::uint16_t version) {
  for (const RuleEntry& entry : kRules) {
    if (entry.rule == rule && entry.version == version) return &entry;
  }
  return nullptr;
}

std::string RuleNames() {
  std::string names;
  for (const RuleEntry& entry : kRules) {
    if (FindRule(entry.name) != &entry) continue;  // An older version.
    if (!names.empty()) names += ", ";
    names += entry.name;
  }
  return names;
}

const RuleEntry& RuleOf(const MarketDefinition& market) {
  const RuleEntry* entry = FindRule(market.rule.rule, market.rule.rule_version);
  CHECK(entry != nullptr);
  return *entry;
}

}  // namespace engine
