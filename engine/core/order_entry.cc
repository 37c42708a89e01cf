#include "engine/core/order_entry.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/core/clearing/rules.h"

namespace engine {
namespace {

NewOrder ToNewOrder(const OrderBody& order, const Product& product, const Account& account,
                    std::uint32_t account_index) {
  return {
      .side = order.side,
      .level = static_cast<std::uint16_t>(order.limit_ticks - product.definition.band_low_ticks),
      .energy_wh = order.energy_wh,
      .account = account_index,
      .party = account.party,
      .client_order_id = order.client_order_id,
      .order_id = {},
      .response = order.response,
      .response_param = order.response_param};
}

bool Crosses(Side side, std::int64_t limit, Side other_side, std::int64_t other_limit) {
  if (side == other_side) return false;
  return side == Side::kBuy ? limit >= other_limit : other_limit >= limit;
}

// In the freeze a bid only rises in price or energy; an ask falls in price or rises in energy.
bool IsFirmer(const OrderBody& order, std::int64_t limit_now, std::uint32_t open_now) {
  const bool price_ok =
      order.side == Side::kBuy ? order.limit_ticks >= limit_now : order.limit_ticks <= limit_now;
  return price_ok && order.energy_wh >= open_now;
}

}  // namespace

// Those of a frame are mostly all of one.
const OrderEntry::FoundProduct& OrderEntry::FindProduct(ProductId id) {
  if (found_.product != nullptr && found_.id == id) return found_;
  found_ = {.id = id, .market = registry_.FindMarket(id.market)};
  if (found_.market != kNoIndex) found_.product = products_.Find(found_.market, id.start_minute);
  return found_;
}

// Where they are not all of one product, some of it is asked for in vain.
void OrderEntry::PrefetchBook(ProductId id) {
  const Product* product = FindProduct(id).product;
  if (product == nullptr) return;
  for (const std::uint32_t index : accounts_) {
    if (index == kNoIndex) continue;
    const Account& account = registry_.account(index);
    product->book.parties().Prefetch(account.party);
    __builtin_prefetch(&registry_.metering_point(account.metering_point));
  }
}

OrderEntry::Place OrderEntry::Locate(ProductId id, const Entry& entry) {
  const std::uint32_t account = accounts_[entry.place];
  if (account == kNoIndex || registry_.account(account).credential != entry.credential) {
    return {.reason = Reason::kNotYourAccount};
  }
  const auto& [_, market, product] = FindProduct(id);
  if (market == kNoIndex) return {.reason = Reason::kUnknownMarket};
  if (registry_.account(account).market != market) return {.reason = Reason::kAccountNotInMarket};
  if (product == nullptr) return {.reason = Reason::kUnknownProduct};
  if (product->phase == Phase::kMatching) return {.reason = Reason::kMatching};
  if (product->phase != Phase::kOpen || entry.time_ns >= product->gate_ns()) {
    return {.reason = product->is_last_round() ? Reason::kGateClosed : Reason::kClearing};
  }
  return {.product = product, .account = account};
}

Reason OrderEntry::CheckTerms(const OrderBody& order, const Product& product) const {
  const MarketDefinition& market = product.definition;
  if (order.side > Side::kSell) return Reason::kBadSide;
  if (order.time_in_force != TimeInForce::kProduct) return Reason::kUnsupported;
  const std::int64_t level = std::int64_t{order.limit_ticks} - market.band_low_ticks;
  if (level < 0 || level >= market.band_levels) return Reason::kPriceOutsideBand;
  if (order.energy_wh == 0) return Reason::kEnergyZero;
  if (order.energy_wh > market.order_max_wh) return Reason::kEnergyTooLarge;
  if (const Reason reason = CheckRule(order, market); reason != Reason::kNone) return reason;
  if (product.book.round_orders() >= market.book_orders_max) return Reason::kBookFull;
  return Reason::kNone;
}

// What the market's rule asks of an order by itself.
Reason OrderEntry::CheckRule(const OrderBody& order, const MarketDefinition& market) {
  if (order.response > Response::kInteractive) return Reason::kBadResponse;
  if (order.response == Response::kFixed) {
    if (order.response_param != 0) return Reason::kBadResponseParam;
  } else {
    const bool has_prices_above_zero =
        order.response != Response::kLogarithmic || market.band_low_ticks > 0;
    // What it bought in an earlier round would be a part of its response.
    const bool is_for_one_round = market.carry_over == 0 || market.rounds == 1;
    if (!RuleOf(market).takes_responses || !has_prices_above_zero || !is_for_one_round) {
      return Reason::kUnsupported;
    }
    const bool is_interactive = order.response == Response::kInteractive;
    if (is_interactive && market.rule.schedule == Schedule::kNone) return Reason::kUnsupported;
    const bool has_param = order.response_param != 0;
    if (has_param == is_interactive || order.side == Side::kSell) return Reason::kBadResponseParam;
  }
  if (order.energy_wh < market.rule.min_order_wh) return Reason::kEnergyTooSmall;
  if (market.rule.lot_wh > 0 && order.energy_wh != market.rule.lot_wh) return Reason::kNotALot;
  if (market.rule.rule != Rule::kStackelberg || market.retail_ticks <= market.feed_in_ticks) {
    return Reason::kNone;
  }
  const std::int32_t inset = market.rule.admission == Admission::kStrict ? 1 : 0;
  const bool within = order.limit_ticks >= market.feed_in_ticks + inset &&
                      order.limit_ticks <= market.retail_ticks - inset;
  return within ? Reason::kNone : Reason::kGridIsBetter;
}

OrderEntry::Own OrderEntry::Survey(const OrderBody& order, const Place& place, Slot except) {
  const Account& account = registry_.account(place.account);
  crossing_.clear();
  Own own{.crossing = &crossing_};
  const OrderId first_of_round{place.product->round_began * kOrderIdPlaces};
  place.product->book.ForEachOfParty(memory_, account.party, [&](Slot slot) {
    const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
    const std::uint32_t at = slot % kChunkOrders;
    if (slot == except) return;
    if (chunk.account[at] == place.account && chunk.client_order_id[at] == order.client_order_id) {
      own.duplicate = true;
    }
    own.orders += chunk.open_wh[at] > 0 || chunk.order_id[at] >= first_of_round ? 1 : 0;
    if (chunk.open_wh[at] == 0) return;
    const std::int64_t limit = chunk.level[at] + place.product->definition.band_low_ticks;
    if (Crosses(order.side, order.limit_ticks, chunk.side, limit)) crossing_.push_back(slot);
    ++(chunk.side == order.side ? own.same_side : own.other_side);
    if (chunk.side == order.side &&
        registry_.account(chunk.account[at]).metering_point == account.metering_point) {
      own.same_side_wh += chunk.open_wh[at];
    }
  });
  return own;
}

// Requires: the account's metering point has a limit, and other parties.
std::uint64_t OrderEntry::OpenOfOthersAtPoint(const OrderBody& order, const Place& place) const {
  const Account& account = registry_.account(place.account);
  std::uint64_t open_wh = 0;
  for (const std::uint32_t party : registry_.parties_at(account.metering_point)) {
    if (party == account.party) continue;
    place.product->book.ForEachOfParty(memory_, party, [&](Slot slot) {
      const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
      const std::uint32_t at = slot % kChunkOrders;
      if (chunk.side != order.side || chunk.open_wh[at] == 0) return;
      const bool here =
          registry_.account(chunk.account[at]).metering_point == account.metering_point;
      open_wh += here ? chunk.open_wh[at] : 0;
    });
  }
  return open_wh;
}

bool OrderEntry::IsOverPointLimit(const OrderBody& order, const Place& place,
                                  const Own& own) const {
  const std::uint32_t index = registry_.account(place.account).metering_point;
  const MeteringPointBody& point = registry_.metering_point(index);
  const std::uint32_t limit_w =
      order.side == Side::kBuy ? point.import_limit_w : point.export_limit_w;
  if (limit_w == 0) return false;
  const Product& product = *place.product;
  std::uint64_t energy_wh =
      order.energy_wh + own.same_side_wh + product.TradedAtPoint(index, order.side);
  const bool has_others = registry_.entry_version() > 1 && registry_.parties_at(index).size() > 1;
  if (has_others) energy_wh += OpenOfOthersAtPoint(order, place);
  return energy_wh > std::uint64_t{limit_w} * product.definition.slot_minutes / 60;
}

Reason OrderEntry::CheckOwn(const OrderBody& order, const Place& place, const Own& own,
                            std::int64_t time_ns) const {
  const MarketDefinition& market = place.product->definition;
  if (own.duplicate) return Reason::kDuplicateClientOrderId;
  if (own.same_side > 0 && RuleOf(market).one_order_a_side) return Reason::kOneOrderASide;
  const bool has_any = own.same_side + own.other_side > 0;
  if (has_any && RuleOf(market).one_order) return Reason::kOneOrderASide;
  if (own.orders >= market.party_orders_max) return Reason::kPartyOrderLimit;
  if (IsOverPointLimit(order, place, own)) return Reason::kMeteringPointLimit;
  const bool may_cancel_older =
      market.rule.self_trade == SelfTrade::kCancelOlder && !place.product->IsFrozen(time_ns);
  if (!own.crossing->empty() && !may_cancel_older) return Reason::kSelfTrade;
  return Reason::kNone;
}

Reason OrderEntry::Submit(const OrderBody& order, const Entry& entry) {
  const Place place = Locate(order.product, entry);
  if (place.reason != Reason::kNone) return place.reason;
  Product& product = *place.product;
  Reason reason = CheckTerms(order, product);
  if (reason != Reason::kNone) return reason;
  if (!product.book.MakeRoom(memory_, order.side)) return Reason::kShardFull;
  reason = CheckOwn(order, place, Survey(order, place, kNoSlot), entry.time_ns);
  if (reason != Reason::kNone) return reason;
  const Account& account = registry_.account(place.account);
  NewOrder fresh = ToNewOrder(order, product, account, place.account);
  fresh.order_id = OrderId{entry.sequence * kOrderIdPlaces + entry.place};
  CHECK(product.book.Add(memory_, fresh));
  registry_.OpenOrder(place.account);
  for (const Slot older : crossing_) {
    WithdrawAndTell(product, older, Reason::kSelfTradeCancelled, entry.sequence);
  }
  matching_.Enter(product, account.party, entry.sequence);
  return Reason::kNone;
}

Reason OrderEntry::Replace(const OrderBody& order, const Entry& entry) {
  const Place place = Locate(order.product, entry);
  if (place.reason != Reason::kNone) return place.reason;
  if (order.side > Side::kSell) return Reason::kBadSide;
  Product& product = *place.product;
  const Account& account = registry_.account(place.account);
  const bool has_room = product.book.MakeRoom(memory_, order.side);
  const Slot slot = product.book.Find(memory_, account.party, place.account, order.client_order_id);
  if (slot == kNoSlot) return Reason::kUnknownOrder;
  const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
  const std::uint32_t at = slot % kChunkOrders;
  if (chunk.open_wh[at] == 0 || chunk.side != order.side) return Reason::kUnknownOrder;
  const std::int64_t limit_now = chunk.level[at] + product.definition.band_low_ticks;
  const bool same_response =
      order.response == chunk.response[at] && order.response_param == chunk.response_param[at];
  const bool keeps_place =
      same_response && order.limit_ticks == limit_now && order.energy_wh <= chunk.open_wh[at];
  Reason reason = CheckTerms(order, product);
  if (reason == Reason::kBookFull) reason = Reason::kNone;  // It is in the book already.
  if (reason != Reason::kNone) return reason;
  const bool firmer = same_response && IsFirmer(order, limit_now, chunk.open_wh[at]);
  if (product.IsFrozen(entry.time_ns) && !firmer) return Reason::kFrozen;
  reason = CheckOwn(order, place, Survey(order, place, slot), entry.time_ns);
  if (reason != Reason::kNone) return reason;
  if (keeps_place) {
    matching_.Leave(product, chunk, at, chunk.open_wh[at] - order.energy_wh);
    product.book.Reduce(memory_, slot, order.energy_wh);
    return Reason::kNone;
  }
  NewOrder changed = ToNewOrder(order, product, account, place.account);
  changed.order_id = chunk.order_id[at];
  if (!has_room) return Reason::kShardFull;
  for (const Slot older : crossing_) {
    WithdrawAndTell(product, older, Reason::kSelfTradeCancelled, entry.sequence);
  }
  matching_.Leave(product, chunk, at, chunk.open_wh[at]);
  CHECK(product.book.Move(memory_, slot, account.party, changed));
  matching_.Enter(product, account.party, entry.sequence);
  return Reason::kNone;
}

Reason OrderEntry::Cancel(const OrderKeyBody& key, const Entry& entry) {
  const Place place = Locate(key.product, entry);
  if (place.reason != Reason::kNone) return place.reason;
  Product& product = *place.product;
  const Account& account = registry_.account(place.account);
  const Slot slot = product.book.Find(memory_, account.party, place.account, key.client_order_id);
  if (slot == kNoSlot || memory_.orders.ChunkOf(slot).open_wh[slot % kChunkOrders] == 0) {
    return Reason::kUnknownOrder;
  }
  if (product.IsFrozen(entry.time_ns)) return Reason::kFrozen;
  Withdraw(product, slot);
  return Reason::kNone;
}

// Calls visit(product, slot) for each open order of the account; looks no further than the last.
template <typename Visit>
void OrderEntry::ForEachOpenOf(std::uint32_t index, Visit visit) {
  const Account& account = registry_.account(index);
  std::uint32_t left = account.open_orders;
  products_.ForEachOf(account.market, [&](Product& product) {
    if (left == 0) return;
    product.book.ForEachOfParty(memory_, account.party, [&](Slot slot) {
      const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
      const std::uint32_t at = slot % kChunkOrders;
      if (chunk.account[at] != index || chunk.open_wh[at] == 0) return;
      --left;
      visit(product, slot);
    });
  });
}

// Of the credential in the scope.
template <typename Visit>
void OrderEntry::ForEachOpen(const OrderScopeBody& scope, std::uint32_t credential, Visit visit) {
  for (const std::uint32_t index : registry_.credential(credential).accounts) {
    const Account& account = registry_.account(index);
    if (account.open_orders > 0 && IsInScope(account, scope)) ForEachOpenOf(index, visit);
  }
}

OrderEntry::CancelledAll OrderEntry::CancelAll(const OrderScopeBody& scope, const Entry& entry) {
  CancelledAll done;
  bool matching = false;
  ForEachOpen(scope, entry.credential, [&](Product& product, Slot slot) {
    if (product.phase == Phase::kMatching) {
      matching = true;
    } else if (product.phase != Phase::kOpen || entry.time_ns >= product.gate_ns()) {
      done.reason = product.is_last_round() ? Reason::kGateClosed : Reason::kClearing;
    } else if (product.IsFrozen(entry.time_ns)) {
      done.reason = Reason::kFrozen;
    } else {
      Withdraw(product, slot);
      ++done.orders;
    }
  });
  if (done.orders > 0) done.reason = Reason::kNone;
  if (matching) done.reason = Reason::kMatching;  // It stays for a moment only: cancel again.
  return done;
}

void OrderEntry::Disconnect(const Entry& entry) {
  ForEachOpen(OrderScopeBody(), entry.credential, [&](Product& product, Slot slot) {
    if (product.phase == Phase::kOpen && !product.IsFrozen(entry.time_ns)) {
      WithdrawAndTell(product, slot, Reason::kDisconnected, entry.sequence);
      return;
    }
    // No round follows, in which what is frozen could leave.
    if (product.continuous != nullptr && product.IsFrozen(entry.time_ns)) return;
    const auto at = product.FindLeaving(entry.credential);
    if (at != product.leaving.end() && at->credential == entry.credential) {
      at->sequence = entry.sequence;  // What it had entered before the last time goes.
    } else {
      product.leaving.insert(at, {entry.credential, entry.sequence});
    }
  });
}

void OrderEntry::Continue(Product& product, const CommandHeader& header) {
  if (matching_.Continue(product, header.sequence)) LetLeave(product, header.sequence);
}

void OrderEntry::LetLeave(Product& product, std::uint64_t sequence) {
  if (product.leaving.empty()) return;
  const auto leaves = [&](std::uint32_t account, OrderId order) {
    const std::uint32_t credential = registry_.account(account).credential;
    const auto at = product.FindLeaving(credential);
    return at != product.leaving.end() && at->credential == credential &&
           order < OrderId{at->sequence * kOrderIdPlaces};
  };
  product.book.ForEachOrder(memory_, [&](OrderChunk& chunk, std::uint32_t at) {
    if (chunk.open_wh[at] == 0 || !leaves(chunk.account[at], chunk.order_id[at])) return;
    TellWithdrawn(product, chunk, at, Reason::kDisconnected, sequence);
    matching_.Leave(product, chunk, at, chunk.open_wh[at]);
    registry_.CloseOrder(chunk.account[at]);
    chunk.open_wh[at] = 0;
  });
  product.leaving.clear();
}

void OrderEntry::Withdraw(Product& product, Slot slot) {
  const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
  const std::uint32_t at = slot % kChunkOrders;
  matching_.Leave(product, chunk, at, chunk.open_wh[at]);
  registry_.CloseOrder(chunk.account[at]);
  product.book.Withdraw(memory_, slot);
}

void OrderEntry::WithdrawAndTell(Product& product, Slot slot, Reason reason,
                                 std::uint64_t sequence) {
  TellWithdrawn(product, memory_.orders.ChunkOf(slot), slot % kChunkOrders, reason, sequence);
  Withdraw(product, slot);
}

// Requires: the order is still open.
void OrderEntry::TellWithdrawn(const Product& product, const OrderChunk& chunk, std::uint32_t at,
                               Reason reason, std::uint64_t sequence) {
  const Account& account = registry_.account(chunk.account[at]);
  Event event;
  event.sequence = sequence;
  event.type = EventType::kOrderCancelled;
  event.order_cancelled = {.account = account.definition.id,
                           .client_order_id = chunk.client_order_id[at],
                           .order = chunk.order_id[at],
                           .product = product.id,
                           .open_wh = chunk.open_wh[at],
                           .reason = reason};
  events_.TellNumbered(account.credential, event);
}

}  // namespace engine
