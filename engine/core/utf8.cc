#include "engine/core/utf8.h"

#include <array>
#include <cstddef>

namespace engine {

std::optional<std::uint32_t> TakeCharacter(std::string_view& text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  const std::size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  constexpr std::array<std::uint8_t, 5> kLow = {0, 0x00, 0xC2, 0xE0, 0xF0};
  constexpr std::array<std::uint32_t, 5> kFewest = {0, 0, 0x80, 0x800, 0x10000};
  if (first < kLow[bytes] || first > 0xF4 || text.size() < bytes) return std::nullopt;
  std::uint32_t character = bytes == 1 ? first : first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    character = (character << 6) | (next & 0x3FU);
  }
  const bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (character < kFewest[bytes] || character > 0x10FFFF || is_surrogate) return std::nullopt;
  text.remove_prefix(bytes);
  return character;
}

}  // namespace engine
