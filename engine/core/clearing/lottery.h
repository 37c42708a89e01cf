// A round's lottery: numbers that nobody knows before the book is sealed and anybody can compute
// afterwards.
#pragma once

#include <cstdint>
#include <span>

#include "engine/core/clearing/sealed_orders.h"
#include "engine/core/command.h"

namespace engine {

// The seed of a round's lottery: SHA-256 of the round's secret and of the XXH3-128 digest of the
// sealed book, which is, order by order: side (1 byte), limit in ticks (8), open energy (4) and
// party (4), little endian. The hash of the secret is announced when the round opens, the secret
// when it clears; so the operator cannot choose it after the orders, and a trader, who does not
// know it, can aim at nothing.
//
// XXH3 is enough for the book: to find two books of one digest gains a trader nothing, since the
// seed of either is unknown. The scheme ends at the operator, who knows the secret while the round
// is open: it could try orders of its own, or leave some out, until the lottery suits it, and no
// hash of the book would keep it from that; or it could void the round by losing the secret. It is
// held to the secret, not to the book.
//
// Requires: the orders are in book order.
LotteryBytes LotterySeed(const LotteryBytes& secret, std::span<const SealedOrder> orders,
                         std::int32_t band_low_ticks);

// Cost: 50 ns a number.
class Lottery {
 public:
  explicit Lottery(const LotteryBytes& seed) : seed_(seed) {}

  // Of a party: 64 bits, each as good as any other.
  std::uint64_t NumberOf(std::uint32_t party) const;
  // 0 to bound - 1, all equally likely. Requires: bound > 0.
  std::uint64_t Below(std::uint64_t bound) const;

 private:
  enum class Use : std::uint64_t { kParty = 0, kDraw = 1 };
  std::uint64_t Number(Use use, std::uint64_t which) const;

  LotteryBytes seed_;
};

}  // namespace engine
