#include "gateway/token.h"

#include <array>
#include <cstddef>
#include <span>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "engine/core/check.h"

namespace gateway {
namespace {

std::string Hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

std::optional<unsigned> DigitValue(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  return std::nullopt;
}

}  // namespace

engine::TokenHash HashToken(std::string_view token) {
  // Fetched once: OpenSSL 3 takes long to find an algorithm.
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(sha256 != nullptr);
  engine::TokenHash hash;
  unsigned length = 0;
  const int done =
      EVP_Digest(token.data(), token.size(), reinterpret_cast<unsigned char*>(hash.data()), &length,
                 sha256, nullptr);
  CHECK(done == 1 && length == hash.size());
  return hash;
}

std::optional<std::string> MakeToken() {
  std::array<std::byte, 32> random{};
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), random.size()) != 1) {
    return std::nullopt;
  }
  return "pw_" + Hex(random);
}

std::string HexOfHash(const engine::TokenHash& hash) { return Hex(hash); }

std::optional<engine::TokenHash> HashFromHex(std::string_view hex) {
  engine::TokenHash hash{};
  if (hex.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const auto high = DigitValue(hex[2 * i]);
    const auto low = DigitValue(hex[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    hash[i] = static_cast<std::byte>(*high * 16 + *low);
  }
  return hash;
}

}  // namespace gateway
