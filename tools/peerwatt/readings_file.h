// A CSV of meter readings, as `peerwatt settle` takes it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/settlement/settlement.h"

namespace tools {

struct ReadingsFile {
  std::vector<std::string> accounts;  // Account i + 1 of the readings; in order of appearance.
  // By start of the slot, seconds since 1970; in a slot by account.
  std::map<std::int64_t, std::vector<engine::Reading>> slots;
};

// Columns account, start_utc (such as 2024-06-01T12:00:00Z), load_wh and pv_wh, in any order; rows
// in any order. Ensures: an error names file, line and column; an account has one row a slot.
absl::StatusOr<ReadingsFile> ReadReadingsFile(const std::string& path);

// The slot's start as the file writes it.
std::string UtcText(std::int64_t start_s);

}  // namespace tools
