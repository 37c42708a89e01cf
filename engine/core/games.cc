#include "engine/core/games.h"

#include <algorithm>
#include <memory>

#include "engine/core/check.h"

namespace engine {

bool Games::Begin(Product& product, const CommandHeader& header, ClearingScratch& scratch) {
  const RuleParameters& rule = product.definition.rule;
  if (rule.schedule == Schedule::kNone) return false;
  const StackelbergSides sides =
      FindStackelbergSides(product.book, memory_, rule.lone_trader, scratch);
  if (!sides.winners.any) return false;
  auto game =
      std::make_unique<Game>(product.definition, sides, Game::Desk{product.book, memory_, scratch},
                             Game::Time{header.time_ns, product.void_ns() - 1});
  if (game->callees().empty()) return false;
  product.game = std::move(game);
  playing_.push_back({.product = &product, .sequence = header.sequence});
  return true;
}

bool Games::Step(Product& product, const CommandHeader& header, ClearingScratch& scratch) {
  if (!product.game->Advance({product.book, memory_, scratch}, header.time_ns)) return false;
  Played& played = Find(product);
  played.sequence = header.sequence;
  played.next = 0;
  return true;
}

StackelbergPrice Games::End(Product& product, ClearingScratch& scratch) {
  const StackelbergPrice price = product.game->Conclude({product.book, memory_, scratch});
  Remove(product);
  return price;
}

void Games::Abandon(Product& product) { Remove(product); }

Games::Played& Games::Find(const Product& product) {
  const auto at = std::find_if(playing_.begin(), playing_.end(), [&product](const Played& played) {
    return played.product == &product;
  });
  CHECK(at != playing_.end());
  return *at;
}

void Games::Remove(Product& product) {
  ++counts_.played;
  counts_.steps += product.game->step();
  counts_.silences += product.game->silences();
  counts_.fell_back += product.game->fell_back() ? 1 : 0;
  playing_.erase(playing_.begin() + (&Find(product) - playing_.data()));
  product.game.reset();
}

Reason Games::Reply(const QuantityBody& answer, const Entry& entry) {
  const std::uint32_t index = registry_.FindAccount(answer.account);
  if (index == kNoIndex || registry_.account(index).credential != entry.credential) {
    return Reason::kNotYourAccount;
  }
  const Account& account = registry_.account(index);
  const std::uint32_t market = registry_.FindMarket(answer.product.market);
  if (market == kNoIndex) return Reason::kUnknownMarket;
  Product* product = products_.Find(market, answer.product.start_minute);
  if (product == nullptr) return Reason::kUnknownProduct;
  if (product->round > answer.round || product->phase == Phase::kClearing) {
    return Reason::kAnswerTooLate;
  }
  if (product->round != answer.round || product->phase != Phase::kPlaying) {
    return Reason::kNotCalled;
  }
  const Slot slot = product->book.Find(memory_, account.party, index, answer.client_order_id);
  if (slot == kNoSlot) return Reason::kUnknownOrder;
  const std::size_t callee = product->game->Find(slot);
  if (callee == Game::kNoCallee) return Reason::kNotCalled;
  const Reason reason = product->game->Answer(callee, answer.step, answer.demand_nwh);
  if (reason == Reason::kNone && !product->game->Waits()) products_.Refresh(*product);
  return reason;
}

void Games::Resume(const ResumeBody& body, const CommandHeader& header) {
  for (Played& played : playing_) {
    if (body.product.market != MarketId{} && body.product != played.product->id) continue;
    played.sequence = header.sequence;  // Calls that are still to be told say the new deadline.
    played.product->game->Resume(body.until_ns);
    products_.Refresh(*played.product);
  }
}

Event Games::CallOf(const Product& product, std::size_t callee) const {
  const Game::Callee& called = product.game->callees()[callee];
  const Account& account = registry_.account(called.account);
  Event event;
  event.type = EventType::kPriceCall;
  event.credential = registry_.credential(account.credential).definition.id;
  const OrderChunk& chunk = memory_.orders.ChunkOf(called.slot);
  event.price_call = {.account = account.definition.id,
                      .client_order_id = chunk.client_order_id[called.slot % kChunkOrders],
                      .product = product.id,
                      .deadline_ns = product.game->deadline_ns(),
                      .round = product.round,
                      .step = product.game->step(),
                      .price_ticks = product.definition.band_low_ticks + product.game->level()};
  return event;
}

std::size_t Games::Drain(std::span<Event> out) {
  std::size_t count = 0;
  for (Played& played : playing_) {
    const std::vector<Game::Callee>& callees = played.product->game->callees();
    for (; played.next < callees.size() && count < out.size(); ++played.next) {
      if (callees[played.next].answered) continue;
      out[count] = CallOf(*played.product, played.next);
      out[count++].sequence = played.sequence;
    }
  }
  return count;
}

bool Games::Draining() const {
  return std::any_of(playing_.begin(), playing_.end(), [](const Played& played) {
    return played.next < played.product->game->callees().size();
  });
}

void Games::TellAgain(std::uint32_t credential, std::uint64_t sequence, EventQueue& events) const {
  for (const Played& played : playing_) {
    for (const std::uint32_t account : registry_.credential(credential).accounts) {
      TellAccount(*played.product, account, sequence, events);
    }
  }
}

void Games::TellAccount(const Product& product, std::uint32_t index, std::uint64_t sequence,
                        EventQueue& events) const {
  const Account& account = registry_.account(index);
  if (account.market != product.market || account.open_orders == 0) return;
  const std::vector<Game::Callee>& callees = product.game->callees();
  product.book.ForEachOfParty(memory_, account.party, [&](Slot slot) {
    const std::size_t callee = product.game->Find(slot);
    if (callee == Game::kNoCallee || callees[callee].account != index) return;
    if (callees[callee].answered) return;
    Event event = CallOf(product, callee);
    event.sequence = sequence;
    events.Tell(event);
  });
}

void Games::Save(StateWriter& out) const {
  out.AddCount(playing_.size());
  for (const Played& played : playing_) {
    out.Add(played.product->id);
    played.product->game->Save(out);
  }
}

void Games::Load(StateReader& in, ClearingScratch& scratch) {
  for (std::uint64_t left = in.ReadCount(kOpenProductsMax); left > 0 && in.ok(); --left) {
    Product* product = products_.Find(in.Read<ProductId>(), registry_);
    const bool is_played = product != nullptr && product->phase == Phase::kPlaying &&
                           product->game == nullptr &&
                           product->definition.rule.schedule != Schedule::kNone;
    if (!in.Require(is_played, "a game of a product that is not played")) return;
    LoadGame(in, *product, scratch);
  }
}

void Games::LoadGame(StateReader& in, Product& product, ClearingScratch& scratch) {
  const StackelbergSides sides =
      FindStackelbergSides(product.book, memory_, product.definition.rule.lone_trader, scratch);
  if (!in.Require(sides.winners.any, "a game without winners")) return;
  product.game =
      std::make_unique<Game>(product.definition, sides, Game::Desk{product.book, memory_, scratch},
                             Game::Time{.now_ns = 0, .last_ns = product.void_ns() - 1});
  product.game->Load(in);
  playing_.push_back({.product = &product, .next = product.game->callees().size()});
}

}  // namespace engine
