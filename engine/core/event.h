// An event: what the exchange tells one credential, or every session of a market.
#pragma once

#include <cstdint>
#include <type_traits>

#include "engine/core/command.h"
#include "engine/core/ids.h"
#include "engine/core/reason.h"

namespace engine {

enum class EventType : std::uint16_t {
  // Answers to one command, for the session of `credential`. An answer is kAnswer followed by
  // ceil(refused / kRefusalsAnEvent) kRefusals; orders not named in them are accepted.
  kAnswer = 1,
  kRefusals = 2,
  // Answers to kListOpenOrders: kOpenOrder for each, then kOpenOrdersEnd. Answers to kListProducts:
  // kProductOpened for each, to the credential, with its kLottery behind it, then kProductsEnd.
  kLook = 8,  // First, where it is a look into others' orders; for the log alone. A ListEndEvent.
  kOpenOrder = 3,
  kOpenOrdersEnd = 4,
  kProductsEnd = 7,
  // Answer to kLogon, for the connection `session`: kLogonMarket for each market in which the
  // credential has an account, for all where it has the role kRead, then kLogonAnswer.
  kLogonMarket = 5,
  kLogonAnswer = 6,
  // Numbered per credential, in order, without gaps.
  kRoundCleared = 16,  // To each credential with an order in the round, before its fills.
  kFill = 17,
  kRoundVoid = 18,
  kOrderCancelled = 19,  // Not by its owner's own request.
  // To all sessions of a market; not numbered; may be conflated.
  kProductOpened = 32,
  kIndicative = 33,
  kPriceCall = 34,  // To the owner of an order in a round that is played; not numbered.
  // To all sessions of a market whose rule has a lottery; not numbered. Behind kProductOpened what
  // its round is held to; when the round is cleared, the secret.
  kLottery = 35,
  kCovered = 48,  // To the outbox alone: all numbered events up to `sequence` came before.
};

// A refused item of a command: its place in the frame and why.
struct Refusal {
  std::uint16_t index = 0;
  Reason reason{};
};
inline constexpr std::size_t kRefusalsAnEvent = 10;

struct AnswerEvent {
  std::uint64_t client_seq = 0;
  std::int64_t time_ns = 0;               // When the command was sequenced.
  std::uint64_t command_sequence = 0;     // Order ids are this * 1,024 + place. 0: not sequenced.
  std::uint64_t expected_client_seq = 0;  // With kSequenceGap and kSequenceTooOld; else 0.
  CommandType command{};
  Reason reason{};            // Of the whole frame; with kNone see the refusals.
  std::uint32_t items = 0;    // In the frame; of kCancelAll: orders that were cancelled.
  std::uint16_t refused = 0;  // So many refusals follow, in kRefusals.
};
struct RefusalsEvent {
  std::uint16_t count = 0;
  Refusal refusals[kRefusalsAnEvent];
};
struct OpenOrderEvent {
  AccountId account{};
  ClientOrderId client_order_id{};
  OrderId order{};
  ProductId product;
  std::int32_t limit_ticks = 0;
  std::uint32_t open_wh = 0;
  Side side{};
};
struct ListEndEvent {
  std::uint64_t query = 0;  // The question's client_seq.
  std::uint32_t told = 0;   // Orders or products.
  MarketId market{};        // Of a look into others' orders, for the log: what was asked for,
  AccountId account{};      // and not both zero.
};
struct LogonMarketEvent {
  std::uint64_t session = 0;
  MarketId market{};
};
struct LogonAnswerEvent {
  std::uint64_t session = 0;
  std::uint64_t next_client_seq = 0;
  std::uint64_t next_event = 0;  // The number that the next numbered event will have.
  std::uint64_t logon = 0;       // Successful logons at the shard until now, this one included.
  std::uint32_t orders_per_second = 0;
  Reason reason{};  // kNone or kNotAuthorised.
  CredentialKind kind{};
};
struct RoundClearedEvent {
  ProductId product;
  std::uint32_t round = 0;
  std::uint32_t rounds = 0;                 // Of the product; the last one ends it.
  std::uint64_t energy_wh = 0;              // Of the whole round.
  std::int64_t operator_balance_units = 0;  // What buyers pay less what sellers get.
  std::int32_t buy_price_ticks = 0;         // Meaningless where nothing traded; a mean rounded
  std::int32_t sell_price_ticks = 0;        // down where each order pays by itself.
  std::uint32_t orders = 0;                 // The credential's own open orders in the round, and
  std::uint32_t fills = 0;                  // how many of them got energy: so many kFill follow.
  Reason no_trade{};  // Why nothing traded, where it is not that nothing crossed.
  RoundResult result{};
  std::uint8_t carry_over = 0;  // 1: what is unfilled stays for the next round.
  std::uint32_t zero = 0;
};
struct FillEvent {
  AccountId account{};
  ClientOrderId client_order_id{};
  OrderId order{};
  ProductId product;
  std::int64_t amount_units = 0;  // A buyer pays it, a seller is paid it.
  std::int32_t price_ticks = 0;   // The amount over the energy, rounded down: for display.
  std::uint32_t energy_wh = 0;
  std::uint32_t open_wh = 0;  // Still open after this fill.
  std::uint16_t round = 0;
  Side side{};
  std::uint8_t zero = 0;
};
struct RoundVoidEvent {
  ProductId product;
  std::uint32_t round = 0;
  std::uint32_t rounds = 0;
  Reason reason{};  // kNone: it was too late to clear it.
  std::uint8_t carry_over = 0;
  std::uint8_t zero = 0;
};
struct OrderCancelledEvent {
  AccountId account{};
  ClientOrderId client_order_id{};
  OrderId order{};
  ProductId product;
  std::uint32_t open_wh = 0;  // What was taken out.
  Reason reason{};
  std::uint16_t zero = 0;
};
struct ProductOpenedEvent {
  ProductId product;
  std::int64_t gate_ns = 0;  // Of the next round.
  std::uint32_t round = 0;
  std::uint32_t rounds = 0;
  std::uint32_t slot_minutes = 0;
  std::int32_t band_low_ticks = 0;
  std::uint32_t band_levels = 0;
};
struct IndicativeEvent {
  ProductId product;
  std::uint64_t energy_wh = 0;
  std::int32_t price_ticks = 0;  // What buyers would pay.
  std::uint8_t crossing = 0;     // 0: nothing would trade; no price.
};
struct PriceCallEvent {
  AccountId account{};
  ClientOrderId client_order_id{};
  ProductId product;
  std::int64_t deadline_ns = 0;
  std::uint32_t round = 0;
  std::uint32_t step = 0;
  std::int32_t price_ticks = 0;
};

struct LotteryEvent {
  enum class Part : std::uint8_t { kCommitted = 0, kRevealed = 1 };
  ProductId product;
  std::uint32_t round = 0;
  Part part{};
  LotteryBytes bytes{};  // Committed: the SHA-256 of the secret. Revealed: the secret.
};

// Fixed size, so that events travel in batches.
struct Event {
  std::uint64_t sequence = 0;      // Leaves the process only once this command is durable.
  std::uint64_t event_number = 0;  // From 1 per credential; 0: not numbered.
  CredentialId credential{};       // Whom it is for; zero: every session of `market`.
  MarketId market{};               // Only where credential is zero.
  EventType type{};
  std::uint16_t zero = 0;
  std::uint32_t zero2 = 0;
  union {
    AnswerEvent answer;
    RefusalsEvent refusals;
    OpenOrderEvent open_order;
    ListEndEvent list_end;
    LogonMarketEvent logon_market;
    LogonAnswerEvent logon_answer;
    RoundClearedEvent round_cleared;
    FillEvent fill;
    RoundVoidEvent round_void;
    OrderCancelledEvent order_cancelled;
    ProductOpenedEvent product_opened;
    IndicativeEvent indicative;
    PriceCallEvent price_call;
    LotteryEvent lottery;
  };

  Event() : answer() {}
};
static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) == 88);

}  // namespace engine
