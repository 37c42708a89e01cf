// What homes need from others, slot by slot: load less own generation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tools {

// The slots follow each other without a gap.
struct LoadSpan {
  std::uint32_t start_minute = 0;  // Of the first slot; minutes since 1970-01-01T00:00Z.
  std::uint32_t slot_minutes = 15;
  std::size_t slots = 0;
  std::size_t homes = 0;
};

class NetLoad {
 public:
  NetLoad() = default;
  NetLoad(const NetLoad&) = delete;
  NetLoad& operator=(const NetLoad&) = delete;
  virtual ~NetLoad() = default;

  virtual LoadSpan span() const = 0;

  // Above zero: the home lacks energy in the slot; below: it has energy over.
  // Requires: slot < span().slots, home < span().homes. Thread: safe.
  virtual std::int64_t NetWh(std::size_t slot, std::size_t home) const = 0;
};

}  // namespace tools
