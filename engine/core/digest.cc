#include "engine/core/digest.h"

#define XXH_STATIC_LINKING_ONLY  // For the size of XXH3_state_t.
#include <xxhash.h>

#include "engine/core/check.h"

namespace engine {

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

DigestBytes Digest::Finish() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh));
  DigestBytes bytes{};
  static_assert(sizeof(canonical.digest) == sizeof(bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte{canonical.digest[i]};
  return bytes;
}

}  // namespace engine
