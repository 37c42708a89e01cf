// A round's lottery: numbers that no trader knows before the book is sealed, and that whoever has
// the book and the secret can compute afterwards.
#pragma once

#include <cstdint>
#include <span>

#include "engine/core/clearing/sealed_orders.h"
#include "engine/core/command.h"

namespace engine {

// The seed of a round's lottery, 32 bytes:
//
//   seed = SHA-256(secret, 32 bytes | XXH3-128(book), 16 bytes)
//
// The book is order by order, 17 bytes each: side (1 byte; 0 buy, 1 sell), limit in ticks (8, two's
// complement), open energy in Wh (4) and party (4), little endian. XXH3-128 has the seed 0 and is
// written in its canonical form, which is big endian, the high 64 bits first. Orders and parties
// are as in sealed_orders.h.
//
// The hash of the secret is announced when the round opens, the secret when it clears; so the
// operator cannot choose it after the orders, and a trader, who does not know it, can aim at
// nothing. To check a draw takes the secret and the book. The book is in the journal only, so that
// a trader, who sees its own orders, checks the secret against its hash and leaves the draw to whom
// the operator shows the book.
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

// Its numbers are, with all three in 32 + 8 + 8 bytes, the latter two little endian,
//
//   Number(use, which) = XXH3-128(seed | use | which), the high 64 bits with their bytes reversed:
//                        the first 8 bytes of the canonical form, read as little endian.
//
// Cost: 50 ns a number.
class Lottery {
 public:
  explicit Lottery(const LotteryBytes& seed) : seed_(seed) {}

  // Number(0, party): 64 bits, each as good as any other. In muda the lowest bit is the party's
  // half, and the lowest number comes first, of two that are equal the lower party.
  std::uint64_t NumberOf(std::uint32_t party) const;
  // 0 to bound - 1, all equally likely: n mod bound, where n is the first of Number(1, 0),
  // Number(1, 1) ... below the largest multiple of the bound that is at most 2^64.
  // Requires: bound > 0.
  std::uint64_t Below(std::uint64_t bound) const;

 private:
  enum class Use : std::uint64_t { kParty = 0, kDraw = 1 };
  std::uint64_t Number(Use use, std::uint64_t which) const;

  LotteryBytes seed_;
};

}  // namespace engine
