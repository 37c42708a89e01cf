// Which of a journal's first segments nobody needs any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/journal/registered_readers.h"

namespace engine {

// A segment that has begun.
struct BegunSegment {
  std::uint64_t number = 0;
  std::uint64_t first_sequence = 0;           // Of its first record, or of the next one's.
  std::optional<std::int64_t> first_time_ns;  // Of its first record; unset: it has none as yet.
};

// How far everybody has come for whom segments are kept.
struct Passed {
  std::int64_t before_ns = INT64_MIN;  // Records of this time and later stay, in any case.
  std::uint64_t snapshot = 0;  // The last record in the older of two snapshots; 0: there is none.
  std::uint64_t outbox = 0;    // The last record whose events are all on disk there.
  std::vector<RegisteredReader> readers;
};

struct Removable {
  std::size_t segments = 0;  // The first so many.
  std::string held_by;       // The reader without whom there were more; empty: it is none.
};

// Pure. Only closed segments go: behind those that do there is one that has begun. How old a
// segment's last record is, is judged by the first one behind it, which may be younger.
// Requires: `segments` are a journal's first, in their order.
Removable FindRemovable(std::span<const BegunSegment> segments, const Passed& passed);

}  // namespace engine
