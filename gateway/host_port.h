// An address as people and tools write it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace gateway {

// "127.0.0.1:7411"; "[::1]:7411", so that the port can be told from the address.
inline std::string HostPort(const std::string& host, std::uint16_t port) {
  const bool has_colons = host.find(':') != std::string::npos;
  return absl::StrCat(has_colons ? "[" : "", host, has_colons ? "]:" : ":", port);
}

}  // namespace gateway
