#include "engine/core/lottery_key.h"

#include <type_traits>

#include "engine/core/sha256.h"

namespace engine {
namespace {

// What is hashed: always so long, so that none is the beginning of another.
struct SecretText {
  LotteryBytes key{};
  std::array<std::byte, 16> cluster_id{};
  std::uint32_t shard = 0;
  MarketId market{};
  std::uint64_t start_minute = 0;
  std::uint64_t round_began = 0;
};
static_assert(sizeof(SecretText) == 72 && std::has_unique_object_representations_v<SecretText>);

}  // namespace

LotteryBytes AnswerWith(const LotteryBytes& secret, const LotteryNeed& need) {
  if (need.part == LotteryNeed::Part::kNone) return {};
  const LotteryBytes hash = Sha256(secret);
  if (need.part == LotteryNeed::Part::kHash) return hash;
  return hash == need.hash ? secret : LotteryBytes{};
}

LotteryBytes LotteryKey::SecretOf(const Exchange& exchange, const ProductId& product,
                                  std::uint64_t round_began) const {
  const SecretText text{.key = key_,
                        .cluster_id = exchange.genesis().cluster_id,
                        .shard = exchange.genesis().shard,
                        .market = product.market,
                        .start_minute = product.start_minute,
                        .round_began = round_began};
  return Sha256(std::as_bytes(std::span(&text, 1)));
}

LotteryBytes LotteryKey::Answer(const Exchange& exchange, const DueCommand& due) const {
  if (due.lottery.part == LotteryNeed::Part::kNone) return {};
  const bool begins = due.lottery.part == LotteryNeed::Part::kHash;
  const std::uint64_t began = begins ? exchange.sequence() + 1 : due.lottery.round_began;
  return AnswerWith(SecretOf(exchange, due.body.product, began), due.lottery);
}

}  // namespace engine
