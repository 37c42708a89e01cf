// What a file on a simulated disk holds, sector by sector.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tests/support/random_source.h"

namespace engine {

// What a power cut leaves of what was written but not synced. Sectors are 512 bytes; of names some
// first changes survive, as on a filesystem with a journal.
enum class PowerCut : std::uint8_t { kLosesUnsynced, kKeepsUnsynced, kMixesSectors };

// What a file holds: as a reader finds it, and as the medium does.
class SimContent {
 public:
  static constexpr std::size_t kSectorBytes = 512;

  void Write(std::span<const std::byte> bytes, std::size_t offset) {
    if (bytes.empty()) return;
    now.resize(std::max(now.size(), offset + bytes.size()));
    std::ranges::copy(bytes, now.begin() + static_cast<std::ptrdiff_t>(offset));
    unsynced_.push_back({offset / kSectorBytes * kSectorBytes, offset + bytes.size()});
  }
  void Sync() {
    durable.resize(now.size());
    for (const Range& range : unsynced_) Copy(now, range, durable);
    unsynced_.clear();
  }
  // Some sectors have reached the medium; the others never will, though the next sync succeeds.
  // `direct`: past the cache, so that a reader finds what the medium holds.
  void FailSync(RandomSource& random, bool direct) {
    MixInto(durable, random);
    durable.resize(now.size());
    if (direct) now = durable;
    unsynced_.clear();
  }
  // What waits for no sync is read from the medium again.
  void DropCache() {
    std::vector<std::byte> read = durable;
    for (const Range& range : unsynced_) Copy(now, range, read);
    now = std::move(read);
  }
  std::vector<std::byte> After(PowerCut cut, RandomSource& random) const {
    if (cut == PowerCut::kKeepsUnsynced) return now;
    std::vector<std::byte> bytes = durable;
    if (cut == PowerCut::kMixesSectors) MixInto(bytes, random);
    return bytes;
  }

  std::vector<std::byte> now;
  std::vector<std::byte> durable;

 private:
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  static void Copy(const std::vector<std::byte>& from, const Range& range,
                   std::vector<std::byte>& to) {
    const std::size_t end = std::min(range.end, from.size());
    if (range.begin >= end) return;
    to.resize(std::max(to.size(), end));
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(range.begin),
              from.begin() + static_cast<std::ptrdiff_t>(end),
              to.begin() + static_cast<std::ptrdiff_t>(range.begin));
  }
  void MixInto(std::vector<std::byte>& bytes, RandomSource& random) const {
    for (const Range& range : unsynced_) {
      for (std::size_t at = range.begin; at < range.end; at += kSectorBytes) {
        const std::size_t end = std::min(at + kSectorBytes, range.end);
        if (random.Below(2) == 0) Copy(now, {at, end}, bytes);
      }
    }
  }

  std::vector<Range> unsynced_;
};

}  // namespace engine
