#include "engine/core/clearing/lottery.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/rule_round.h"

namespace engine {
namespace {

LotteryBytes SeedOf(const std::vector<RuleOrder>& orders, const LotteryBytes& secret) {
  LotteryBytes seed{};
  ClearOrdersBy(
      RuleMarket(Rule::kMuda), orders,
      [&seed](const SealedBook& sealed, ClearingScratch&) {
        const SealedOrders read = ReadSealed(sealed.book, sealed.memory);
        seed = LotterySeed(sealed.secret, read.orders, sealed.market.band_low_ticks);
        return ClearedRound();
      },
      secret);
  return seed;
}

TEST(Lottery, HasASeedOfItsOwnForEachSecretAndForEachChangeOfTheBook) {
  const std::vector<RuleOrder> book = {Buy(9, 5, 1), Buy(7, 6, 2), Sell(3, 5, 3)};
  std::vector<std::vector<RuleOrder>> books(8, book);
  books[1][0].limit = 8;
  books[2][1].energy_wh = 7;
  books[3][2].party = 2;
  books[4][2].side = Side::kBuy;
  books[5].pop_back();
  books[6].push_back(Sell(9, 1, 4));
  std::swap(books[7][0], books[7][1]);  // Another priority in time.
  std::set<LotteryBytes> seeds;
  for (const auto& orders : books) seeds.insert(SeedOf(orders, SecretNumber(1)));
  for (std::uint64_t number = 2; number < 10; ++number) {
    seeds.insert(SeedOf(book, SecretNumber(number)));
  }
  EXPECT_EQ(seeds.size(), books.size() + 8);
}

TEST(Lottery, NumbersPartiesByTheirPlaceInTheBookAlone) {
  const LotteryBytes secret = SecretNumber(1);
  EXPECT_EQ(SeedOf({Buy(9, 5, 1), Buy(7, 6, 2), Sell(3, 5, 1)}, secret),
            SeedOf({Sell(3, 5, 70), Buy(9, 5, 70), Buy(7, 6, 4)}, secret));
}

TEST(Lottery, DrawsEachNumberBelowABoundAboutEquallyOften) {
  constexpr std::uint64_t kDraws = 30'000;
  for (const std::uint64_t bound : {1U, 2U, 3U, 7U}) {
    std::vector<std::uint64_t> often(bound);
    for (std::uint64_t number = 0; number < kDraws; ++number) {
      ++often.at(Lottery(SecretNumber(number)).Below(bound));
    }
    for (const std::uint64_t times : often) {
      ExpectWithin(static_cast<std::int64_t>(times), static_cast<std::int64_t>(kDraws / bound),
                   400);
    }
  }
}

TEST(Lottery, DrawsBelowBoundsAsLargeAsANumberCanBe) {
  // Nearly half of all numbers are beyond the last whole multiple of this bound.
  constexpr std::uint64_t kBound = (std::uint64_t{1} << 63) + 1;
  std::uint64_t upper_half = 0;
  for (std::uint64_t number = 0; number < 4'000; ++number) {
    const std::uint64_t draw = Lottery(SecretNumber(number)).Below(kBound);
    ASSERT_LT(draw, kBound);
    upper_half += draw >= kBound / 2 ? 1 : 0;
  }
  ExpectWithin(static_cast<std::int64_t>(upper_half), 2'000, 200);
}

}  // namespace
}  // namespace engine
