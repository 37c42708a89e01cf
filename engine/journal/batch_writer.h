// Writes pieces of the current segment, one at a time, so that each is on disk before the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/journal/aligned_buffer.h"
#include "engine/journal/file_descriptor.h"

namespace engine {

// A write or sync that fails or falls short is never tried again: what the disk then holds is
// unknown, and the owner stops the process. Thread: one owner.
class BatchWriter {
 public:
  BatchWriter() = default;
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;
  virtual ~BatchWriter() = default;  // Waits for what is in flight: the kernel reads its memory.

  // The file that the next writes go to, and nobody else's. Requires: nothing in flight.
  // Ensures: Unavailable where a write of a process before is still under way in it.
  virtual absl::Status Use(const std::string& path) = 0;

  // Starts a write. Requires: nothing in flight; `bytes` and `offset` are whole blocks of the file
  // in use, and the bytes stay as they are until Completed().
  virtual absl::Status Submit(std::span<const std::byte> bytes, std::uint64_t offset) = 0;

  // Whether the write in flight is on disk; once true, nothing is in flight. Cost: no syscall.
  virtual absl::StatusOr<bool> Completed() = 0;

  // An eventfd that a completion makes readable; -1 where there is none to wait for.
  virtual int completion_fd() const = 0;

  // For the log: which way it writes, and why not the faster one.
  virtual std::string description() const = 0;
};

enum class WriterChoice : std::uint8_t { kAuto, kIoUring, kPosix };

// Tries in `folder`, with a file of its own that it removes, what the system allows there: io_uring
// with O_DIRECT|O_DSYNC, else a writer thread with pwrite and fdatasync. Where the disk has no
// space for the file's one block a way counts that gets as far as to be told so. Ensures: an error
// that says why where the choice asks for what is not possible.
absl::StatusOr<std::unique_ptr<BatchWriter>> MakeBatchWriter(const std::string& folder,
                                                             WriterChoice choice);

// The two ways. `direct`: the folder's filesystem takes O_DIRECT. `note` is kept for description().
absl::StatusOr<std::unique_ptr<BatchWriter>> MakeIoUringWriter();
absl::StatusOr<std::unique_ptr<BatchWriter>> MakePosixWriter(bool direct, const std::string& note);

}  // namespace engine
