#include "gateway/act_reason.h"

#include <algorithm>
#include <optional>

#include "engine/core/act.h"
#include "engine/core/utf8.h"

namespace gateway {
namespace {

struct CharacterRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// Source: of Unicode 15 the category Cf, but for the signs in it that are seen, and what else has
// no width.
constexpr CharacterRange kInvisible[] = {
    {0xAD, 0xAD},       {0x34F, 0x34F},     {0x600, 0x605},    {0x61C, 0x61C},   {0x180B, 0x180F},
    {0x200B, 0x200F},   {0x202A, 0x202E},   {0x2060, 0x206F},  {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB},
    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};

// Source: the category Zs, the blank pattern of Braille and the fillers of Hangul.
constexpr CharacterRange kBlank[] = {{0x20, 0x20},     {0xA0, 0xA0},     {0x115F, 0x1160},
                                     {0x1680, 0x1680}, {0x2000, 0x200A}, {0x202F, 0x202F},
                                     {0x205F, 0x205F}, {0x2800, 0x2800}, {0x3000, 0x3000},
                                     {0x3164, 0x3164}, {0xFFA0, 0xFFA0}};

template <typename Ranges>
bool IsIn(const Ranges& ranges, std::uint32_t character) {
  return std::ranges::any_of(ranges, [character](const CharacterRange& range) {
    return character >= range.first && character <= range.last;
  });
}

}  // namespace

bool IsInvisible(std::uint32_t character) {
  return engine::IsControl(character) || IsIn(kInvisible, character);
}

bool IsReadableReason(std::string_view text) {
  static_assert(engine::kActReasonBytes == 160, "as kReasonsAllowed says");
  if (!engine::IsActReason(text)) return false;
  bool is_first = true;
  bool is_blank = false;  // The last one until now.
  while (!text.empty()) {
    const std::optional<std::uint32_t> character = engine::TakeCharacter(text);
    if (!character || IsInvisible(*character)) return false;
    is_blank = IsIn(kBlank, *character);
    if (is_first && is_blank) return false;
    is_first = false;
  }
  return !is_blank;
}

}  // namespace gateway
