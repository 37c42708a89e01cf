// Makes a feed at a path that is there only when it is whole.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "tools/feed/feed_file.h"

namespace tools {

// `make` writes into the feed's writer and leaves it unfinished.
template <typename Make>
absl::Status MakeFeed(const std::string& path, FeedSource source, std::uint64_t seed, Make make) {
  absl::StatusOr<FeedWriter> feed = FeedWriter::Create(path, source, seed);
  if (!feed.ok()) return feed.status();
  if (absl::Status status = make(*feed); !status.ok()) return status;
  return feed->Finish();
}

}  // namespace tools
