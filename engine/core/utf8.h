// UTF-8, character by character.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace engine {

// Takes the next character of UTF-8 off `text`. Requires: !text.empty(). Ensures: nothing, and
// `text` as it was, where there is none that is whole, and written as short as it can be.
std::optional<std::uint32_t> TakeCharacter(std::string_view& text);

// The categories Cc, Zl and Zp of Unicode, which are complete for ever: what ends a line of text or
// commands a terminal.
constexpr bool IsControl(std::uint32_t character) {
  return character < 0x20 || (character >= 0x7F && character <= 0x9F) || character == 0x2028 ||
         character == 0x2029;
}

}  // namespace engine
