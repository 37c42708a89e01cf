// A window over one segment file, for reading it in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/disk.h"

namespace engine {

class SegmentReader {
 public:
  SegmentReader(std::unique_ptr<File> file, std::uint64_t bytes)
      : file_(std::move(file)), bytes_(bytes) {}

  std::uint64_t bytes() const { return bytes_; }

  // The bytes there; what the file lacks reads as zeros. Valid until the next call; 8-aligned where
  // `offset` is. Requires: offset is on a block; offset + size <= bytes().
  // Memory: the longest view asked for, or 1 MiB.
  absl::StatusOr<std::span<const std::byte>> View(std::uint64_t offset, std::size_t size);

 private:
  std::unique_ptr<File> file_;
  std::uint64_t bytes_;
  AlignedBuffer window_;
  std::uint64_t begin_ = 0;  // The window's place in the segment.
  std::size_t filled_ = 0;
};

}  // namespace engine
