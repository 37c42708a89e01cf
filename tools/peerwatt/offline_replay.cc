#include "tools/peerwatt/offline_replay.h"

#include <chrono>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tools/feed/feed_file.h"
#include "tools/peerwatt/bare_engine.h"

namespace tools {
namespace {

// The feed's last products are closed too: beyond any product that can be open.
constexpr std::int64_t kAfterFeedNs = std::int64_t{8} * 86'400 * 1'000'000'000;

// Closes the rounds that are still open. Products go on opening for ever; the last of the feed's
// orders decides when there is nothing left to clear.
absl::Status CloseOpenRounds(BareEngine& engine) {
  const std::int64_t end_ns = engine.exchange().time_ns() + kAfterFeedNs;
  while (engine.exchange().open_orders() > 0) {
    const std::optional<engine::DueCommand> due = engine.exchange().NextDue();
    if (!due || due->due_ns > end_ns) return absl::OkStatus();
    if (absl::Status status = engine.AdvanceTo(due->due_ns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

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
  if (absl::Status status = CloseOpenRounds(engine); !status.ok()) return status;
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
