#include "engine/core/listing.h"

#include <algorithm>
#include <utility>

#include "engine/core/clearing/rules.h"

namespace engine {

bool Listing::Begin(std::uint32_t credential, const CommandHeader& question,
                    const OrderScopeBody& scope, Reach reach) {
  bool& asked = registry_.credential(credential).asked;
  if (asked) return false;
  asked = true;
  Question fresh;
  fresh.credential = credential;
  fresh.type = question.type;
  fresh.scope = scope;
  fresh.query = question.client_seq;
  fresh.reach = reach;
  const bool orders = question.type == CommandType::kListOpenOrders;
  if (orders && reach == Reach::kAll && scope.account != AccountId{}) {
    fresh.next = registry_.FindAccount(scope.account);
    fresh.end = fresh.next + 1;
  }
  questions_.Push(fresh);
  return true;
}

std::size_t Listing::Drain(std::uint64_t sequence, std::span<Event> out) {
  std::size_t count = 0;
  for (std::size_t steps = 0; count < out.size() && !questions_.empty();) {
    Question& question = questions_.front();
    if (ready_.empty()) {
      // An account or market with nothing to tell is work, too.
      if (steps++ == out.size()) break;
      if (!Step(question)) End(question);
      continue;
    }
    out[count] = ready_.front();
    out[count++].sequence = sequence;
    ready_.Pop();
    if (ready_.empty() && question.ended) questions_.Pop();
  }
  return count;
}

// Lists the next account or market. Ensures: false where there is none left.
bool Listing::Step(Question& question) {
  if (!std::exchange(question.begun, true) && IsLook(question)) {
    BeginLook(question);
    return true;
  }
  const Credential& credential = registry_.credential(question.credential);
  const bool orders = question.type == CommandType::kListOpenOrders;
  const std::vector<std::uint32_t>& own = orders ? credential.accounts : credential.markets;
  const bool all = question.reach == Reach::kAll;
  const std::size_t everything = orders ? registry_.account_count() : registry_.market_count();
  if (question.next >= std::min(all ? everything : own.size(), question.end)) return false;
  const std::size_t at = question.next++;
  const std::uint32_t place = all ? static_cast<std::uint32_t>(at) : own[at];
  orders ? ListAccount(question, place) : ListMarket(question, place);
  return true;
}

void Listing::Push(const Question& question, Event event) {
  event.credential = registry_.credential(question.credential).definition.id;
  ready_.Push(event);
}

// Before the first order: whoever has seen some and goes away has looked.
void Listing::BeginLook(const Question& question) {
  Event event;
  event.type = EventType::kLook;
  event.list_end = {
      .query = question.query, .market = question.scope.market, .account = question.scope.account};
  Push(question, event);
}

// Whether the party comes for the first time.
bool Listing::FirstOf(Question& question, std::uint32_t party) {
  std::vector<bool>& told = question.told_parties;
  if (told.size() <= party) told.resize(std::size_t{party} + 1);
  const bool is_first = !told[party];
  told[party] = true;
  return is_first;
}

// A book knows a party's orders and not an account's: in a look into a whole market the first
// account of a party brings those of all, so that they are gone through once.
void Listing::ListAccount(Question& question, std::uint32_t index) {
  const Account& account = registry_.account(index);
  if (account.open_orders == 0 || !IsInScope(account, question.scope)) return;
  const bool of_party = IsLook(question) && question.scope.account == AccountId{};
  if (of_party && !FirstOf(question, account.party)) return;
  products_.ForEachOf(account.market, [&](Product& product) {
    product.book.ForEachOfParty(memory_, account.party, [&](Slot slot) {
      const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
      const std::uint32_t at = slot % kChunkOrders;
      if (chunk.open_wh[at] == 0 || (!of_party && chunk.account[at] != index)) return;
      Event event;
      event.type = EventType::kOpenOrder;
      event.open_order = {.account = registry_.account(chunk.account[at]).definition.id,
                          .client_order_id = chunk.client_order_id[at],
                          .order = chunk.order_id[at],
                          .product = product.id,
                          .limit_ticks = product.definition.band_low_ticks + chunk.level[at],
                          .open_wh = chunk.open_wh[at],
                          .side = chunk.side};
      Push(question, event);
      ++question.told;
    });
  });
}

void Listing::ListMarket(Question& question, std::uint32_t market) {
  const MarketId wanted = question.scope.market;
  if (wanted != MarketId{} && wanted != registry_.market(market).id) return;
  products_.ForEachOf(market, [&](Product& product) {
    const bool is_before_gate = product.phase == Phase::kOpen || product.phase == Phase::kMatching;
    if (!is_before_gate && product.is_last_round()) return;
    const std::uint32_t round = product.round + (is_before_gate ? 0 : 1);
    Event event;
    event.type = EventType::kProductOpened;
    event.product_opened = DescribeProduct(product, round);
    Push(question, event);
    ++question.told;
    // The next round's is announced when it begins.
    if (product.phase != Phase::kOpen || !RuleOf(product.definition).has_lottery) return;
    event.type = EventType::kLottery;
    event.lottery = DescribeLottery(product);
    Push(question, event);
  });
}

void Listing::End(Question& question) {
  question.ended = true;
  Credential& credential = registry_.credential(question.credential);
  credential.asked = false;
  Event event;
  event.credential = credential.definition.id;
  const bool orders = question.type == CommandType::kListOpenOrders;
  event.type = orders ? EventType::kOpenOrdersEnd : EventType::kProductsEnd;
  event.list_end = {.query = question.query, .told = question.told};
  if (IsLook(question)) {
    event.list_end.market = question.scope.market;
    event.list_end.account = question.scope.account;
  }
  ready_.Push(event);
}

}  // namespace engine
