// The life of a lottery's secret: announced by its hash when the round opens, told when it clears.
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/sha256.h"
#include "tests/support/exchange_driver.h"
#include "tests/support/rule_round.h"

namespace engine {
namespace {

MarketDefinition LotteryMarket(std::uint32_t rounds = 1) {
  MarketDefinition market = SmallMarket();
  market.rule.rule = Rule::kSbba;
  market.rule.lot_wh = 100;
  market.rounds = rounds;
  market.round_interval_s = 300;
  market.carry_over = 1;
  return market;
}

const ProductId product{kMarket, kStart};
const LotteryBytes secret{std::byte{7}};

// Two pairs of which one trades.
void SubmitPairs(ExchangeDriver& driver) {
  ASSERT_EQ(driver.Submit(Bid(1, 1, 90, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Bid(2, 1, 80, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(3, 1, 30, 100)), Reason::kNone);
  ASSERT_EQ(driver.Submit(Ask(4, 1, 40, 100)), Reason::kNone);
}

std::vector<LotteryEvent> Lotteries(const ExchangeDriver& driver) {
  std::vector<LotteryEvent> told;
  for (const Event& event : driver.Of(EventType::kLottery)) {
    if (event.lottery.product == product) told.push_back(event.lottery);
  }
  return told;
}

// The next due command of the product of kStart, whose time has come, without its lottery.
DueCommand DueNext(ExchangeDriver& driver) {
  for (;;) {
    const DueCommand due = *driver.exchange.NextDue();
    driver.now_ns = std::max(driver.now_ns, due.due_ns);
    if (due.body.product == product) return due;
    ProductBody body = due.body;
    body.lottery = driver.lottery.Answer(driver.exchange, due);
    EXPECT_TRUE(driver.Apply(due.type, body));
  }
}

bool ApplyWith(ExchangeDriver& driver, const DueCommand& due, const LotteryBytes& lottery) {
  ProductBody body = due.body;
  body.lottery = lottery;
  return driver.Apply(due.type, body);
}

// With the product about to open.
ExchangeDriver BeforeOpening(const MarketDefinition& market) {
  ExchangeDriver driver;
  driver.AddMarket(market);
  for (std::uint32_t account = 1; account <= 4; ++account) driver.AddAccount(account);
  return driver;
}

TEST(ExchangeLottery, TellsTheHashBehindTheOpeningAndTheSecretWithTheOutcome) {
  ExchangeDriver driver = Started(LotteryMarket());
  SubmitPairs(driver);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
  const std::vector<LotteryEvent> told = Lotteries(driver);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].part, LotteryEvent::Part::kCommitted);
  EXPECT_EQ(told[1].part, LotteryEvent::Part::kRevealed);
  EXPECT_EQ(told[0].bytes, Sha256(told[1].bytes));
  for (std::size_t i = 0; i < driver.events.size(); ++i) {
    const Event& event = driver.events[i];
    if (event.type == EventType::kProductOpened) {
      ASSERT_EQ(driver.events[i + 1].type, EventType::kLottery);
      EXPECT_EQ(driver.events[i + 1].sequence, event.sequence);
    }
    if (event.type != EventType::kLottery) continue;
    EXPECT_EQ(event.credential, CredentialId{}) << "to all of the market";
    EXPECT_EQ(event.market, kMarket);
    if (event.lottery.part == LotteryEvent::Part::kCommitted) continue;
    if (event.lottery.product != product) continue;
    EXPECT_EQ(event.sequence, driver.Of(EventType::kRoundCleared).front().sequence);
  }
}

TEST(ExchangeLottery, HasASecretOfItsOwnForEachRound) {
  ExchangeDriver driver = Started(LotteryMarket(2));
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
  const std::vector<LotteryEvent> told = Lotteries(driver);
  ASSERT_EQ(told.size(), 4U);
  for (const std::size_t round : {0U, 1U}) {
    EXPECT_EQ(told[2 * round].round, round + 1);
    EXPECT_EQ(told[2 * round].bytes, Sha256(told[2 * round + 1].bytes));
  }
  EXPECT_NE(told[1].bytes, told[3].bytes);
}

TEST(ExchangeLottery, DrawsWithTheSecretThatItWasGiven) {
  // Over many secrets each of the two sellers goes without sometimes.
  std::uint32_t third = 0;
  constexpr std::uint32_t kSecrets = 40;
  for (std::uint32_t number = 1; number <= kSecrets; ++number) {
    ExchangeDriver driver = BeforeOpening(LotteryMarket());
    const LotteryBytes drawn{std::byte{static_cast<unsigned char>(number)}};
    ASSERT_TRUE(ApplyWith(driver, DueNext(driver), Sha256(drawn)));
    SubmitPairs(driver);
    ASSERT_TRUE(ApplyWith(driver, DueNext(driver), drawn));
    EXPECT_EQ(driver.FilledWh(1, 1), 100U);
    EXPECT_EQ(driver.FilledWh(3, 1) + driver.FilledWh(4, 1), 100U);
    third += driver.FilledWh(3, 1) > 0 ? 1 : 0;
  }
  EXPECT_GT(third, kSecrets / 4);
  EXPECT_LT(third, kSecrets * 3 / 4);
}

// By the secret other parties meet in a half, which names another price, or nobody trades: each
// time just what the rule does by itself with the same book and secret.
TEST(ExchangeLottery, OfHalfMarketsIsDrawnWithTheSecretThatItWasGivenToo) {
  const std::vector<RuleOrder> orders = {Buy(90, 100), Buy(80, 100), Sell(30, 100), Sell(40, 100)};
  std::set<std::vector<std::int64_t>> outcomes;
  for (std::uint8_t number = 1; number <= 40; ++number) {
    MarketDefinition market = SmallMarket();
    market.rule.rule = Rule::kMuda;
    ExchangeDriver driver = BeforeOpening(market);
    const LotteryBytes drawn{std::byte{number}};
    ASSERT_TRUE(ApplyWith(driver, DueNext(driver), Sha256(drawn)));
    SubmitPairs(driver);
    ASSERT_TRUE(ApplyWith(driver, DueNext(driver), drawn));
    std::vector<std::int64_t> amounts(orders.size());
    for (const FillEvent& fill : driver.Fills()) {
      EXPECT_EQ(fill.energy_wh, 100U);
      amounts[static_cast<std::size_t>(fill.account) - 1] = fill.amount_units;
    }
    EXPECT_EQ(amounts, ClearOrders(market, orders, drawn).amounts);
    outcomes.insert(amounts);
    const std::vector<LotteryEvent> told = Lotteries(driver);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].bytes, Sha256(drawn));
    EXPECT_EQ(told[1].bytes, drawn);
  }
  EXPECT_GE(outcomes.size(), 3U);
}

TEST(ExchangeLottery, RefusesAWrongSecret) {
  ExchangeDriver driver = BeforeOpening(LotteryMarket());
  ASSERT_TRUE(ApplyWith(driver, DueNext(driver), Sha256(secret)));
  SubmitPairs(driver);
  const DueCommand close = DueNext(driver);
  LotteryBytes wrong = secret;
  wrong[31] = std::byte{1};
  const DigestBytes before = driver.exchange.StateDigest();
  EXPECT_FALSE(ApplyWith(driver, close, wrong));
  EXPECT_FALSE(ApplyWith(driver, close, Sha256(secret)));
  EXPECT_EQ(driver.exchange.StateDigest(), before);
  EXPECT_TRUE(ApplyWith(driver, close, secret));
}

TEST(ExchangeLottery, VoidsARoundWhoseSecretIsLostAndGoesOnWithTheNext) {
  ExchangeDriver driver = BeforeOpening(LotteryMarket(2));
  ASSERT_TRUE(ApplyWith(driver, DueNext(driver), Sha256(secret)));
  SubmitPairs(driver);
  ASSERT_TRUE(ApplyWith(driver, DueNext(driver), {}));
  EXPECT_EQ(driver.outcomes.back().result, RoundResult::kVoid);
  EXPECT_EQ(driver.outcomes.back().no_trade, Reason::kLotterySecretLost);
  const std::vector<Event> told = driver.Of(EventType::kRoundVoid);
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told.front().round_void.reason, Reason::kLotterySecretLost);
  EXPECT_EQ(Lotteries(driver).size(), 1U) << "there is nothing to reveal";
  driver.AdvanceTo(ExchangeDriver::MinuteNs(kGateMinute));
  EXPECT_EQ(driver.outcomes.back().result, RoundResult::kTraded);
  EXPECT_EQ(driver.Fills().size(), 2U);
}

TEST(ExchangeLottery, IsAskedForByTheCommandsThatTakePartInIt) {
  ExchangeDriver driver = BeforeOpening(LotteryMarket(2));
  const DueCommand open = DueNext(driver);
  EXPECT_EQ(open.lottery.part, LotteryNeed::Part::kHash);
  EXPECT_FALSE(ApplyWith(driver, open, {})) << "a hash has to be announced";
  ASSERT_TRUE(ApplyWith(driver, open, Sha256(secret)));
  const DueCommand close = DueNext(driver);
  EXPECT_EQ(close.lottery.part, LotteryNeed::Part::kSecret);
  EXPECT_EQ(close.lottery.hash, Sha256(secret));
  EXPECT_EQ(AnswerWith(secret, close.lottery), secret);
  EXPECT_EQ(AnswerWith(Sha256(secret), close.lottery), LotteryBytes{}) << "another's is no answer";
  ASSERT_TRUE(ApplyWith(driver, close, secret));
  const DueCommand finish = DueNext(driver);
  EXPECT_EQ(finish.type, CommandType::kFinishRound);
  EXPECT_EQ(finish.lottery.part, LotteryNeed::Part::kHash) << "of the next round";
  EXPECT_FALSE(ApplyWith(driver, finish, {}));
  ASSERT_TRUE(ApplyWith(driver, finish, Sha256(secret)));
  ASSERT_TRUE(ApplyWith(driver, DueNext(driver), secret));
  const DueCommand last = DueNext(driver);
  EXPECT_EQ(last.type, CommandType::kFinishRound);
  EXPECT_EQ(last.lottery.part, LotteryNeed::Part::kNone) << "no round follows";
  EXPECT_FALSE(ApplyWith(driver, last, Sha256(secret)));
  EXPECT_TRUE(ApplyWith(driver, last, {}));
}

TEST(ExchangeLottery, HasNoPlaceInMarketsOfOtherRules) {
  ExchangeDriver driver = BeforeOpening(TwoRounds(0));
  for (const CommandType type : {CommandType::kOpenProduct, CommandType::kCloseRound,
                                 CommandType::kFinishRound, CommandType::kCloseRound}) {
    const DueCommand due = DueNext(driver);
    ASSERT_EQ(due.type, type);
    EXPECT_EQ(due.lottery.part, LotteryNeed::Part::kNone);
    EXPECT_FALSE(ApplyWith(driver, due, Sha256(secret)));
    ASSERT_TRUE(ApplyWith(driver, due, driver.lottery.Answer(driver.exchange, due)));
  }
  EXPECT_TRUE(Lotteries(driver).empty());
}

TEST(ExchangeLottery, RevealsTheSecretOfARoundThatIsTooLateToo) {
  ExchangeDriver driver = Started(LotteryMarket());
  SubmitPairs(driver);
  const DueCommand close = DueNext(driver);
  driver.now_ns = close.too_late_ns;
  ASSERT_TRUE(ApplyWith(driver, close, driver.lottery.Answer(driver.exchange, close)));
  EXPECT_EQ(driver.outcomes.back().result, RoundResult::kVoid);
  EXPECT_EQ(driver.outcomes.back().no_trade, Reason::kNone);
  EXPECT_EQ(Lotteries(driver).back().part, LotteryEvent::Part::kRevealed);
}

std::vector<Event> AskForProducts(ExchangeDriver& driver) {
  driver.events.clear();
  CommandHeader header;
  header.type = CommandType::kListProducts;
  header.credential = CredentialId{1};
  header.client_seq = 5;
  const OrderScopeBody all{};
  driver.exchange.Ask(OwnedCommand(header, std::span<const OrderScopeBody>(&all, 1)).view());
  driver.Collect();
  return driver.events;
}

TEST(ExchangeLottery, IsToldAgainWithTheListOfProducts) {
  ExchangeDriver driver = Started(LotteryMarket());
  const LotteryBytes hash = Lotteries(driver).front().bytes;
  const std::vector<Event> told = AskForProducts(driver);
  std::uint32_t products = 0;
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (told[i].type != EventType::kProductOpened) continue;
    ++products;
    ASSERT_EQ(told[i + 1].type, EventType::kLottery);
    EXPECT_EQ(told[i + 1].credential, CredentialId{1});
    EXPECT_EQ(told[i + 1].lottery.product, told[i].product_opened.product);
    if (told[i + 1].lottery.product != product) continue;
    EXPECT_EQ(told[i + 1].lottery.bytes, hash);
  }
  EXPECT_GT(products, 0U);
  EXPECT_EQ(told.back().list_end.told, products) << "lotteries are not counted";
}

TEST(LotteryKey, HasASecretForEachKeyClusterProductAndRound) {
  std::vector<LotteryBytes> hashes;
  const auto add = [&hashes](const LotteryKey& key, std::uint8_t cluster, std::uint32_t market,
                             std::uint32_t definitions) {
    Exchange exchange;
    CommandHeader header{.sequence = 1, .type = CommandType::kGenesis};
    GenesisBody genesis;
    genesis.cluster_id[0] = std::byte{cluster};
    genesis.order_capacity = 10;
    ASSERT_TRUE(
        exchange.Apply(OwnedCommand(header, std::span<const GenesisBody>(&genesis, 1)).view()));
    for (std::uint32_t i = 0; i < definitions; ++i) {
      header.sequence = exchange.sequence() + 1;
      header.type = CommandType::kDefineMarket;
      MarketDefinition definition = LotteryMarket();
      definition.id = MarketId{market};
      ASSERT_TRUE(exchange.Apply(
          OwnedCommand(header, std::span<const MarketDefinition>(&definition, 1)).view()));
    }
    hashes.push_back(key.Answer(exchange, *exchange.NextDue()));
  };
  add(LotteryKey(), 0, 1, 1);
  add(LotteryKey(secret), 0, 1, 1);
  add(LotteryKey(), 1, 1, 1);
  add(LotteryKey(), 0, 2, 1);
  add(LotteryKey(), 0, 1, 2);
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::unique(hashes.begin(), hashes.end()), hashes.end());
  EXPECT_NE(hashes.front(), LotteryBytes{});
}

}  // namespace
}  // namespace engine
