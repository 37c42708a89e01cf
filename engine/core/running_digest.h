// The fingerprint of all that an exchange has done, carried from command to command.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>

#include "engine/core/digest.h"
#include "engine/core/state_bytes.h"

namespace engine {

// kRunningDigest: what it was when the command came.
struct RunningDigestBody {
  DigestBytes digest{};
};
static_assert(sizeof(RunningDigestBody) == 16);

// Two exchanges with the same one have taken the same acts, answered the same commands alike and
// numbered the same events: unlike the state's digest it costs nothing to speak of, so that a shard
// can journal it and whoever replays finds at once where he comes to something else.
//
// Cost: one short XXH3-128 an Add().
class RunningDigest {
 public:
  template <StateValue... Values>
  void Add(const Values&... values) {
    std::array<std::byte, sizeof(DigestBytes) + (sizeof(Values) + ...)> bytes;
    std::byte* at = bytes.data();
    const auto append = [&at](const auto& value) {
      std::memcpy(at, &value, sizeof(value));
      at += sizeof(value);
    };
    append(digest_);
    (append(values), ...);
    digest_ = DigestOf(bytes);
  }

  const DigestBytes& bytes() const { return digest_; }
  void Set(const DigestBytes& digest) { digest_ = digest; }

 private:
  DigestBytes digest_{};
};

}  // namespace engine
