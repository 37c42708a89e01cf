// What a daemon needs to run a feed's markets: the files that `peerwattd init` takes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace tools {

struct FeedSetupOptions {
  std::string feed;
  std::string folder;
  std::uint32_t credentials = 0;  // Aggregators to deal the accounts out to; 0: as in the feed.
  std::uint64_t seed = 0;         // Of the tokens; 0: drawn by the operating system.
};

// Writes markets.toml, accounts.csv, credentials.csv (hashes) and tokens.csv (secrets, readable by
// the owner alone).
absl::Status WriteFeedSetup(const FeedSetupOptions& options);

}  // namespace tools
