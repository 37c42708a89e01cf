#include "tools/peerwatt/offline_replay.h"

#include <chrono>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tools/feed/feed_file.h"
#include "tools/peerwatt/bare_engine.h"

namespace tools {
absl::StatusOr<OfflineReplay> ReplayOffline(const std::string& path) {
  absl::StatusOr<FeedReader> feed = FeedReader::Open(path);
  if (!feed.ok()) return feed.status();
  OfflineReplay result;
  BareEngine engine([&result](const engine::Event& event) {
    if (event.type == engine::EventType::kAnswer) result.refused += event.answer.refused;
    if (event.type == engine::EventType::kFill) ++result.fills;
  });
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const absl::StatusOr<std::optional<engine::CommandView>> record = feed->Next();
    if (!record.ok()) return record.status();
    if (!*record) break;
    ++result.commands;
    const engine::CommandHeader& header = (*record)->header();
    if (engine::IsFromClient(header.type)) result.orders += header.count;
    if (absl::Status status = engine.Apply(**record); !status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": record ", header.sequence, ": ", std::string(status.message())));
    }
  }
  if (absl::Status status = engine.CloseOpenRounds(); !status.ok()) return status;
  result.elapsed_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin)
          .count();
  for (const engine::OutcomeBody& outcome : engine.outcomes()) {
    ++result.rounds;
    result.energy_wh += outcome.energy_wh;
  }
  result.digest = engine.exchange().StateDigest();
  return result;
}

}  // namespace tools
