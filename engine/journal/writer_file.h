// The file that a batch writer writes to.
#pragma once

#include <string>

#include <fcntl.h>
#include <sys/file.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/journal/file_descriptor.h"
#include "engine/journal/posix_error.h"

namespace engine {

// With a lock, which the system holds until the last write through the descriptor has ended, though
// the process is dead: who gets it knows that none of a process before is under way.
// Ensures: Unavailable where one may be.
inline absl::StatusOr<FileDescriptor> OpenForWriter(const std::string& path, int flags) {
  FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC | flags));
  if (!fd.valid()) return PosixError(absl::StrCat("cannot open ", path));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return PosixError(absl::StrCat("cannot lock ", path));
  return absl::UnavailableError(
      absl::StrCat(path, ": a write of a process before is still under way: start again"));
}

}  // namespace engine
