#include "tests/sim/reference_exchange.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/act.h"

namespace engine {

void ReferenceExchange::Apply(CommandView command) {
  if (!fault_.empty()) return;
  ApplyOne(command);
  KeepIndicatives();
}

void ReferenceExchange::KeepIndicatives() {
  for (auto& [key, product] : products_) {
    if (product.market.indicative_interval_s == 0 || product.clearing) continue;
    if (!std::exchange(product.changed, false)) continue;
    const std::optional<IndicativeEvent> told = product.Indicative();
    if (!told) continue;
    indicatives_.insert({told->product, told->crossing == 1, told->price_ticks, told->energy_wh});
  }
}

bool ReferenceExchange::WasIndicative(const IndicativeEvent& told) const {
  return indicatives_.contains(
      {told.product, told.crossing == 1, told.price_ticks, told.energy_wh});
}

void ReferenceExchange::ApplyOne(CommandView command) {
  const CommandHeader& header = command.header();
  if (header.sequence != sequence_ + 1) return Fault("a record that is not the next one");
  if (header.time_ns < time_ns_) return Fault("time goes back");
  sequence_ = header.sequence;
  time_ns_ = header.time_ns;
  if (!awaited_.empty() && header.type != CommandType::kOutcome) {
    return Fault("a round that was closed and has no outcome");
  }
  switch (header.type) {
    case CommandType::kSubmitOrders:
    case CommandType::kReplaceOrders:
    case CommandType::kCancelOrders:
    case CommandType::kCancelAll:
      return ApplyClient(command);
    case CommandType::kDisconnect:
      return Disconnect(header);
    case CommandType::kOpenProduct:
      return Open(header, *command.Single<ProductBody>());
    case CommandType::kCloseRound:
      return Close(header, *command.Single<ProductBody>());
    case CommandType::kFinishRound:
      return Finish(header, *command.Single<ProductBody>());
    case CommandType::kOutcome:
      return Confirm(*command.Single<OutcomeBody>());
    case CommandType::kRunningDigest:
    case CommandType::kAdoptEntry:  // Its rules are the newest.
      return;
    default:
      Define(command);
  }
}

// Barely, or in an act: who made it and why changes nothing.
void ReferenceExchange::Define(CommandView command) {
  if (command.header().type == CommandType::kGenesis) return;
  const DefinitionView what(command);
  if (!IsDefinition(what.type())) {
    return Fault(absl::StrCat("a command of type ", static_cast<int>(command.header().type)));
  }
  ForEachDefinition(what, [this](const auto& body) { Take(body); });
}

// What it has open is its new credential's, at its new metering point.
void ReferenceExchange::Take(const AccountBody& account) {
  std::erase_if(accounts_, [&](const AccountBody& one) { return one.id == account.id; });
  accounts_.push_back(account);
  for (auto& [key, product] : products_) {
    for (ReferenceOrder& order : product.orders) {
      if (order.account.id == account.id) order.account = account;
    }
  }
}

// Clients.

template <typename Item, typename Act>
void ReferenceExchange::AnswerItems(CommandView command, ReferenceAnswer& answer, Act act) {
  std::uint16_t place = 0;
  for (const Item& item : command.Items<Item>()) {
    const Reason reason = act(item, place);
    if (reason != Reason::kNone) answer.refusals.push_back({place, reason});
    ++place;
  }
  answer.answer.items = place;
  answer.answer.refused = static_cast<std::uint16_t>(answer.refusals.size());
}

void ReferenceExchange::ApplyClient(CommandView command) {
  const CommandHeader& header = command.header();
  if (header.client_seq != ++last_seq_[header.credential]) {
    return Fault("a client's command that is not its next one");
  }
  ReferenceAnswer answer{.answer = {.client_seq = header.client_seq,
                                    .time_ns = header.time_ns,
                                    .command_sequence = header.sequence,
                                    .command = header.type},
                         .refusals = {}};
  switch (header.type) {
    case CommandType::kSubmitOrders:
      AnswerItems<OrderBody>(command, answer, [&](const OrderBody& terms, std::uint16_t place) {
        return Submit(header, place, terms);
      });
      break;
    case CommandType::kReplaceOrders:
      AnswerItems<OrderBody>(command, answer, [&](const OrderBody& terms, std::uint16_t) {
        return Replace(header, terms);
      });
      break;
    case CommandType::kCancelOrders:
      AnswerItems<OrderKeyBody>(command, answer, [&](const OrderKeyBody& key, std::uint16_t) {
        return Cancel(header, key);
      });
      break;
    default:
      CancelAll(command, answer);
  }
  answers_[{header.credential, header.client_seq}] = std::move(answer);
}

Reason ReferenceExchange::Locate(const CommandHeader& header, AccountId account,
                                 const ProductId& id, ReferenceProduct*& product) const {
  const auto owned = std::find_if(accounts_.begin(), accounts_.end(), [&](const AccountBody& one) {
    return one.id == account && one.credential == header.credential;
  });
  if (owned == accounts_.end()) return Reason::kNotYourAccount;
  if (!markets_.contains(id.market)) return Reason::kUnknownMarket;
  if (owned->market != id.market) return Reason::kAccountNotInMarket;
  const auto found = products_.find({id.market, id.start_minute});
  if (found == products_.end()) return Reason::kUnknownProduct;
  product = const_cast<ReferenceProduct*>(&found->second);
  if (!product->clearing && header.time_ns < product->gate()) return Reason::kNone;
  return product->IsLastRound() ? Reason::kGateClosed : Reason::kClearing;
}

Reason ReferenceExchange::CheckCrossing(const CommandHeader& header,
                                        const ReferenceProduct& product,
                                        const std::vector<ReferenceOrder*>& crossing) const {
  const bool may_cancel = product.market.rule.self_trade == SelfTrade::kCancelOlder &&
                          !product.IsFrozen(header.time_ns);
  return crossing.empty() || may_cancel ? Reason::kNone : Reason::kSelfTrade;
}

Reason ReferenceExchange::Submit(const CommandHeader& header, std::uint32_t place,
                                 const OrderBody& terms) {
  ReferenceProduct* product = nullptr;
  Reason reason = Locate(header, terms.account, terms.product, product);
  if (reason != Reason::kNone) return reason;
  reason = product->CheckTerms(terms);
  if (reason != Reason::kNone) return reason;
  if (product->round_orders >= product->market.book_orders_max) return Reason::kBookFull;
  const AccountBody account =
      *std::find_if(accounts_.begin(), accounts_.end(),
                    [&](const AccountBody& a) { return a.id == terms.account; });
  reason = product->CheckOwn(account, terms, nullptr, points_.at(account.metering_point));
  if (reason != Reason::kNone) return reason;
  const std::vector<ReferenceOrder*> crossing = product->Crossing(account, terms, nullptr);
  reason = CheckCrossing(header, *product, crossing);
  if (reason != Reason::kNone) return reason;
  for (ReferenceOrder* older : crossing) {
    TellCancelled(*product, *older, Reason::kSelfTradeCancelled);
  }
  product->orders.push_back({.account = account,
                             .terms = terms,
                             .id = OrderId{header.sequence * kOrderIdPlaces + place},
                             .open = terms.energy_wh});
  product->changed = true;
  ++product->round_orders;
  TradeNewest(*product);
  return Reason::kNone;
}

Reason ReferenceExchange::Replace(const CommandHeader& header, const OrderBody& terms) {
  ReferenceProduct* product = nullptr;
  Reason reason = Locate(header, terms.account, terms.product, product);
  if (reason != Reason::kNone) return reason;
  if (terms.side > Side::kSell) return Reason::kBadSide;
  ReferenceOrder* const order = product->FindOpen(terms.account, terms.client_order_id);
  if (order == nullptr || order->terms.side != terms.side) return Reason::kUnknownOrder;
  reason = product->CheckTerms(terms);
  if (reason != Reason::kNone) return reason;
  const std::int64_t rise = std::int64_t{terms.limit_ticks} - order->terms.limit_ticks;
  const bool no_worse = terms.side == Side::kBuy ? rise >= 0 : rise <= 0;
  const bool firmer = no_worse && terms.energy_wh >= order->open;
  if (product->IsFrozen(header.time_ns) && !firmer) return Reason::kFrozen;
  reason =
      product->CheckOwn(order->account, terms, order, points_.at(order->account.metering_point));
  if (reason != Reason::kNone) return reason;
  const std::vector<ReferenceOrder*> crossing = product->Crossing(order->account, terms, order);
  reason = CheckCrossing(header, *product, crossing);
  if (reason != Reason::kNone) return reason;
  product->changed = true;
  if (rise == 0 && terms.energy_wh <= order->open) {
    order->open = terms.energy_wh;
    return Reason::kNone;
  }
  for (ReferenceOrder* older : crossing) {
    TellCancelled(*product, *older, Reason::kSelfTradeCancelled);
  }
  ReferenceOrder moved = *order;
  moved.terms = terms;
  moved.open = terms.energy_wh;
  product->orders.erase(product->orders.begin() + (order - product->orders.data()));
  product->orders.push_back(moved);
  TradeNewest(*product);
  return Reason::kNone;
}

Reason ReferenceExchange::Cancel(const CommandHeader& header, const OrderKeyBody& key) {
  ReferenceProduct* product = nullptr;
  const Reason reason = Locate(header, key.account, key.product, product);
  if (reason != Reason::kNone) return reason;
  ReferenceOrder* const order = product->FindOpen(key.account, key.client_order_id);
  if (order == nullptr) return Reason::kUnknownOrder;
  if (product->IsFrozen(header.time_ns)) return Reason::kFrozen;
  product->changed = true;
  order->open = 0;
  return Reason::kNone;
}

// Account by account, each through its market's products, newest order first.
template <typename Visit>
void ReferenceExchange::ForEachOpenOf(CredentialId credential, const OrderScopeBody& scope,
                                      Visit visit) {
  for (const AccountBody& account : accounts_) {
    if (account.credential != credential) continue;
    if (scope.account != AccountId{} && scope.account != account.id) continue;
    if (scope.market != MarketId{} && scope.market != account.market) continue;
    for (auto& [key, product] : products_) {
      if (key.first != account.market) continue;
      for (auto order = product.orders.rbegin(); order != product.orders.rend(); ++order) {
        if (order->open > 0 && order->terms.account == account.id) visit(product, *order);
      }
    }
  }
}

void ReferenceExchange::CancelAll(CommandView command, ReferenceAnswer& answer) {
  const CommandHeader& header = command.header();
  const auto& scope = *command.Single<OrderScopeBody>();
  const bool owned = std::any_of(accounts_.begin(), accounts_.end(), [&](const AccountBody& one) {
    return one.id == scope.account && one.credential == header.credential;
  });
  if (scope.account != AccountId{} && !owned) {
    answer.answer.reason = Reason::kNotYourAccount;
    return;
  }
  Reason stayed = Reason::kNone;
  ForEachOpenOf(header.credential, scope, [&](ReferenceProduct& product, ReferenceOrder& order) {
    if (product.clearing || header.time_ns >= product.gate()) {
      stayed = product.IsLastRound() ? Reason::kGateClosed : Reason::kClearing;
    } else if (product.IsFrozen(header.time_ns)) {
      stayed = Reason::kFrozen;
    } else {
      product.changed = true;
      order.open = 0;
      ++answer.answer.items;
    }
  });
  answer.answer.reason = answer.answer.items > 0 ? Reason::kNone : stayed;
}

void ReferenceExchange::Disconnect(const CommandHeader& header) {
  ForEachOpenOf(header.credential, {}, [&](ReferenceProduct& product, ReferenceOrder& order) {
    if (!product.clearing && !product.IsFrozen(header.time_ns)) {
      TellCancelled(product, order, Reason::kDisconnected);
    } else {
      product.leaving[header.credential] = header.sequence;
    }
  });
}

// What it came to.

const std::vector<Event>& ReferenceExchange::Numbered(CredentialId credential) const {
  static const std::vector<Event> none;
  const auto found = numbered_.find(credential);
  return found == numbered_.end() ? none : found->second;
}

const ReferenceAnswer* ReferenceExchange::FindAnswer(CredentialId credential,
                                                     std::uint64_t client_seq) const {
  const auto found = answers_.find({credential, client_seq});
  return found == answers_.end() ? nullptr : &found->second;
}

std::uint64_t ReferenceExchange::LastClientSeq(CredentialId credential) const {
  const auto found = last_seq_.find(credential);
  return found == last_seq_.end() ? 0 : found->second;
}

std::vector<ReferenceExchange::OpenOrder> ReferenceExchange::OpenOrders(
    CredentialId credential) const {
  std::vector<OpenOrder> open;
  for (const auto& [key, product] : products_) {
    for (const ReferenceOrder& order : product.orders) {
      if (order.open == 0 || order.account.credential != credential) continue;
      open.push_back({.account = order.terms.account,
                      .client_order_id = order.terms.client_order_id,
                      .product = product.id,
                      .open_wh = order.open,
                      .limit_ticks = order.terms.limit_ticks});
    }
  }
  std::sort(open.begin(), open.end());
  return open;
}

bool ReferenceExchange::Has(const MarketDefinition& market) const {
  const auto found = markets_.find(market.id);
  return found != markets_.end() && found->second == market;
}
bool ReferenceExchange::Has(const MeteringPointBody& point) const {
  const auto found = points_.find(point.id);
  return found != points_.end() && std::memcmp(&found->second, &point, sizeof(point)) == 0;
}
bool ReferenceExchange::Has(const AccountBody& account) const {
  return std::any_of(accounts_.begin(), accounts_.end(), [&](const AccountBody& one) {
    return std::memcmp(&one, &account, sizeof(account)) == 0;
  });
}

std::vector<AccountBody> ReferenceExchange::AccountsOf(CredentialId credential) const {
  std::vector<AccountBody> owned;
  std::copy_if(accounts_.begin(), accounts_.end(), std::back_inserter(owned),
               [&](const AccountBody& one) { return one.credential == credential; });
  return owned;
}

bool ReferenceExchange::MayLeave(CredentialId credential, std::int64_t now_ns) const {
  for (const auto& [key, product] : products_) {
    if (product.clearing || product.IsFrozen(now_ns)) continue;
    for (const ReferenceOrder& order : product.orders) {
      if (order.open > 0 && order.account.credential == credential) return true;
    }
  }
  return false;
}

std::uint64_t ReferenceExchange::open_orders() const {
  std::uint64_t count = 0;
  for (const auto& [key, product] : products_) {
    for (const ReferenceOrder& order : product.orders) count += order.open > 0 ? 1 : 0;
  }
  return count;
}

void ReferenceExchange::Fault(const std::string& what) {
  fault_ = absl::StrCat("record ", sequence_, ": ", what);
}

}  // namespace engine
