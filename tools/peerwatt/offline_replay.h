// `peerwatt replay FEED --offline`: a feed through the bare engine, as fast as it goes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/core/digest.h"

namespace tools {

struct OfflineReplay {
  std::uint64_t orders = 0;    // Items of submit, replace and cancel commands.
  std::uint64_t commands = 0;  // Records of the feed.
  std::uint64_t refused = 0;   // Items.
  std::uint64_t rounds = 0;
  std::uint64_t fills = 0;
  std::uint64_t energy_wh = 0;
  std::int64_t elapsed_ns = 0;  // Of the engine's work, the feed's reading included.
  engine::DigestBytes digest{};
};

// Rounds open and close by the feed's own time. Ensures: an error names the record that failed.
absl::StatusOr<OfflineReplay> ReplayOffline(const std::string& feed);

}  // namespace tools
