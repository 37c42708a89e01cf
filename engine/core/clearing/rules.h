// The round rules that there are, by number, name and version.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/core/market_definition.h"

namespace engine {

struct RuleEntry {
  Rule rule{};
  std::uint16_t version = 0;  // The one that new markets get.
  std::string_view name;      // In files and on command lines.
};

// What a rule does under a version never changes; a change is a new version.
inline constexpr std::array<RuleEntry, 1> kRules = {{
    {Rule::kUniformPrice, 1, "uniform_price"},
}};

// Null where there is no such rule.
constexpr const RuleEntry* FindRule(std::string_view name) {
  for (const RuleEntry& entry : kRules) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace engine
