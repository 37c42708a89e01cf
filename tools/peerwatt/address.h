// HOST:PORT on a command line.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace tools {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

// HOST is a name or an IP address, one with colons in it in brackets or not.
absl::StatusOr<Address> ParseAddress(const std::string& text);

}  // namespace tools
