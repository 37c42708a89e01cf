// Drives an Exchange by sentences: "account 3 bids 500 Wh at 20 ticks", and keeps what it was told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/core/entry_version.h"
#include "engine/core/exchange.h"
#include "engine/core/lottery_key.h"
#include "engine/core/product.h"

namespace engine {

// A command that owns its bytes.
class OwnedCommand {
 public:
  template <typename Body>
  OwnedCommand(CommandHeader header, std::span<const Body> bodies)
      : words_((sizeof(CommandHeader) + bodies.size_bytes() + 7) / 8) {
    header.length = static_cast<std::uint32_t>(words_.size() * 8);
    header.count = static_cast<std::uint32_t>(bodies.size());
    std::memcpy(words_.data(), &header, sizeof(header));
    if (!bodies.empty()) {
      std::memcpy(words_.data() + sizeof(header) / 8, bodies.data(), bodies.size_bytes());
    }
  }
  CommandHeader& header() { return *reinterpret_cast<CommandHeader*>(words_.data()); }
  CommandView view() const {
    return CommandView(reinterpret_cast<const CommandHeader*>(words_.data()));
  }

 private:
  std::vector<std::uint64_t> words_;
};

inline constexpr MarketId kMarket{1};
inline constexpr std::uint32_t kStart = 600;  // Delivery at 10:00 on 1970-01-01.

// A market with 15 minute slots and prices 0 to 99; gate five minutes before delivery, opened an
// hour before it.
inline MarketDefinition SmallMarket() {
  MarketDefinition market;
  market.id = kMarket;
  market.band_levels = 100;
  market.open_before_s = 3'600;
  market.gate_before_s = 300;
  market.min_notice_s = 60;
  market.order_max_wh = 1'000'000;
  market.party_orders_max = 1'000;
  return market;
}

inline constexpr std::int64_t kGateMinute = kStart - 5;  // Of the last round.

inline MarketDefinition TwoRounds(std::uint8_t carry_over) {
  MarketDefinition market = SmallMarket();
  market.rounds = 2;
  market.round_interval_s = 600;  // Gates at 585 and 595.
  market.carry_over = carry_over;
  return market;
}

// Account n belongs to party n, metering point n and credential n unless AddAccount says otherwise.
class ExchangeDriver {
 public:
  // `entry_version`: as a program began that knew no later one.
  explicit ExchangeDriver(std::uint64_t order_capacity = 100'000,
                          std::uint16_t entry_version = kEntryVersion)
      : entry_version_(entry_version) {
    GenesisBody genesis;
    genesis.order_capacity = order_capacity;
    Apply(CommandType::kGenesis, genesis);
  }

  // Sequences and applies; keeps the command for Replay and the events.
  template <typename Body>
  bool Apply(CommandType type, const Body& body) {
    return ApplyFrom({}, 0, type, std::span<const Body>(&body, 1));
  }
  template <typename Body>
  bool ApplyFrom(CredentialId credential, std::uint64_t seq, CommandType type,
                 std::span<const Body> bodies) {
    CommandHeader header;
    header.time_ns = now_ns;
    header.type = type;
    header.version = type == CommandType::kGenesis ? entry_version_ : NewestVersion(type);
    header.credential = credential;
    header.client_seq = seq;
    OwnedCommand command(header, bodies);
    if (IsFromClient(type) && !exchange.Screen(command.view())) {
      Collect();
      return false;
    }
    return Sequence(std::move(command));
  }
  // Drains nothing, and keeps no outcome.
  template <typename Body>
  bool ApplyUndrained(CommandType type, const Body& body) {
    CommandHeader header;
    header.sequence = exchange.sequence() + 1;
    header.time_ns = now_ns;
    header.type = type;
    return exchange.Apply(OwnedCommand(header, std::span<const Body>(&body, 1)).view());
  }
  bool Sequence(OwnedCommand command) {
    command.header().sequence = exchange.sequence() + 1;
    const bool applied = exchange.Apply(command.view());
    if (applied && keep_journal) journal.push_back(std::move(command));
    if (std::optional<OutcomeBody> outcome = exchange.TakeOutcome()) {
      outcomes.push_back(*outcome);
      Apply(CommandType::kOutcome, *outcome);
    }
    Collect();
    return applied;
  }

  void AddMarket(const MarketDefinition& market) {
    if (!Apply(CommandType::kDefineMarket, market)) std::abort();
  }
  void AddAccount(std::uint32_t id, std::uint64_t party = 0, std::uint32_t credential = 0,
                  MarketId market = kMarket) {
    if (credential == 0) credential = id;
    if (party == 0) party = id;
    if (exchange.FindCredential(CredentialId{credential}) == nullptr) {
      CredentialBody body{.id = CredentialId{credential}};
      std::memcpy(body.token_hash.data(), &credential, sizeof(credential));
      if (!Apply(CommandType::kDefineCredential, body)) std::abort();
    }
    if (exchange.FindMeteringPoint(MeteringPointId{id}) == nullptr) {
      if (!Apply(CommandType::kDefineMeteringPoint, MeteringPointBody{.id = MeteringPointId{id}})) {
        std::abort();
      }
    }
    const AccountBody account{.id = AccountId{id},
                              .party = PartyId{party},
                              .metering_point = MeteringPointId{id},
                              .market = market,
                              .credential = CredentialId{credential}};
    if (!Apply(CommandType::kDefineAccount, account)) std::abort();
  }

  // Lets time pass: whatever falls due until then is applied at its due time.
  void AdvanceTo(std::int64_t time_ns) {
    for (;;) {
      const std::optional<DueCommand> due = exchange.NextDue();
      if (!due || due->due_ns > time_ns) break;
      now_ns = std::max(now_ns, due->due_ns);
      ProductBody body = due->body;
      body.lottery = lottery.Answer(exchange, *due);
      if (!Apply(due->type, body)) std::abort();
    }
    now_ns = std::max(now_ns, time_ns);
  }
  static std::int64_t MinuteNs(std::int64_t minute) { return minute * 60 * 1'000'000'000; }

  std::vector<Refusal> Submit(std::uint32_t credential, const std::vector<OrderBody>& orders,
                              CommandType type = CommandType::kSubmitOrders) {
    const std::size_t before = events.size();
    ApplyFrom(CredentialId{credential}, ++client_seq[credential % 4'096], type,
              std::span<const OrderBody>(orders));
    return RefusalsSince(before);
  }
  // kNone or why the only order was refused.
  Reason Submit(const OrderBody& order) {
    return Only(Submit(static_cast<std::uint32_t>(order.account), {order}));
  }
  Reason Replace(const OrderBody& order) {
    return Only(
        Submit(static_cast<std::uint32_t>(order.account), {order}, CommandType::kReplaceOrders));
  }
  Reason Cancel(std::uint32_t account, std::uint64_t id, std::uint32_t start = kStart) {
    const OrderKeyBody key{.account = AccountId{account},
                           .client_order_id = ClientOrderId{id},
                           .product = {kMarket, start}};
    const std::size_t before = events.size();
    ApplyFrom(CredentialId{account}, ++client_seq[account % 4'096], CommandType::kCancelOrders,
              std::span<const OrderKeyBody>(&key, 1));
    return Only(RefusalsSince(before));
  }

  // Of everything that the credential has open.
  AnswerEvent CancelAll(std::uint32_t credential) {
    const OrderScopeBody all{};
    ApplyFrom(CredentialId{credential}, ++client_seq[credential % 4'096], CommandType::kCancelAll,
              std::span<const OrderScopeBody>(&all, 1));
    return Of(EventType::kAnswer).back().answer;
  }

  std::vector<Refusal> RefusalsSince(std::size_t before) const {
    std::vector<Refusal> refusals;
    for (std::size_t i = before; i < events.size(); ++i) {
      if (events[i].type != EventType::kRefusals) continue;
      const RefusalsEvent& some = events[i].refusals;
      refusals.insert(refusals.end(), some.refusals, some.refusals + some.count);
    }
    return refusals;
  }
  std::vector<FillEvent> Fills() const {
    std::vector<FillEvent> fills;
    for (const Event& event : events) {
      if (event.type == EventType::kFill) fills.push_back(event.fill);
    }
    return fills;
  }
  std::uint32_t FilledWh(std::uint32_t account, std::uint64_t id) const {
    std::uint32_t energy = 0;
    for (const FillEvent& fill : Fills()) {
      if (fill.account == AccountId{account} && fill.client_order_id == ClientOrderId{id}) {
        energy += fill.energy_wh;
      }
    }
    return energy;
  }
  std::vector<Event> Of(EventType type) const {
    std::vector<Event> some;
    for (const Event& event : events) {
      if (event.type == type) some.push_back(event);
    }
    return some;
  }

  void Collect() {
    std::vector<Event> piece(drain_piece);
    while (exchange.Draining()) {
      const std::size_t count = exchange.Drain(piece);
      events.insert(events.end(), piece.begin(),
                    piece.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }

  Exchange exchange;
  LotteryKey lottery;
  std::int64_t now_ns = MinuteNs(540);
  std::size_t drain_piece = 64;
  bool keep_journal = true;
  std::vector<std::uint64_t> client_seq = std::vector<std::uint64_t>(4'096);
  std::vector<Event> events;
  std::vector<OutcomeBody> outcomes;
  std::vector<OwnedCommand> journal;

 private:
  const std::uint16_t entry_version_;

  static Reason Only(const std::vector<Refusal>& refusals) {
    return refusals.empty() ? Reason::kNone : refusals[0].reason;
  }
};

// With the product of kStart open.
inline ExchangeDriver Started(const MarketDefinition& market, std::uint32_t accounts = 6) {
  ExchangeDriver driver;
  driver.AddMarket(market);
  for (std::uint32_t account = 1; account <= accounts; ++account) driver.AddAccount(account);
  driver.AdvanceTo(ExchangeDriver::MinuteNs(545));
  return driver;
}

inline OrderBody MakeOrder(Side side, std::uint32_t account, std::uint64_t id, std::int32_t ticks,
                           std::uint32_t energy_wh) {
  return {.account = AccountId{account},
          .client_order_id = ClientOrderId{id},
          .product = {kMarket, kStart},
          .limit_ticks = ticks,
          .energy_wh = energy_wh,
          .side = side};
}
inline OrderBody Bid(std::uint32_t account, std::uint64_t id, std::int32_t ticks,
                     std::uint32_t energy_wh) {
  return MakeOrder(Side::kBuy, account, id, ticks, energy_wh);
}
inline OrderBody Ask(std::uint32_t account, std::uint64_t id, std::int32_t ticks,
                     std::uint32_t energy_wh) {
  return MakeOrder(Side::kSell, account, id, ticks, energy_wh);
}

}  // namespace engine
