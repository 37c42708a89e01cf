#include "engine/journal/retention.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace engine {
namespace {

// How many of the first segments have no record behind `sequence`.
std::size_t CountPassed(std::span<const BegunSegment> segments, std::uint64_t sequence) {
  std::size_t count = 0;
  while (count + 1 < segments.size() && segments[count + 1].first_sequence - 1 <= sequence) {
    ++count;
  }
  return count;
}

// How many have only records from before that time: times never step back.
std::size_t CountOlder(std::span<const BegunSegment> segments, std::int64_t before_ns) {
  std::size_t count = 0;
  for (std::size_t i = 1; i < segments.size(); ++i) {
    if (segments[i].first_time_ns && *segments[i].first_time_ns < before_ns) count = i;
  }
  return count;
}

}  // namespace

Removable FindRemovable(std::span<const BegunSegment> segments, const Passed& passed) {
  if (passed.snapshot == 0) return {};
  const std::size_t needless =
      std::min(CountOlder(segments, passed.before_ns),
               CountPassed(segments, std::min(passed.snapshot, passed.outbox)));
  Removable removable{.segments = needless, .held_by = {}};
  const auto slowest = std::ranges::min_element(passed.readers, {}, &RegisteredReader::passed);
  if (slowest == passed.readers.end()) return removable;
  removable.segments = std::min(needless, CountPassed(segments, slowest->passed));
  if (removable.segments < needless) {
    removable.held_by = absl::StrCat("the registered reader ", slowest->name,
                                     ", which has passed sequence ", slowest->passed);
  }
  return removable;
}

}  // namespace engine
