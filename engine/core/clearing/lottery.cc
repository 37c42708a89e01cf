#include "engine/core/clearing/lottery.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "engine/core/check.h"
#include "engine/core/digest.h"
#include "engine/core/sha256.h"

namespace engine {

LotteryBytes LotterySeed(const LotteryBytes& secret, std::span<const SealedOrder> orders,
                         std::int32_t band_low_ticks) {
  Digest book;
  for (const SealedOrder& order : orders) {
    book.Add(order.side);
    book.Add(std::int64_t{band_low_ticks} + order.level);
    book.Add(order.open_wh);
    book.Add(order.party);
  }
  const DigestBytes digest = book.Finish();
  std::array<std::byte, sizeof(secret) + sizeof(digest)> text{};
  std::copy(secret.begin(), secret.end(), text.begin());
  std::copy(digest.begin(), digest.end(), text.begin() + secret.size());
  return Sha256(text);
}

std::uint64_t Lottery::Number(Use use, std::uint64_t which) const {
  Digest digest;
  digest.Add(std::span(seed_));
  digest.Add(use);
  digest.Add(which);
  const DigestBytes bytes = digest.Finish();
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

std::uint64_t Lottery::NumberOf(std::uint32_t party) const { return Number(Use::kParty, party); }

std::uint64_t Lottery::Below(std::uint64_t bound) const {
  CHECK(bound > 0);
  // The numbers above the last whole multiple of the bound are drawn again.
  const std::uint64_t last = UINT64_MAX - (UINT64_MAX % bound + 1) % bound;
  std::uint64_t draw = 0;
  while (Number(Use::kDraw, draw) > last) ++draw;
  return Number(Use::kDraw, draw) % bound;
}

}  // namespace engine
