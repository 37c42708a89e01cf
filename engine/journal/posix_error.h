// errno as a status that the operator can read.
#pragma once

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace engine {

// A full disk, and a full quota, are ResourceExhausted.
inline absl::Status PosixError(absl::string_view what, int error = errno) {
  return absl::ErrnoToStatus(error, what);
}

}  // namespace engine
