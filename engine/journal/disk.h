// The disk as the journal sees it: the seam that a simulated disk stands behind too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace engine {

// Offsets and sizes are bytes. Thread: one owner at a time.
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;

  // Ensures: returns how many bytes were read; fewer than asked only at the end of the file.
  virtual absl::StatusOr<std::size_t> ReadAt(std::span<std::byte> into, std::uint64_t offset) = 0;

  virtual absl::Status WriteAt(std::span<const std::byte> bytes, std::uint64_t offset) = 0;

  // Ensures: what was written to the file, through any handle, survives a power cut.
  virtual absl::Status Sync() = 0;

  virtual absl::StatusOr<std::uint64_t> Size() = 0;
};

// Held until it is destroyed, or its process ends.
class FileLock {
 public:
  FileLock() = default;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  virtual ~FileLock() = default;
};

// A full disk is ResourceExhausted, a missing file NotFound. Names are durable only after
// SyncFolder(). Thread: any.
class Disk {
 public:
  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  virtual ~Disk() = default;

  virtual absl::StatusOr<std::unique_ptr<File>> OpenForReading(const std::string& path) = 0;

  // Makes an empty file for writing; an old one of that name is emptied.
  virtual absl::StatusOr<std::unique_ptr<File>> Create(const std::string& path) = 0;

  // The names in a folder, in no order.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& folder) = 0;

  virtual absl::Status CreateFolder(const std::string& folder) = 0;  // Fine where it exists.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;  // Replaces.
  virtual absl::Status Remove(const std::string& path) = 0;
  virtual absl::Status SyncFolder(const std::string& folder) = 0;

  // Never waits. Ensures: nobody else has the lock that a file, made where there is none, stands
  // for; Aborted where somebody has.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> TryLock(const std::string& path) = 0;

  virtual absl::StatusOr<std::uint64_t> FreeBytes(const std::string& folder) = 0;
};

// The operating system's files. Lives as long as the process.
Disk& PosixDisk();

}  // namespace engine
