// A command: the only thing that changes the exchange. The same bytes cross the rings, lie in the
// journal and enter Exchange::Apply.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "engine/core/check.h"
#include "engine/core/definition_body.h"
#include "engine/core/ids.h"
#include "engine/core/limits.h"
#include "engine/core/market_definition.h"
#include "engine/core/outcome_body.h"
#include "engine/core/reason.h"
#include "engine/core/running_digest.h"

namespace engine {

// Numbers are permanent. A new layout of a body is a new version of its type.
enum class CommandType : std::uint16_t {
  // Administrative.
  kGenesis = 1,
  kDefineMarket = 2,
  kDefineMeteringPoint = 3,
  kDefineAccount = 4,
  kDefineCredential = 5,
  kDefineCertificate = 6,
  kAct = 7,  // Some of these, with who and why: act.h. The bare ones are in older journals.
  // From clients.
  kSubmitOrders = 16,
  kReplaceOrders = 17,
  kCancelOrders = 18,
  kCancelAll = 19,
  kDisconnect = 20,  // Made by the gateway where a session asked for cancel-on-disconnect.
  kReplyQuantities = 21,
  // Made by the shard when their time has come.
  kOpenProduct = 32,
  kCloseRound = 33,
  kFinishRound = 34,
  kStepGame = 35,     // A game's step is over: all have answered, or its deadline has passed.
  kResumeGames = 36,  // Controllers need time: after a start, or where a price was called late.
  kContinueMatching = 37,  // An order has more trades than its command could make.
  kAdoptEntry = 38,        // From here on another version says which orders are taken.
  // What a round came to, and what all came to until now; checked by every replay.
  kOutcome = 48,
  kRunningDigest = 49,
  // Questions: answered through the shard, never journaled, change nothing.
  kListOpenOrders = 64,
  kLogon = 65,
  kListProducts = 66,
};

inline constexpr std::uint16_t kCommandVersion = 1;  // But a kGenesis: see entry_version.h.
constexpr bool IsQuery(CommandType type) { return static_cast<std::uint16_t>(type) >= 64; }
constexpr bool IsFromClient(CommandType type) {
  return (type >= CommandType::kSubmitOrders && type <= CommandType::kCancelAll) ||
         type == CommandType::kReplyQuantities;
}

// Little endian, 8-aligned; followed by `count` bodies of the type's layout.
struct CommandHeader {
  std::uint64_t sequence = 0;    // Place in the shard's history, from 1; 0 before it has one.
  std::int64_t time_ns = 0;      // UTC. Until it is sequenced: when the gateway had read the frame.
  std::uint64_t client_seq = 0;  // From 1; 0 where no client sent it.
  CredentialId credential{};     // Zero where no client sent it.
  std::uint32_t length = 0;      // Bytes of header and bodies: a multiple of 8.
  CommandType type{};
  std::uint16_t version = kCommandVersion;
  std::uint32_t count = 0;
};
static_assert(sizeof(CommandHeader) == 40 && std::is_trivially_copyable_v<CommandHeader>);

enum class Side : std::uint8_t { kBuy = 0, kSell = 1 };
// How a buyer's energy follows the price: see clearing/response.h.
enum class Response : std::uint8_t {
  kFixed = 0,
  kQuadratic = 1,
  kLogarithmic = 2,
  kInteractive = 3,  // The buyer is asked while the round is played.
};
enum class TimeInForce : std::uint8_t { kProduct = 0 };  // Until filled or the last round.

// kSubmitOrders, kReplaceOrders. A replace names an open order by account, id and product;
// `energy_wh` is what shall be open from now on. A new price or more energy loses time priority.
struct OrderBody {
  AccountId account{};
  ClientOrderId client_order_id{};
  ProductId product;
  std::int32_t limit_ticks = 0;
  std::uint32_t energy_wh = 0;
  std::uint32_t response_param = 0;  // Quadratic: theta, ticks per MWh; logarithmic: scale, Wh.
  Side side{};
  Response response{};
  TimeInForce time_in_force{};
  std::uint8_t zero = 0;
};
static_assert(sizeof(OrderBody) == 40 && std::is_trivially_copyable_v<OrderBody>);

// kCancelOrders.
struct OrderKeyBody {
  AccountId account{};
  ClientOrderId client_order_id{};
  ProductId product;
};
static_assert(sizeof(OrderKeyBody) == 24);

// kReplyQuantities: what a buyer takes at the price of a step.
struct QuantityBody {
  AccountId account{};
  ClientOrderId client_order_id{};
  ProductId product;
  std::uint64_t demand_nwh = 0;
  std::uint32_t round = 0;
  std::uint32_t step = 0;
};
static_assert(sizeof(QuantityBody) == 40 && std::is_trivially_copyable_v<QuantityBody>);

// kCancelAll, kListOpenOrders, kListProducts: zero in a field means all that are the credential's.
struct OrderScopeBody {
  AccountId account{};
  MarketId market{};
  std::uint32_t zero = 0;
};
static_assert(sizeof(OrderScopeBody) == 16);

// kLogon. The answer goes to {gateway, session} as the ring knows them.
struct LogonBody {
  std::array<std::byte, 32> hash{};  // Of the token that was sent, or of the certificate shown.
  std::uint64_t session = 0;         // The gateway's own number for the connection.
  std::uint64_t next_event = 0;      // The first event number that the client has not seen.
  LogonProof proof{};
  std::array<std::uint8_t, 7> zero{};
};
static_assert(sizeof(LogonBody) == 56);

// kDisconnect.
struct DisconnectBody {
  std::uint64_t logon = 0;  // The one that is over, as the shard numbered it: see LogonAnswerEvent.
};
static_assert(sizeof(DisconnectBody) == 8);

// Of a round with a lottery: its secret, or the SHA-256 of that. See clearing/lottery.h.
using LotteryBytes = std::array<std::byte, 32>;

// kOpenProduct, kCloseRound, kFinishRound, kStepGame, kContinueMatching.
struct ProductBody {
  ProductId product;
  std::uint32_t round = 0;  // From 1; 0 in kOpenProduct.
  std::uint32_t step = 0;   // From 1, in kStepGame; else 0.
  // With a lottery: the hash of the secret of the round that kOpenProduct or kFinishRound begins,
  // and in kCloseRound the secret, zero if it is lost. Else zero.
  LotteryBytes lottery{};
};
static_assert(sizeof(ProductBody) == 48 && std::has_unique_object_representations_v<ProductBody>);

// kResumeGames.
struct ResumeBody {
  ProductId product;          // Market 0: every one that is played.
  std::int64_t until_ns = 0;  // Deadlines are no earlier than a step's wait after this.
};
static_assert(sizeof(ResumeBody) == 16);

// A command in memory that somebody else owns: a header and its bodies behind it.
class CommandView {
 public:
  // Requires: `header` begins header->length readable bytes, 8-aligned.
  explicit CommandView(const CommandHeader* header) : header_(header) {
    CHECK(header->length >= sizeof(CommandHeader));
  }

  const CommandHeader& header() const { return *header_; }
  std::span<const std::byte> bytes() const {
    return {reinterpret_cast<const std::byte*>(header_), header_->length};
  }
  std::span<const std::byte> body() const { return bytes().subspan(sizeof(CommandHeader)); }

  // The bodies, in place. Empty where the length does not hold `count` of this layout.
  template <typename Body>
  std::span<const Body> Items() const {
    static_assert(std::is_trivially_copyable_v<Body> && alignof(Body) <= 8);
    if (body().size() != header_->count * sizeof(Body)) return {};
    return {reinterpret_cast<const Body*>(body().data()), header_->count};
  }

  // The only body; null where there is not exactly one of this layout.
  template <typename Body>
  const Body* Single() const {
    const std::span<const Body> items = Items<Body>();
    return items.size() == 1 ? items.data() : nullptr;
  }

 private:
  const CommandHeader* header_;
};

}  // namespace engine
