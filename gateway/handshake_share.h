// How much of a gateway thread's time handshakes may take.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gateway {

// A fifth of it while there is other work, all of it while there is none: a city that comes back at
// once does not hold up who is there. One step is never cut, and what it took too much is made
// good.
class HandshakeShare {
 public:
  // Other work took so long.
  void Worked(std::int64_t ns) { credit_ns_ = std::min(credit_ns_ + ns / 4, kCreditMostNs); }
  // There is no other work.
  void Idle() { credit_ns_ = std::max<std::int64_t>(credit_ns_, 1); }

  bool MayStep() const { return credit_ns_ > 0; }
  void Stepped(std::int64_t ns) { credit_ns_ -= ns; }

 private:
  static constexpr std::int64_t kCreditMostNs = 1'000'000;

  std::int64_t credit_ns_ = 0;
};

}  // namespace gateway
