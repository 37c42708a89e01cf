#include "engine/core/act.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "engine/core/check.h"

namespace engine {
namespace {

// Takes the next character of UTF-8 off `text`. Ensures: nothing where there is none that is whole,
// and written as short as it can be.
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

struct CharacterRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// Source: the categories Cc, Zl, Zp and Cf of Unicode 15; the two that join letters of Persian and
// Hindi are let through.
constexpr std::array<CharacterRange, 9> kNotForALine = {{{0x00, 0x1F},
                                                         {0x7F, 0x9F},
                                                         {0xAD, 0xAD},
                                                         {0x61C, 0x61C},
                                                         {0x200B, 0x200B},
                                                         {0x200E, 0x200F},
                                                         {0x2028, 0x202E},
                                                         {0x2060, 0x206F},
                                                         {0xFEFF, 0xFEFF}}};

bool IsForALine(std::uint32_t character) {
  return std::ranges::none_of(kNotForALine, [character](const CharacterRange& range) {
    return character >= range.first && character <= range.last;
  });
}

}  // namespace

bool IsActReason(std::string_view text) {
  if (text.empty() || text.size() > kActReasonBytes) return false;
  if (text.front() == ' ' || text.back() == ' ') return false;
  while (!text.empty()) {
    const std::optional<std::uint32_t> character = TakeCharacter(text);
    if (!character || !IsForALine(*character)) return false;
  }
  return true;
}

ActBody MakeAct(CredentialId who, std::uint32_t uid, CommandType type, std::string_view reason) {
  CHECK(IsActReason(reason));
  ActBody act{.who = who,
              .uid = who == CredentialId{} ? uid : 0,
              .type = type,
              .reason_bytes = static_cast<std::uint16_t>(reason.size())};
  std::ranges::copy(reason, act.reason.begin());
  return act;
}

bool IsWellFormed(const ActBody& act) {
  if (act.reason_bytes > kActReasonBytes || !IsActReason(act.why())) return false;
  const ActBody same = MakeAct(act.who, act.uid, act.type, act.why());
  return IsDefinition(act.type) && std::memcmp(&act, &same, sizeof(act)) == 0;
}

DefinitionView::DefinitionView(CommandView command)
    : type_(command.header().type), count_(command.header().count), bodies_(command.body()) {
  if (type_ != CommandType::kAct || bodies_.size() < sizeof(ActBody)) return;
  act_ = reinterpret_cast<const ActBody*>(bodies_.data());
  bodies_ = bodies_.subspan(sizeof(ActBody));
  if (IsDefinition(act_->type)) type_ = act_->type;
}

}  // namespace engine
