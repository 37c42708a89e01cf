// The rules' parameters by name, as market files and command lines write them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/core/market_definition.h"

namespace engine {

struct RuleParameter {
  std::string_view name;
  std::string_view allowed;  // For people.
  std::string_view meaning;
  bool (*belongs_to)(Rule rule) = nullptr;

  // Ensures: false, and nothing changed, where the value is not allowed.
  bool (*set)(RuleParameters& parameters, std::string_view value) = nullptr;
  std::string (*text)(const RuleParameters& parameters) = nullptr;
};

std::span<const RuleParameter> AllRuleParameters();
// Null where there is none of that name.
const RuleParameter* FindRuleParameter(std::string_view name);

// The first of the rule's parameters whose value is not allowed, such as one that must be given and
// was not; null where there is none.
const RuleParameter* FindImpossible(const RuleParameters& parameters);

// Whether each parameter is possible, and those that the rule does not have are as by default.
bool IsPossible(const RuleParameters& parameters);

}  // namespace engine
