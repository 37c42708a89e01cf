// Acts as commands, for an exchange that is driven by a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/act.h"
#include "tests/support/exchange_driver.h"

namespace engine {

template <typename Body>
constexpr CommandType kDefines{};
template <>
inline constexpr CommandType kDefines<MarketDefinition> = CommandType::kDefineMarket;
template <>
inline constexpr CommandType kDefines<MeteringPointBody> = CommandType::kDefineMeteringPoint;
template <>
inline constexpr CommandType kDefines<AccountBody> = CommandType::kDefineAccount;
template <>
inline constexpr CommandType kDefines<CredentialBody> = CommandType::kDefineCredential;
template <>
inline constexpr CommandType kDefines<CertificateBody> = CommandType::kDefineCertificate;

// Whatever `act` says, right or wrong.
template <typename Body>
OwnedCommand ActCommand(std::int64_t time_ns, const ActBody& act, std::span<const Body> bodies) {
  std::vector<std::byte> bytes;
  for (const auto part : {std::as_bytes(std::span(&act, 1)), std::as_bytes(bodies)}) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  CommandHeader header;
  header.time_ns = time_ns;
  header.type = CommandType::kAct;
  OwnedCommand command(header, std::span<const std::byte>(bytes));
  command.header().count = static_cast<std::uint32_t>(bodies.size());
  return command;
}

template <typename Body>
bool ApplyAct(ExchangeDriver& driver, const ActBody& act, const std::vector<Body>& bodies) {
  return driver.Sequence(ActCommand(driver.now_ns, act, std::span<const Body>(bodies)));
}

// By whoever owns the machine, or by the credential `who`.
template <typename Body>
bool ApplyAct(ExchangeDriver& driver, const std::vector<Body>& bodies, std::uint32_t who = 0,
              std::string_view why = "a test") {
  return ApplyAct(driver, MakeAct(CredentialId{who}, 1'000, kDefines<Body>, why), bodies);
}

}  // namespace engine
