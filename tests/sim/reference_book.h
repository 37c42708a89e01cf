// One product of the reference exchange: its orders in a list, its rounds by the naive auction, and
// the trades of a continuous market one after the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "engine/core/command.h"
#include "engine/core/digest.h"
#include "engine/core/event.h"
#include "engine/core/market_definition.h"
#include "engine/core/reason.h"
#include "tests/support/naive_auction.h"

namespace engine {

struct ReferenceOrder {
  AccountBody account;  // As it is defined now.
  OrderBody terms;
  OrderId id{};
  std::uint64_t open = 0;
  std::uint64_t filled = 0;  // In the round that was cleared last.
};

// The order that came took energy from one that waited.
struct ReferenceTrade {
  OrderId taker{};
  OrderId maker{};
  std::int64_t price = 0;
  std::uint64_t energy = 0;
};

struct ReferenceProduct {
  static constexpr std::int64_t kSecond = 1'000'000'000;

  ProductId id;
  MarketDefinition market;  // As it was when the product opened.
  std::uint32_t round = 1;
  std::uint64_t round_began = 0;         // The command's sequence.
  bool clearing = false;                 // From its close to its finish.
  std::vector<ReferenceOrder> orders{};  // Oldest first; one that moved is new. None ever goes.
  bool changed = true;                   // Since its indicative price was last worked out.
  std::map<CredentialId, std::uint64_t> leaving{};  // Whose orders before this command go later.
  std::map<std::pair<MeteringPointId, Side>, std::uint64_t> traded_wh{};  // In all its rounds.
  std::uint64_t round_orders = 0;        // That were open when the round began, or came in it.
  std::vector<ReferenceTrade> trades{};  // Where orders trade as they come: all of them.

  static std::int64_t Gate(const MarketDefinition& market, std::uint32_t start,
                           std::uint32_t round) {
    const std::int64_t before_s =
        market.gate_before_s + std::int64_t{market.rounds - round} * market.round_interval_s;
    return (std::int64_t{start} * 60 - before_s) * kSecond;
  }
  std::int64_t gate() const { return Gate(market, id.start_minute, round); }
  bool IsContinuous() const { return market.rule.rule == Rule::kContinuous; }
  bool IsLastRound() const { return round == market.rounds; }
  bool KeepsOrders() const { return market.carry_over == 1 && !IsLastRound(); }
  bool IsFrozen(std::int64_t now) const { return now >= gate() - market.freeze_s * kSecond; }
  // What has traded as it came is not taken back.
  bool IsTooLate(std::int64_t now) const {
    return !IsContinuous() &&
           now > (std::int64_t{id.start_minute} * 60 - market.min_notice_s) * kSecond;
  }

  // The order that is named; null where there is none, or it is not open.
  ReferenceOrder* FindOpen(AccountId account, ClientOrderId client_order_id) {
    for (ReferenceOrder& order : orders) {
      if (order.open > 0 && order.terms.account == account &&
          order.terms.client_order_id == client_order_id) {
        return &order;
      }
    }
    return nullptr;
  }

  // Why an order by itself is not one for this market.
  Reason CheckTerms(const OrderBody& terms) const {
    if (terms.side > Side::kSell) return Reason::kBadSide;
    const std::int64_t level = std::int64_t{terms.limit_ticks} - market.band_low_ticks;
    if (level < 0 || level >= market.band_levels) return Reason::kPriceOutsideBand;
    if (terms.energy_wh == 0) return Reason::kEnergyZero;
    if (terms.energy_wh > market.order_max_wh) return Reason::kEnergyTooLarge;
    if (terms.response != Response::kFixed) return Reason::kUnsupported;
    return terms.response_param == 0 ? Reason::kNone : Reason::kBadResponseParam;
  }

  // What the party has open that would trade with the order, newest first.
  std::vector<ReferenceOrder*> Crossing(const AccountBody& account, const OrderBody& terms,
                                        const ReferenceOrder* except) {
    std::vector<ReferenceOrder*> crossing;
    for (auto order = orders.rbegin(); order != orders.rend(); ++order) {
      if (&*order == except || order->open == 0 || order->account.party != account.party) continue;
      if (order->terms.side == terms.side) continue;
      const std::int64_t gain = std::int64_t{terms.limit_ticks} - order->terms.limit_ticks;
      if (terms.side == Side::kBuy ? gain >= 0 : gain <= 0) crossing.push_back(&*order);
    }
    return crossing;
  }

  // Why it is not one for its party and metering point, with what they have.
  Reason CheckOwn(const AccountBody& account, const OrderBody& terms, const ReferenceOrder* except,
                  const MeteringPointBody& point) const {
    std::uint64_t count = 0;
    std::uint64_t same_side_wh = terms.energy_wh;
    const auto traded = traded_wh.find({account.metering_point, terms.side});
    if (traded != traded_wh.end()) same_side_wh += traded->second;
    for (const ReferenceOrder& order : orders) {
      if (&order == except) continue;
      if (order.terms.side == terms.side &&
          order.account.metering_point == account.metering_point) {
        same_side_wh += order.open;
      }
      if (order.account.party != account.party) continue;
      const bool same_id =
          order.terms.account == account.id && order.terms.client_order_id == terms.client_order_id;
      if (same_id) return Reason::kDuplicateClientOrderId;
      const bool in_round = order.id >= OrderId{round_began * kOrderIdPlaces};
      if (order.open > 0 || in_round) ++count;
    }
    if (count >= market.party_orders_max) return Reason::kPartyOrderLimit;
    const std::uint64_t limit_w =
        terms.side == Side::kBuy ? point.import_limit_w : point.export_limit_w;
    const bool over = limit_w > 0 && same_side_wh > limit_w * market.slot_minutes / 60;
    return over ? Reason::kMeteringPointLimit : Reason::kNone;
  }

  // In reference_uniform.cc. What the book would come to as it is.
  NaiveRound Uniform() const;
  // What may be told of that; nothing where too few parties are on a side.
  std::optional<IndicativeEvent> Indicative() const;
  // Sets `filled` of every order, and takes it from what is open.
  NaiveRound Clear();

  // In reference_continuous.cc. What traded until the gate, at the mean price, rounded down.
  NaiveRound Total() const;
  // Of what a round came to, as its outcome has them.
  std::uint32_t Fills() const;
  DigestBytes FillsDigest(const NaiveRound& cleared) const;

  // Bids, then asks, each oldest first: the order in which a round is told.
  std::vector<const ReferenceOrder*> InTellingOrder() const {
    std::vector<const ReferenceOrder*> told;
    for (const Side side : {Side::kBuy, Side::kSell}) {
      for (const ReferenceOrder& order : orders) {
        if (order.terms.side == side) told.push_back(&order);
      }
    }
    return told;
  }
};

}  // namespace engine
