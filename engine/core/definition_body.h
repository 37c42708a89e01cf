// Bodies of the administrative commands that define things; a market's is market_definition.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/core/ids.h"

namespace engine {

using TokenHash = std::array<std::byte, 32>;  // SHA-256 of the secret.

// kGenesis: the first record of every journal.
struct GenesisBody {
  std::array<std::byte, 16> cluster_id{};
  std::uint32_t shard = 0;
  std::uint32_t shard_count = 1;
  std::uint64_t order_capacity = 0;  // Orders that the shard's books can hold together.
};
static_assert(sizeof(GenesisBody) == 32);
// kDefineMeteringPoint.
struct MeteringPointBody {
  MeteringPointId id{};
  std::uint32_t import_limit_w = 0;  // Most power bought; 0: no limit.
  std::uint32_t export_limit_w = 0;  // Most power sold; 0: no limit.
};
static_assert(sizeof(MeteringPointBody) == 16);
// kDefineAccount.
struct AccountBody {
  AccountId id{};
  PartyId party{};
  MeteringPointId metering_point{};
  MarketId market{};
  CredentialId credential{};  // The one that may act for it.
};
static_assert(sizeof(AccountBody) == 32);

enum class CredentialKind : std::uint8_t { kDevice = 0, kAggregator = 1, kOperator = 2 };

// What an operator may do; a bit each.
enum class Role : std::uint8_t {
  kRead = 1,        // Hears what every market tells all, and lists every market's products.
  kOperate = 2,     // Halts markets, once the daemon takes such commands: nothing asks for it yet.
  kAdminister = 4,  // Has its acts applied: see act.h.
  kSurveillance = 8,  // Looks into the open, sealed books of all accounts.
};
inline constexpr std::uint8_t kNoRoles = 0;
inline constexpr std::uint8_t kAllRoles = 15;

// kDefineCredential.
struct CredentialBody {
  CredentialId id{};
  CredentialKind kind{};
  std::uint8_t roles = kNoRoles;  // Roles added up; none but for an operator.
  std::array<std::uint8_t, 2> zero{};
  std::uint32_t orders_per_second = 0;  // Token bucket; 0: the daemon's default for its kind.
  std::uint32_t zero2 = 0;
  TokenHash token_hash{};
};
static_assert(sizeof(CredentialBody) == 48);

constexpr bool Has(const CredentialBody& credential, Role role) {
  return (credential.roles & static_cast<std::uint8_t>(role)) != 0;
}

using CertificateHash = std::array<std::byte, 32>;  // SHA-256 of its DER.
// The next one is there before the last one ends.
inline constexpr std::size_t kCertificatesACredential = 2;

// By what a credential logs on.
enum class LogonProof : std::uint8_t { kToken = 0, kCertificate = 1 };

// kDefineCertificate: what a credential logs on by over TLS, where its token is not taken.
struct CertificateBody {
  CredentialId credential{};
  std::uint8_t place = 0;  // Below kCertificatesACredential.
  std::array<std::uint8_t, 3> zero{};
  CertificateHash hash{};  // Zero: none any more.
};
static_assert(sizeof(CertificateBody) == 40);

}  // namespace engine
