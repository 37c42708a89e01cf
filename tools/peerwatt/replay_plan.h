// What a replay sends: a feed's client commands, by credential of the daemon that they go to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/core/command.h"

namespace tools {

// One order, replace or cancel of the feed.
struct PlannedItem {
  std::int64_t time_ns = 0;  // Of the feed.
  engine::CommandType type{};
  std::uint32_t client = 0;  // Index in ReplayPlan::clients.
  engine::OrderBody order;   // Of a cancel: account, id and product; of a cancel of all: account.
};

struct PlannedClient {
  engine::CredentialId credential{};
  std::string token;
};

struct ReplayPlan {
  std::vector<PlannedClient> clients;
  std::vector<PlannedItem> items;  // By time.
  absl::flat_hash_map<engine::MarketId, engine::MarketDefinition> markets;
};

// Where `peerwatt feed setup` and `peerwatt replay` look for a feed's tokens unless told otherwise.
std::string DefaultSetupFolder(const std::string& feed);

// The folder is what `peerwatt feed setup` wrote: accounts.csv says which credential acts for an
// account, tokens.csv has its secret. Each credential has one connection; `connections` that are
// fewer or more are an error, 0 takes as many as there are.
// Ensures: all orders of the feed; an error names the file and line, or the feed's record.
absl::StatusOr<ReplayPlan> MakeReplayPlan(const std::string& feed, const std::string& setup_folder,
                                          std::size_t connections);

}  // namespace tools
