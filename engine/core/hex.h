// Bytes as people and files write them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace engine {

// Lower-case hex digits, two a byte.
std::string ToHex(std::span<const std::byte> bytes);

// Ensures: false where the text is not so many bytes in lower-case hex digits.
[[nodiscard]] bool FromHex(std::string_view text, std::span<std::byte> bytes);

}  // namespace engine
