// What the journal knows of a record: that its header makes sense.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/status.h"

namespace engine {

// Judges the record that `bytes` begins with: a length that fits, a type and version that this
// program knows, bodies of that type's size, and of an act that it says who and why. Neither its
// sequence nor what its bodies say.
// Requires: bytes 8-aligned.
absl::Status CheckRecord(std::span<const std::byte> bytes);

}  // namespace engine
