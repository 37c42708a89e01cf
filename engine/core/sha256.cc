#include "engine/core/sha256.h"

#include <openssl/evp.h>

#include "engine/core/check.h"

namespace engine {

Sha256Digest Sha256(std::span<const std::byte> bytes) {
  // Fetched once: OpenSSL 3 takes long to find an algorithm.
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(sha256 != nullptr);
  Sha256Digest digest{};
  unsigned length = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                 &length, sha256, nullptr);
  CHECK(done == 1 && length == digest.size());
  return digest;
}

}  // namespace engine
