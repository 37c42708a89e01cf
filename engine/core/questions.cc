#include "engine/core/questions.h"

#include <algorithm>
#include <cstddef>

namespace engine {

void Questions::Ask(CommandView query, std::uint64_t sequence) {
  if (query.header().type == CommandType::kLogon) {
    Logon(query, sequence);
    return;
  }
  const auto* scope = query.Single<OrderScopeBody>();
  const std::uint32_t credential = registry_.FindCredential(query.header().credential);
  Reason reason = Reason::kNone;
  Listing::Reach reach{};
  if (scope == nullptr) {
    reason = Reason::kMalformed;
  } else if (credential == kNoIndex) {
    reason = Reason::kNotAuthorised;
  } else {
    reason = FindReach(registry_.credential(credential), query.header().type, *scope, reach);
  }
  if (reason == Reason::kNone && !listing_.Begin(credential, query.header(), *scope, reach)) {
    reason = Reason::kBusy;
  }
  if (reason == Reason::kNone) return;
  AnswerEvent answer;
  answer.client_seq = query.header().client_seq;
  answer.command = query.header().type;
  answer.reason = reason;
  events_.TellAnswer(query.header().credential, sequence, answer, {});
}

// Whether the answer is of the asker's own accounts and markets, or of all. To anyone but an
// operator what is another's does not exist: an empty list, and no refusal.
Reason Questions::FindReach(const Credential& asker, CommandType question,
                            const OrderScopeBody& scope, Listing::Reach& reach) const {
  reach = Listing::Reach::kOwn;
  if (question == CommandType::kListOpenOrders) {
    const bool is_operator = asker.definition.kind == CredentialKind::kOperator;
    return is_operator ? FindReachOfOrders(asker, scope, reach) : Reason::kNone;
  }
  if (Has(asker.definition, Role::kRead)) reach = Listing::Reach::kAll;
  return Reason::kNone;
}

// An operator who names what is not its own looks into a book. One without the role is told so: an
// empty list would say that there are no orders.
Reason Questions::FindReachOfOrders(const Credential& asker, const OrderScopeBody& scope,
                                    Listing::Reach& reach) const {
  const std::uint32_t account = registry_.FindAccount(scope.account);
  const std::uint32_t market = registry_.FindMarket(scope.market);
  const bool names_account = scope.account != AccountId{};
  if (!names_account && scope.market == MarketId{}) return Reason::kNone;
  const bool looks = Has(asker.definition, Role::kSurveillance);
  if (looks && scope.market != MarketId{} && market == kNoIndex) return Reason::kUnknownMarket;
  const bool is_own = names_account
                          ? std::ranges::find(asker.accounts, account) != asker.accounts.end()
                          : std::ranges::find(asker.markets, market) != asker.markets.end();
  if (is_own && (names_account || !looks)) return Reason::kNone;
  if (!looks) return Reason::kNotAuthorised;
  if (names_account && account == kNoIndex) return Reason::kNotYourAccount;
  reach = Listing::Reach::kAll;
  return Reason::kNone;
}

void Questions::Logon(CommandView query, std::uint64_t sequence) {
  const auto* body = query.Single<LogonBody>();
  if (body == nullptr) return;
  Event event;
  event.sequence = sequence;
  // Never one for the other: a certificate is known to everyone, its hash would be a token's.
  const std::uint32_t index = body->proof == LogonProof::kCertificate
                                  ? registry_.FindCertificate(body->hash)
                                  : registry_.FindToken(body->hash);
  if (index == kNoIndex) {
    event.type = EventType::kLogonAnswer;
    event.logon_answer = {.session = body->session, .reason = Reason::kNotAuthorised};
    events_.Tell(event);
    return;
  }
  const Credential& credential = registry_.credential(index);
  event.credential = credential.definition.id;
  event.type = EventType::kLogonMarket;
  const bool reads = Has(credential.definition, Role::kRead);
  const std::size_t markets = reads ? registry_.market_count() : credential.markets.size();
  for (std::size_t i = 0; i < markets; ++i) {
    const std::uint32_t market = reads ? static_cast<std::uint32_t>(i) : credential.markets[i];
    event.logon_market = {.session = body->session, .market = registry_.market(market).id};
    events_.Tell(event);
  }
  event.type = EventType::kLogonAnswer;
  event.logon_answer = {.session = body->session,
                        .next_client_seq = credential.sequence.last() + 1,
                        .next_event = credential.next_emitted,
                        .orders_per_second = credential.definition.orders_per_second,
                        .reason = Reason::kNone,
                        .kind = credential.definition.kind};
  events_.Tell(event);
  games_.TellAgain(index, sequence, events_);
}

}  // namespace engine
