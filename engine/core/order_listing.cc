#include "engine/core/order_listing.h"

namespace engine {

void OrderListing::Begin(std::uint32_t credential, const OrderScopeBody& scope,
                         std::uint64_t client_seq) {
  Question question;
  question.credential = credential;
  question.scope = scope;
  question.client_seq = client_seq;
  questions_.Push(question);
}

void OrderListing::TellAccount(Question& question, std::uint32_t index, std::uint64_t sequence) {
  const Account& account = registry_.account(index);
  products_.ForEachOf(account.market, [&](Product& product) {
    product.book.ForEachOfParty(memory_, account.party, [&](Slot slot) {
      const OrderChunk& chunk = memory_.orders.ChunkOf(slot);
      const std::uint32_t at = slot % kChunkOrders;
      if (chunk.account[at] != index || chunk.open_wh[at] == 0) return;
      Event event;
      event.sequence = sequence;
      event.credential = registry_.credential(question.credential).definition.id;
      event.type = EventType::kOpenOrder;
      event.open_order = {.account = account.definition.id,
                          .client_order_id = chunk.client_order_id[at],
                          .order = chunk.order_id[at],
                          .product = product.id,
                          .limit_ticks = product.definition.band_low_ticks + chunk.level[at],
                          .open_wh = chunk.open_wh[at],
                          .side = chunk.side};
      events_.Tell(event);
      ++question.orders;
    });
  });
}

void OrderListing::Continue(std::uint64_t sequence, std::size_t budget) {
  Question& question = questions_.front();
  const Credential& credential = registry_.credential(question.credential);
  const std::uint32_t before = question.orders;
  std::size_t visited = 0;
  while (question.next_account < credential.accounts.size()) {
    const std::uint32_t index = credential.accounts[question.next_account++];
    const Account& account = registry_.account(index);
    const OrderScopeBody& scope = question.scope;
    const bool in_scope =
        (scope.account == AccountId{} || scope.account == account.definition.id) &&
        (scope.market == MarketId{} || scope.market == account.definition.market);
    if (in_scope && account.open_orders > 0) TellAccount(question, index, sequence);
    if (question.orders - before >= budget || ++visited >= budget) return;
  }
  Event event;
  event.sequence = sequence;
  event.credential = credential.definition.id;
  event.type = EventType::kOpenOrdersEnd;
  event.open_orders_end = {.client_seq = question.client_seq, .orders = question.orders};
  events_.Tell(event);
  questions_.Pop();
}

}  // namespace engine
