#include "tools/peerwatt/address.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tools {

absl::StatusOr<Address> ParseAddress(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::uint32_t port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 || port > UINT16_MAX) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "': expected HOST:PORT"));
  }
  std::string host = text.substr(0, colon);
  // As gateway::HostPort writes it.
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Address{std::move(host), static_cast<std::uint16_t>(port)};
}

}  // namespace tools
