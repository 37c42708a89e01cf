// Which orders are taken changes where a program learns to look closer: by version, so that a
// journal comes to what it came to.
#pragma once

#include <cstdint>

#include "engine/core/command.h"

namespace engine {

// The version is the kGenesis's, until a kAdoptEntry names another.
//   1  a metering point's limit is of each party for itself, and of each round but continuous ones
//   2  of all parties there together, and of all rounds of a product
inline constexpr std::uint16_t kEntryVersion = 2;  // This program's, for what it begins.

// Of a record of the type that is written now.
constexpr std::uint16_t NewestVersion(CommandType type) {
  return type == CommandType::kGenesis ? kEntryVersion : kCommandVersion;
}
constexpr bool IsKnownVersion(CommandType type, std::uint16_t version) {
  return version >= 1 && version <= NewestVersion(type);
}

// kAdoptEntry.
struct EntryVersionBody {
  std::uint32_t version = 0;  // More than the one until now.
  std::uint32_t zero = 0;
};
static_assert(sizeof(EntryVersionBody) == 8);

}  // namespace engine
