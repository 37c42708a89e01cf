// What a market is: its rule, price band, time table and limits. Frozen into a product when it
// opens.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "engine/core/ids.h"

namespace engine {

enum class Rule : std::uint16_t {
  kUniform = 1,
  kStackelberg = 2,
  kPayAsBid = 3,
  kMcAfee = 4,
  kTradeReduction = 5,
  kHuang = 6,
  kVcg = 7,
  kReverse = 8,
  kForward = 9,
  kContinuous = 10,
  kSbba = 11,
  kMuda = 12,
};
enum class Margin : std::uint8_t { kProRata = 0, kTime = 1 };  // Who gets the marginal energy.
enum class SelfTrade : std::uint8_t { kRefuse = 0, kCancelOlder = 1 };
enum class Ties : std::uint8_t { kLower = 0, kHigher = 1 };     // Of prices that are equally good.
enum class LoneTrader : std::uint8_t { kKeep = 0, kDrop = 1 };  // Where a side's first is marginal.
enum class Admission : std::uint8_t { kClosed = 0, kStrict = 1 };  // Grid tariffs: in, or too far.
enum class Objective : std::uint8_t { kAsws = 0, kWelfare = 1 };
// How a game with live buyers goes through the prices; kNone: none is played.
enum class Schedule : std::uint8_t { kNone = 0, kDescending = 1, kBisecting = 2 };
// Where the prices that it announces begin: at the first that counts, or at the retail tariff.
enum class AnnounceFrom : std::uint8_t { kRange = 0, kBand = 1 };
enum class PairPricing : std::uint8_t { kMidpoint = 0, kBuyer = 1 };
enum class ManyPayment : std::uint8_t { kPayAsBid = 0, kUniform = 1, kVickrey = 2 };
enum class LongSide : std::uint8_t { kLottery = 0, kVickrey = 1 };  // Who of it trades.
enum class UniformPricing : std::uint8_t { kInterval = 0, kLastBid = 1, kLastAsk = 2 };

// The rule and all that it may be tuned by; written into every outcome. What a rule does not have
// is as here.
struct RuleParameters {
  Rule rule = Rule::kUniform;
  std::uint16_t rule_version = 1;
  Margin margin = Margin::kProRata;
  SelfTrade self_trade = SelfTrade::kRefuse;
  Ties ties = Ties::kLower;
  LoneTrader lone_trader = LoneTrader::kKeep;
  std::uint32_t k_numerator = 1;  // price = low + floor(k * (high - low)), 0 <= k <= 1.
  std::uint32_t k_denominator = 2;
  std::uint32_t step_ticks = 1;    // Between two prices that are looked at.
  std::uint32_t min_order_wh = 0;  // 0: none.
  Admission admission = Admission::kClosed;
  Objective objective = Objective::kAsws;
  Schedule schedule = Schedule::kNone;
  AnnounceFrom announce_from = AnnounceFrom::kRange;
  UniformPricing price = UniformPricing::kInterval;
  PairPricing pricing = PairPricing::kMidpoint;  // Of pay_as_bid.
  ManyPayment payment = ManyPayment::kPayAsBid;  // Of the many, in reverse and forward.
  LongSide long_side = LongSide::kLottery;       // Of muda.
  std::uint32_t answer_ms = 1'000;               // A step of a game waits so long for answers, and
  std::uint32_t game_budget_ms = 20'000;         // the whole game takes no longer than this.
  std::uint32_t lot_wh = 0;                      // Of every order, with a rule in lots.
  std::uint32_t zero2 = 0;
  AccountId balance_account{};         // Named as bearing the deficit, with vcg.
  std::int64_t deficit_cap_units = 0;  // Of one round; over it nothing trades.

  friend bool operator==(const RuleParameters&, const RuleParameters&) = default;
};
static_assert(sizeof(RuleParameters) == 64);

// kDefineMarket. Times are relative to the start of delivery: a product opens `open_before_s`
// before it, and round n of `rounds` has its gate `gate_before_s + (rounds - n) * round_interval_s`
// before it.
struct MarketDefinition {
  MarketId id{};
  std::uint32_t slot_minutes = 15;  // 5, 15, 30 or 60.
  std::int32_t band_low_ticks = 0;
  std::uint32_t band_levels = 1'000;  // Prices band_low_ticks to band_low_ticks + band_levels - 1.
  std::uint32_t open_before_s = 86'400;
  std::uint32_t gate_before_s = 300;
  std::uint32_t min_notice_s = 60;  // A round cleared later than this before delivery is void.
  std::uint32_t rounds = 1;
  std::uint32_t round_interval_s = 0;
  std::uint32_t freeze_s = 0;                // Before each gate.
  std::uint32_t indicative_interval_s = 0;   // 0: no indicative price.
  std::uint32_t indicative_min_parties = 3;  // A side; below it none is published.
  std::uint32_t indicative_step_ticks = 1;   // Published prices and energies are rounded down to
  std::uint32_t indicative_step_wh = 1;      // multiples of these.
  std::uint32_t order_max_wh = 1'000'000;
  std::uint32_t party_orders_max = 64;
  std::uint32_t book_orders_max = 1'000'000;
  std::int32_t retail_ticks = 0;   // What the grid takes for a watt-hour, and
  std::int32_t feed_in_ticks = 0;  // what it pays: for statements, and Stackelberg's admission.
  std::uint8_t carry_over = 0;     // 1: unfilled orders stay for the product's next round.
  std::array<char, 3> currency{'E', 'U', 'R'};  // ISO 4217.
  RuleParameters rule;
  std::array<char, 32> time_zone{};  // IANA name, for tools and statements; zero-padded.
  std::array<char, 32> name{};       // For people; zero-padded.

  friend bool operator==(const MarketDefinition&, const MarketDefinition&) = default;
};
static_assert(sizeof(MarketDefinition) == 208 && std::is_trivially_copyable_v<MarketDefinition>);

// So many products of the market are open at once, at most.
constexpr std::uint64_t OpenProductsMost(const MarketDefinition& definition) {
  return definition.open_before_s / (std::uint64_t{definition.slot_minutes} * 60) + 2;
}

// Ensures: false for every definition that could break a limit, overflow or never clear.
bool IsPossible(const MarketDefinition& definition);

}  // namespace engine
