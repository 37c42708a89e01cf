// Makes a segment file full of zeros, so that no crash between two steps leaves half of one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/disk.h"
#include "engine/journal/job_thread.h"

namespace engine {

// Writes zeros, and not only reserves space: writes into written extents need no metadata, which
// halves a commit's time. The steps: create under a name of its own, zeros, the header where it is
// known, sync, rename, sync the folder.
class SegmentMaker {
 public:
  SegmentMaker(Disk& disk, std::string folder, std::uint64_t segment_bytes);

  // Requires: no segment is half made. `header_block`: kBlockBytes, or empty for a segment that has
  // not begun.
  void Start(std::uint64_t segment, std::span<const std::byte> header_block);

  // One piece of the work, at most a MiB. Ensures: true once it is done; after an error what was
  // made is removed and the maker may start again.
  absl::StatusOr<bool> Step();

  std::string path() const;  // Of the segment.

 private:
  absl::Status Create();
  absl::Status WritePiece();
  absl::Status Finish();

  Disk& disk_;
  const std::string folder_;
  const std::uint64_t segment_bytes_;
  const AlignedBuffer zeros_;
  const AlignedBuffer header_;
  bool has_header_ = false;
  std::uint64_t segment_ = 0;
  std::uint64_t written_ = 0;
  std::unique_ptr<File> file_;
};

// Runs a maker off its owner's thread.
class SegmentMakerThread {
 public:
  explicit SegmentMakerThread(SegmentMaker& maker);
  ~SegmentMakerThread();

  // Requires: the last one was taken.
  void Start();

  // The result, once; unset while it works.
  std::optional<absl::Status> Take();

 private:
  void Run();

  SegmentMaker& maker_;
  absl::Status result_;
  std::atomic<bool> stop_{false};
  JobThread thread_;  // Last: it ends before what it uses.
};

}  // namespace engine
