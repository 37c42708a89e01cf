// Abseil's own string_view, which Debian's build of it keeps apart from the standard one.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace gateway {

inline absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace gateway
