// The files of one kind in a folder, by the number in their names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/journal/disk.h"

namespace engine {

// The number in a name of the kind; unset for any other name. As SegmentNumber().
using NumberInNameFunction = std::optional<std::uint64_t> (*)(std::string_view name);

// Ensures: the lowest first; names of no such kind are passed over.
absl::StatusOr<std::vector<std::uint64_t>> ListNumbers(Disk& disk, const std::string& folder,
                                                       NumberInNameFunction number_in);

}  // namespace engine
