// SHA-256: for what nobody may find a second text of, such as a token or a lottery's secret.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace engine {

using Sha256Digest = std::array<std::byte, 32>;

// Thread: any. Cost: a hundred nanoseconds and more; the first call takes longer.
Sha256Digest Sha256(std::span<const std::byte> bytes);

}  // namespace engine
