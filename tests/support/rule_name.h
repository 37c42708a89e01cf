// What a test of one entry of the table of rules is called.
#pragma once

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "engine/core/clearing/rules.h"

namespace engine {

inline std::string RuleNameOf(const RuleEntry& entry) {
  return std::string(entry.name) + "_v" + std::to_string(entry.version);
}
inline std::string RuleNameAt(const testing::TestParamInfo<std::size_t>& place) {
  return RuleNameOf(Rules()[place.param]);
}

}  // namespace engine
