// An act: definitions with who made them, when and why. The journal of acts is the audit trail.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "engine/core/command.h"

namespace engine {

inline constexpr std::size_t kActReasonBytes = 160;

// kAct: followed by the header's count of bodies of one kind of definition. When is the header's
// time.
struct ActBody {
  CredentialId who{};     // Zero: who owns the machine and the daemon's files.
  std::uint32_t uid = 0;  // Then the system's number of that user; else zero.
  CommandType type{};     // kDefineMarket to kDefineCertificate.
  std::uint16_t reason_bytes = 0;
  std::uint32_t zero = 0;
  std::array<char, kActReasonBytes> reason{};  // Why: see IsActReason; zero-padded.

  // What there is room for, whatever a body says that nobody has looked at yet.
  std::string_view why() const {
    return {reason.data(), std::min<std::size_t>(reason_bytes, kActReasonBytes)};
  }
};
static_assert(sizeof(ActBody) == 176 && std::has_unique_object_representations_v<ActBody>);

// So many bodies of a kind an act has room for.
template <typename Body>
inline constexpr std::size_t kDefinitionsAnAct = (kCommandBytesMax - sizeof(CommandHeader) -
                                                  sizeof(ActBody)) /
                                                 sizeof(Body);

// A line of text: 1 to kActReasonBytes bytes of UTF-8 without control characters and ends of lines.
// A journal with another one does not replay, so that this stays as it is for ever; whether people
// can read it is for whoever takes the reason to say.
bool IsActReason(std::string_view text);

// Requires: IsActReason(reason).
ActBody MakeAct(CredentialId who, std::uint32_t uid, CommandType type, std::string_view reason);

// Whether an act may be of it.
constexpr bool IsDefinition(CommandType type) {
  return type >= CommandType::kDefineMarket && type <= CommandType::kDefineCertificate;
}

// A kAct whose who and why are as MakeAct makes them, sent by no client. Nothing of what it
// defines.
bool IsWellFormedAct(CommandView command);

// What a command defines: in an act, or barely, as programs before there were acts wrote it.
class DefinitionView {
 public:
  explicit DefinitionView(CommandView command);

  // Null where the command is none, or too short to be one.
  const ActBody* act() const { return act_; }
  // Of the definitions; kAct where they are of none that is known.
  CommandType type() const { return type_; }
  // Empty where the bodies are not as many of this layout as the header says.
  template <typename Body>
  std::span<const Body> Items() const {
    static_assert(std::is_trivially_copyable_v<Body> && alignof(Body) <= 8);
    if (bodies_.size() != count_ * sizeof(Body)) return {};
    return {reinterpret_cast<const Body*>(bodies_.data()), count_};
  }

 private:
  const ActBody* act_ = nullptr;
  CommandType type_{};
  std::uint32_t count_ = 0;
  std::span<const std::byte> bodies_;
};

// Calls take(body) for each, in order: of whatever kind they are.
template <typename Take>
void ForEachDefinition(const DefinitionView& what, Take take) {
  const auto take_all = [&take](const auto& bodies) {
    for (const auto& body : bodies) take(body);
  };
  switch (what.type()) {
    case CommandType::kDefineMarket:
      return take_all(what.Items<MarketDefinition>());
    case CommandType::kDefineMeteringPoint:
      return take_all(what.Items<MeteringPointBody>());
    case CommandType::kDefineAccount:
      return take_all(what.Items<AccountBody>());
    case CommandType::kDefineCredential:
      return take_all(what.Items<CredentialBody>());
    case CommandType::kDefineCertificate:
      return take_all(what.Items<CertificateBody>());
    default:
      return;
  }
}

}  // namespace engine
