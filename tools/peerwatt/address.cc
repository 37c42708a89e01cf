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
  return Address{text.substr(0, colon), static_cast<std::uint16_t>(port)};
}

}  // namespace tools
