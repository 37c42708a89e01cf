// What an operator's files define, and what of it is new to an exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "engine/core/command.h"
#include "engine/core/exchange.h"
#include "gateway/frame_builder.h"

namespace gateway {

// Whom `init` makes, so that there is an operator; no other kind of credential has this id.
inline constexpr engine::CredentialId kFirstOperator{UINT32_MAX};

// Where an operator's file says something, by its id.
struct Places {
  std::string file;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> lines{};

  // "FILE:LINE: "; "" for what no file says.
  std::string Of(std::uint64_t id) const;
};

struct Definitions {
  std::vector<engine::MarketDefinition> markets;
  std::vector<engine::MeteringPointBody> metering_points;
  std::vector<engine::CredentialBody> credentials;
  bool credentials_say_roles = true;  // False: an operator has those that it had.
  std::vector<engine::AccountBody> accounts;
  // All that each of these credentials has.
  std::map<engine::CredentialId, std::vector<engine::CertificateHash>> certificates{};
  Places credential_places{};
  Places account_places{};
  Places certificate_places{};

  std::size_t size() const {
    return markets.size() + metering_points.size() + credentials.size() + accounts.size() +
           certificates.size();
  }
};

// What `exchange` does not have, or has otherwise.
Definitions Changes(const Definitions& wanted, const engine::Exchange& exchange);

// Who changes definitions, and why: see engine/core/act.h.
struct Actor {
  engine::CredentialId who{};  // Zero: who owns the machine.
  std::uint32_t uid = 0;
  std::string reason;
};

// Applies all as acts at `time_ns`, in an order in which nothing names what is not there yet.
// Requires: engine::IsActReason(actor.reason).
// Ensures: `commands` holds the commands that were applied, one behind the other, to be journaled;
//          an error that names the first one that the exchange refuses, and its place.
absl::Status Apply(const Definitions& definitions, const Actor& actor, std::int64_t time_ns,
                   engine::Exchange& exchange, Bytes& commands);

}  // namespace gateway
