#include "engine/core/digest.h"

#include <cstring>

#define XXH_STATIC_LINKING_ONLY  // For the size of XXH3_state_t.
#include <xxhash.h>

#include "engine/core/check.h"

namespace engine {
namespace {

DigestBytes Canonical(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  DigestBytes bytes{};
  static_assert(sizeof(canonical.digest) == sizeof(bytes));
  std::memcpy(bytes.data(), canonical.digest, sizeof(bytes));
  return bytes;
}

}  // namespace

struct Digest::State {
  XXH3_state_t xxh;
};

Digest::Digest() : state_(std::make_unique<State>()) { Reset(); }
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::Reset() { CHECK(XXH3_128bits_reset(&state_->xxh) == XXH_OK); }

void Digest::Add(std::span<const std::byte> bytes) {
  CHECK(XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size()) == XXH_OK);
}

DigestBytes Digest::Finish() const { return Canonical(XXH3_128bits_digest(&state_->xxh)); }

DigestBytes DigestOf(std::span<const std::byte> bytes) {
  return Canonical(XXH3_128bits(bytes.data(), bytes.size()));
}

}  // namespace engine
