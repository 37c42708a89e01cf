#include "engine/core/clearing/lottery.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/hex.h"
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

// Computed from the definition by another program: SHA-256 of Python's hashlib and XXH3-128 written
// out in Python, checked against libxxhash 0.8.
TEST(Lottery, IsToTheByteWhatItsDefinitionSays) {
  const std::vector<SealedOrder> book = {
      {.party = 0, .open_wh = 5, .level = 29, .side = Side::kBuy},
      {.party = 1, .open_wh = 6, .level = 13, .side = Side::kBuy},
      {.party = 2, .open_wh = 4'000'000'000, .level = 8, .side = Side::kSell}};
  const LotteryBytes seed = LotterySeed(SecretNumber(5), book, /*band_low_ticks=*/-20);
  EXPECT_EQ(ToHex(seed), "aff30f7276a198d12698c4b5d31386d5a639125eef7b3efd7280e5e6030d7128");
  const Lottery lottery(seed);
  EXPECT_EQ(lottery.NumberOf(0), 0x8c4a31a15ce80cb3U);
  EXPECT_EQ(lottery.NumberOf(1), 0x51fb977b320b93e0U);
  EXPECT_EQ(lottery.NumberOf(2), 0x0489a58eff2ebdc7U);
  EXPECT_EQ(lottery.Below(3), 1U);
  EXPECT_EQ(lottery.Below(1'000), 774U);
  // The first four numbers are too large for so large a bound: the fifth is the draw.
  EXPECT_EQ(lottery.Below((std::uint64_t{1} << 63) + 1), 8'520'151'874'383'433'944U);
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
