// A simulated disk that keeps what is removed of a journal, so that a test has the whole of it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "engine/journal/format.h"
#include "tests/support/busy_disk.h"
#include "tests/support/sim_disk.h"

namespace engine {

using Archive = std::map<std::string, std::vector<std::byte>>;  // By path.

class ArchiveDisk final : public BusyDisk {
 public:
  ArchiveDisk(SimDisk& disk, Archive& archive)
      : BusyDisk(disk, [] {}), disk_(disk), archive_(archive) {}

  absl::Status Remove(const std::string& path) override {
    const bool is_segment = SegmentNumber(path.substr(path.rfind('/') + 1)).has_value();
    if (is_segment && disk_.names().contains(path)) archive_[path] = disk_.Bytes(path);
    return BusyDisk::Remove(path);
  }

 private:
  SimDisk& disk_;
  Archive& archive_;
};

// The journal of a folder with what was removed of it, on another disk. What came back after a
// power cut is as it was.
inline void PutTogether(const SimDisk& disk, const Archive& archive, SimDisk& whole) {
  Archive files = archive;
  for (const auto& [path, content] : disk.names()) {
    if (SegmentNumber(path.substr(path.rfind('/') + 1))) files[path] = content->now;
  }
  for (const auto& [path, bytes] : files) {
    if (whole.Create(path).ok()) whole.Bytes(path) = bytes;
  }
}

}  // namespace engine
