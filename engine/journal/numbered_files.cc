#include "engine/journal/numbered_files.h"

#include <algorithm>

namespace engine {

absl::StatusOr<std::vector<std::uint64_t>> ListNumbers(Disk& disk, const std::string& folder,
                                                       NumberInNameFunction number_in) {
  const absl::StatusOr<std::vector<std::string>> names = disk.List(folder);
  if (!names.ok()) return names.status();
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : *names) {
    if (const auto number = number_in(name)) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace engine
