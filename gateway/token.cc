#include "gateway/token.h"

#include <array>
#include <cstddef>
#include <span>

#include <openssl/rand.h>

#include "engine/core/hex.h"
#include "engine/core/sha256.h"

namespace gateway {

engine::TokenHash HashToken(std::string_view token) {
  return engine::Sha256(std::as_bytes(std::span(token)));
}

std::optional<std::string> MakeToken() {
  std::array<std::byte, 32> random{};
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), random.size()) != 1) {
    return std::nullopt;
  }
  return "pw_" + engine::ToHex(random);
}

std::string HexOfHash(const engine::TokenHash& hash) { return engine::ToHex(hash); }

std::optional<engine::TokenHash> HashFromHex(std::string_view hex) {
  engine::TokenHash hash{};
  if (!engine::FromHex(hex, hash)) return std::nullopt;
  return hash;
}

}  // namespace gateway
