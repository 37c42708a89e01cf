// What one record of a feed may be: the same check for whoever writes it and whoever reads it.
#pragma once

#include <string>

#include "engine/core/command.h"

namespace tools {

// Where a record stands among the others.
struct FeedPlace {
  std::uint64_t record = 0;       // From 1.
  std::int64_t last_time_ns = 0;  // Of the record before.
  bool defining = true;           // No client's command so far.
};

// Why `command` may not be a feed's record at `place`; empty where it may.
// Requires: command.header().length is what the record takes.
std::string WhyNotInFeed(engine::CommandView command, const FeedPlace& place);

}  // namespace tools
