// Secrets of credentials: made at random, sent in a Logon, kept only as a hash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/core/command.h"

namespace gateway {

// SHA-256 of the token's bytes. A token is random and long, so that no salt or slow hash is needed.
engine::TokenHash HashToken(std::string_view token);

// 256 random bits as "pw_" and 64 hex digits; nothing where the system has no randomness.
std::optional<std::string> MakeToken();

// 64 lower-case hex digits, and back; nothing where they are not that.
std::string HexOfHash(const engine::TokenHash& hash);
std::optional<engine::TokenHash> HashFromHex(std::string_view hex);

}  // namespace gateway
