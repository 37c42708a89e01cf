// Where the secrets of lotteries come from: one key, of which each round's secret is made.
#pragma once

#include "engine/core/exchange.h"

namespace engine {

// A round's secret is the SHA-256 of the key, the cluster, the shard, the product, and the sequence
// of the command that begins the round: it is there again after a restart, needs no place in the
// journal before it is out, and says nothing of the others. Who has the key knows every lottery
// while its round is open.
class LotteryKey {
 public:
  LotteryKey() = default;  // Zero, which everybody knows: for tools and tests.
  explicit LotteryKey(const LotteryBytes& key) : key_(key) {}

  // What due.body.lottery has to be. Ensures: zero where nothing is needed, and where the secret
  // that was announced is of another key: it is lost.
  // Requires: `due` is the exchange's, and the next command that it applies.
  LotteryBytes Answer(const Exchange& exchange, const DueCommand& due) const;

 private:
  LotteryBytes SecretOf(const Exchange& exchange, const ProductId& product,
                        std::uint64_t round_began) const;

  LotteryBytes key_{};
};

// The same where the secret is given.
LotteryBytes AnswerWith(const LotteryBytes& secret, const LotteryNeed& need);

}  // namespace engine
