#include "engine/core/exchange.h"

#include <type_traits>

#include "engine/core/check.h"
#include "engine/core/clearing/rules.h"
#include "engine/core/definition_right.h"
#include "engine/core/entry_version.h"
#include "engine/core/exchange_impl.h"

namespace engine {

bool Exchange::Impl::Screen(CommandView command) {
  const CommandHeader& header = command.header();
  const std::uint32_t credential = registry_.FindCredential(header.credential);
  AnswerEvent answer;
  answer.client_seq = header.client_seq;
  answer.time_ns = header.time_ns;
  answer.command = header.type;
  if (credential == kNoIndex) {
    answer.reason = Reason::kNotAuthorised;
    events_.TellAnswer(header.credential, sequence_, answer, {});
    return false;
  }
  const ClientSequence& sequence = registry_.credential(credential).sequence;
  const SequenceState state = sequence.Judge(header.client_seq);
  if (state == SequenceState::kNext) return true;
  if (state == SequenceState::kAnswered) {
    const KeptAnswer& kept = sequence.Answer(header.client_seq);
    events_.TellAnswer(header.credential, sequence_, kept.answer, kept.refusals);
    return false;
  }
  answer.reason = state == SequenceState::kGap ? Reason::kSequenceGap : Reason::kSequenceTooOld;
  answer.expected_client_seq = sequence.last() + 1;
  events_.TellAnswer(header.credential, sequence_, answer, {});
  return false;
}

bool Exchange::Impl::Apply(CommandView command) {
  const CommandHeader& header = command.header();
  CHECK(header.sequence == sequence_ + 1 && header.time_ns >= time_ns_);
  bool fits = true;
  if (!IsKnownVersion(header.type, header.version)) {
    fits = false;
  } else if (IsFromClient(header.type)) {
    ApplyClient(command);
  } else if (header.type == CommandType::kDisconnect) {
    ApplyDisconnect(header);
  } else if (header.type >= CommandType::kOpenProduct) {
    fits = ApplyTime(command);
  } else {
    fits = ApplyDefinition(command);
  }
  if (!fits) return false;
  running_.Add(header.sequence, header.time_ns, header.type);
  // Who and why are in no state.
  if (header.type == CommandType::kAct) running_.Add(DigestOf(command.body()));
  sequence_ = header.sequence;
  time_ns_ = header.time_ns;
  return true;
}

bool Exchange::Impl::ApplyDefinition(CommandView command) {
  if (!events_.empty()) return false;
  const CommandHeader& header = command.header();
  if (header.type == CommandType::kGenesis) {
    const auto* body = command.Single<GenesisBody>();
    if (body == nullptr || sequence_ != 0) return false;
    genesis_ = *body;
    registry_.SetEntryVersion(header.version);
    memory_.orders = OrderPool(body->order_capacity);
    return true;
  }
  if (!MayDefine(registry_, command)) return false;
  const DefinitionView what(command);
  switch (what.type()) {
    case CommandType::kDefineMarket:
      return Define<MarketDefinition>(what, header.time_ns);
    case CommandType::kDefineMeteringPoint:
      return Define<MeteringPointBody>(what, header.time_ns);
    case CommandType::kDefineAccount:
      return Define<AccountBody>(what, header.time_ns);
    case CommandType::kDefineCredential:
      return Define<CredentialBody>(what, header.time_ns);
    case CommandType::kDefineCertificate:
      return Define<CertificateBody>(what, header.time_ns);
    default:
      return false;
  }
}

template <typename Body>
bool Exchange::Impl::Define(const DefinitionView& what, std::int64_t time_ns) {
  const std::span<const Body> bodies = what.Items<Body>();
  if (bodies.empty() || !registry_.Define(bodies)) return false;
  if constexpr (std::is_same_v<Body, MarketDefinition>) {
    for (const MarketDefinition& market : bodies) {
      products_.SetMarket(registry_.FindMarket(market.id), market, time_ns);
    }
  }
  return true;
}

bool Exchange::Impl::ApplyTime(CommandView command) {
  const CommandHeader& header = command.header();
  if (header.type == CommandType::kOutcome) {
    const auto* body = command.Single<OutcomeBody>();
    return body != nullptr && rounds_.Confirm(*body);
  }
  if (header.type == CommandType::kRunningDigest) {
    const auto* body = command.Single<RunningDigestBody>();
    return body != nullptr && body->digest == running_.bytes();
  }
  if (header.type == CommandType::kAdoptEntry) {
    const auto* body = command.Single<EntryVersionBody>();
    const bool newer = body != nullptr && body->zero == 0 && body->version <= kEntryVersion &&
                       body->version > registry_.entry_version();
    if (newer) registry_.SetEntryVersion(body->version);
    return newer;
  }
  if (header.type == CommandType::kResumeGames) {
    const auto* body = command.Single<ResumeBody>();
    if (body == nullptr) return false;
    games_.Resume(*body, header);
    return true;
  }
  const auto* body = command.Single<ProductBody>();
  if (body == nullptr) return false;
  switch (header.type) {
    case CommandType::kOpenProduct:
      return rounds_.Open(*body, header);
    case CommandType::kCloseRound:
      return rounds_.Close(*body, header);
    case CommandType::kStepGame:
      return rounds_.StepGame(*body, header);
    case CommandType::kContinueMatching:
      return rounds_.ContinueMatching(*body, header);
    case CommandType::kFinishRound:
      return rounds_.Finish(*body, header);
    default:
      return false;
  }
}

// Calls act(item, entry) for each item and keeps what it refused.
template <typename Item, typename Act>
void Exchange::Impl::AnswerItems(CommandView command, KeptAnswer& kept, Act act) {
  const CommandHeader& header = command.header();
  const std::span<const Item> items = command.Items<Item>();
  if (items.size() != header.count || items.size() > kFrameOrdersMax) {
    kept.answer.reason = Reason::kMalformed;
    return;
  }
  Entry entry{.credential = registry_.FindCredential(header.credential),
              .time_ns = header.time_ns,
              .sequence = header.sequence};
  if constexpr (!std::is_same_v<Item, QuantityBody>) entry_.Prepare(items);
  for (const Item& item : items) {
    const Reason reason = act(item, entry);
    if (reason != Reason::kNone) {
      kept.refusals.push_back({static_cast<std::uint16_t>(entry.place), reason});
    }
    ++entry.place;
  }
  kept.answer.items = header.count;
  kept.answer.refused = static_cast<std::uint16_t>(kept.refusals.size());
}

void Exchange::Impl::ApplyClient(CommandView command) {
  const CommandHeader& header = command.header();
  const std::uint32_t credential = registry_.FindCredential(header.credential);
  CHECK(credential != kNoIndex);
  ClientSequence& sequence = registry_.credential(credential).sequence;
  CHECK(header.client_seq == sequence.last() + 1);
  KeptAnswer& kept = sequence.Advance();
  kept.answer.client_seq = header.client_seq;
  kept.answer.time_ns = header.time_ns;
  kept.answer.command_sequence = header.sequence;
  kept.answer.command = header.type;
  switch (header.type) {
    case CommandType::kSubmitOrders:
      AnswerItems<OrderBody>(command, kept, [this](const OrderBody& order, const Entry& entry) {
        return entry_.Submit(order, entry);
      });
      break;
    case CommandType::kReplaceOrders:
      AnswerItems<OrderBody>(command, kept, [this](const OrderBody& order, const Entry& entry) {
        return entry_.Replace(order, entry);
      });
      break;
    case CommandType::kCancelOrders:
      AnswerItems<OrderKeyBody>(command, kept, [this](const OrderKeyBody& key, const Entry& entry) {
        return entry_.Cancel(key, entry);
      });
      break;
    case CommandType::kReplyQuantities:
      AnswerItems<QuantityBody>(command, kept,
                                [this](const QuantityBody& answer, const Entry& entry) {
                                  return games_.Reply(answer, entry);
                                });
      break;
    default:
      CancelAll(command,
                {.credential = credential, .time_ns = header.time_ns, .sequence = header.sequence},
                kept);
  }
  running_.Add(header.credential, header.client_seq, kept.answer.reason, kept.answer.items);
  for (const Refusal& refusal : kept.refusals) running_.Add(refusal.index, refusal.reason);
  events_.TellAnswer(header.credential, header.sequence, kept.answer, kept.refusals);
}

void Exchange::Impl::CancelAll(CommandView command, const Entry& entry, KeptAnswer& kept) {
  const auto* scope = command.Single<OrderScopeBody>();
  if (scope == nullptr) {
    kept.answer.reason = Reason::kMalformed;
    return;
  }
  if (scope->account != AccountId{}) {
    const std::uint32_t account = registry_.FindAccount(scope->account);
    if (account == kNoIndex || registry_.account(account).credential != entry.credential) {
      kept.answer.reason = Reason::kNotYourAccount;
      return;
    }
  }
  const OrderEntry::CancelledAll done = entry_.CancelAll(*scope, entry);
  kept.answer.items = done.orders;
  kept.answer.reason = done.reason;
}

void Exchange::Impl::ApplyDisconnect(const CommandHeader& header) {
  const std::uint32_t credential = registry_.FindCredential(header.credential);
  if (credential == kNoIndex) return;
  entry_.Disconnect(
      {.credential = credential, .time_ns = header.time_ns, .sequence = header.sequence});
}

std::size_t Exchange::Impl::Drain(std::span<Event> out) {
  std::size_t count = events_.DrainAnswers(out);
  // Games, lists and rounds go on side by side; a game has half of the way, a list a quarter.
  std::span<Event> rest = out.subspan(count);
  const bool alone = events_.empty() && listing_.empty();
  count += games_.Drain(alone ? rest : rest.first((rest.size() + 1) / 2));
  rest = out.subspan(count);
  if (!events_.empty()) rest = rest.first(rest.size() / 4);
  count += listing_.Drain(sequence_, rest);
  return count + events_.Drain(out.subspan(count));
}

std::optional<DueCommand> Exchange::Impl::NextDue(Sweeps sweeps) const {
  if (rounds_.next_to_finish() != nullptr) {
    const Product& product = *rounds_.next_to_finish();
    DueCommand due{.due_ns = INT64_MIN,
                   .too_late_ns = INT64_MAX,
                   .type = CommandType::kFinishRound,
                   .body = {.product = product.id, .round = product.round},
                   .lottery = {}};
    const bool has_lottery = RuleOf(product.definition).has_lottery;
    if (has_lottery && !product.is_last_round()) due.lottery.part = LotteryNeed::Part::kHash;
    return due;
  }
  if (matching_.next() != nullptr && sweeps == Sweeps::kGoOn) {
    return DueCommand{.due_ns = INT64_MIN,
                      .too_late_ns = INT64_MAX,
                      .type = CommandType::kContinueMatching,
                      .body = {.product = matching_.next()->id, .round = matching_.next()->round},
                      .lottery = {}};
  }
  return products_.NextDue();
}

Exchange::Exchange() : impl_(std::make_unique<Impl>()) {}
Exchange::~Exchange() = default;
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;

bool Exchange::Screen(CommandView command) { return impl_->Screen(command); }
bool Exchange::Apply(CommandView command) { return impl_->Apply(command); }
void Exchange::Ask(CommandView query) { impl_->questions_.Ask(query, impl_->sequence_); }
std::size_t Exchange::Drain(std::span<Event> out) { return impl_->Drain(out); }
bool Exchange::Draining() const { return impl_->Draining(); }
std::size_t Exchange::Waiting() const { return impl_->events_.waiting(); }
bool Exchange::Answering() const { return impl_->events_.has_answers(); }
std::optional<DueCommand> Exchange::NextDue(Sweeps sweeps) const { return impl_->NextDue(sweeps); }
std::optional<OutcomeBody> Exchange::TakeOutcome() { return impl_->rounds_.TakeOutcome(); }
bool Exchange::CallsLate(ProductId id, std::int64_t now_ns) const {
  const Product* product = impl_->products_.Find(id, impl_->registry_);
  return product != nullptr && product->phase == Phase::kPlaying && product->game->IsLate(now_ns);
}
bool Exchange::Playing() const { return impl_->games_.any(); }
GameCounts Exchange::game_counts() const { return impl_->games_.counts(); }
std::int64_t Exchange::PublishIndicative(std::int64_t now_ns) {
  return impl_->indicative_.Publish(now_ns, impl_->sequence_, impl_->rounds_.scratch());
}
std::uint64_t Exchange::sequence() const { return impl_->sequence_; }
std::int64_t Exchange::time_ns() const { return impl_->time_ns_; }
const DigestBytes& Exchange::running_digest() const { return impl_->running_.bytes(); }
std::uint32_t Exchange::entry_version() const { return impl_->registry_.entry_version(); }
std::uint64_t Exchange::open_orders() const { return impl_->registry_.open_orders(); }
std::size_t Exchange::memory_bytes() const {
  return impl_->memory_.orders.memory_bytes() + impl_->memory_.parties.memory_bytes();
}

}  // namespace engine
