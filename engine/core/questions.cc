#include "engine/core/questions.h"

namespace engine {

void Questions::Ask(CommandView query, std::uint64_t sequence) {
  if (query.header().type == CommandType::kLogon) {
    Logon(query, sequence);
    return;
  }
  const auto* scope = query.Single<OrderScopeBody>();
  const std::uint32_t credential = registry_.FindCredential(query.header().credential);
  Reason reason = Reason::kNone;
  if (scope == nullptr) {
    reason = Reason::kMalformed;
  } else if (credential == kNoIndex) {
    reason = Reason::kNotAuthorised;
  } else if (!listing_.Begin(credential, query.header().type, *scope, query.header().client_seq)) {
    reason = Reason::kBusy;
  }
  if (reason == Reason::kNone) return;
  AnswerEvent answer;
  answer.client_seq = query.header().client_seq;
  answer.command = query.header().type;
  answer.reason = reason;
  events_.TellAnswer(query.header().credential, sequence, answer, {});
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
  for (const std::uint32_t market : credential.markets) {
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
