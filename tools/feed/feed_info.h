// What is in a feed, for people.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace tools {

// Reads the whole feed at `path` and prints what made it, its counts, time span and markets.
absl::Status PrintInfo(const std::string& path, std::ostream& out);

}  // namespace tools
