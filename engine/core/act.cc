#include "engine/core/act.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "engine/core/check.h"
#include "engine/core/utf8.h"

namespace engine {

bool IsActReason(std::string_view text) {
  if (text.empty() || text.size() > kActReasonBytes) return false;
  while (!text.empty()) {
    const std::optional<std::uint32_t> character = TakeCharacter(text);
    if (!character || IsControl(*character)) return false;
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

bool IsWellFormedAct(CommandView command) {
  const CommandHeader& header = command.header();
  const DefinitionView what(command);
  if (what.act() == nullptr || header.credential != CredentialId{} || header.client_seq != 0) {
    return false;
  }
  const ActBody& act = *what.act();
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
