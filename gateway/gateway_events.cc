// What the shard and the outbox tell a gateway's sessions.
#include <boost/asio/post.hpp>

#include "gateway/gateway.h"

namespace gateway {
namespace {

// Of one turn, so that sockets and the ring take turns.
constexpr std::size_t kEventsATurn = 4'096;

}  // namespace

bool Gateway::TakeEvents() {
  std::size_t taken = 0;
  while (taken < kEventsATurn) {
    const auto ready = link_.events.Ready();
    if (ready.empty()) break;
    for (const engine::Event& event : ready) Dispatch(event);
    link_.events.Consume(ready.size());
    taken += ready.size();
  }
  // The shard may be waiting for room.
  if (taken != 0) link_.RingShard();
  return taken != 0;
}

bool Gateway::TakeMissed() {
  if (!missed_) return false;
  const auto ready = missed_->events.Ready();
  for (const engine::MissedEvent& missed : ready) {
    Session* session = FindSession(missed.session);
    if (session == nullptr) continue;
    session->AddMissed(missed);
    MarkDirty(*session);
  }
  missed_->events.Consume(ready.size());
  return !ready.empty();
}

// Where the ring is full, the next tick asks.
void Gateway::AskForMissed(Session& session) {
  const engine::MissedQuery query = session.NextQuery();
  if (!missed_ || query.most == 0 || missed_->queries.Room() == 0) return;
  missed_->queries.Put(query);
  missed_->queries.Publish();
  missed_->outbox_doorbell->Ring();
  session.Asked();
}

// Where the ring is full it is answered, and nobody hears it.
void Gateway::ForgetQuery(std::uint64_t session) {
  if (missed_->queries.Room() == 0) return;
  missed_->queries.Put({.session = session});
  missed_->queries.Publish();
  missed_->outbox_doorbell->Ring();
}

void Gateway::Dispatch(const engine::Event& event) {
  if (event.type == engine::EventType::kLogonMarket) {
    Session* session = FindSession(event.logon_market.session);
    if (session != nullptr) session->AddMarket(event.logon_market.market);
    return;
  }
  if (event.type == engine::EventType::kLogonAnswer) {
    OnLogonAnswer(event);
    return;
  }
  if (event.credential != engine::CredentialId{}) {
    if (looks_.Take(event)) return;
    Session* session = router_.Find(event.credential);
    if (session == nullptr) return;
    session->Add(event);
    MarkDirty(*session);
    return;
  }
  for (Session* session : router_.In(event.market)) {
    session->Add(event);
    MarkDirty(*session);
  }
}

void Gateway::OnLogonAnswer(const engine::Event& event) {
  if (event.logon_answer.session == 0 && stop_ == Stop::kAsked) {
    stop_ = Stop::kAnswered;
    return;
  }
  Session* session = FindSession(event.logon_answer.session);
  if (session != nullptr && session->phase() != Session::Phase::kLogonAsked) session = nullptr;
  if (session != nullptr) MarkDirty(*session);
  if (event.logon_answer.reason != engine::Reason::kNone) {
    if (session != nullptr) session->RefuseLogon(event.logon_answer.reason);
    return;
  }
  // Where the connection has gone meanwhile, events still come here now: a session before it would
  // hear nothing any more, and may come back.
  const TerminateReason reason =
      session != nullptr ? TerminateReason::kSuperseded : TerminateReason::kInternal;
  const std::uint64_t logon = event.logon_answer.logon;
  const bool newest = router_.Of(event.credential).last_logon < logon;
  Displace(event.credential, logon, reason);
  for (Gateway* peer : peers_) {
    if (peer == this) continue;
    boost::asio::post(peer->io_, [peer, logon, reason, credential = event.credential] {
      peer->Displace(credential, logon, reason);
    });
  }
  if (session == nullptr) return;
  if (!newest) {
    session->Terminate(TerminateReason::kSuperseded);
    return;
  }
  router_.Bind(event.credential, *session);
  session->AcceptLogon(event, router_.Of(event.credential));
}

void Gateway::Displace(engine::CredentialId credential, std::uint64_t logon,
                       TerminateReason reason) {
  Session* const session = router_.Displace(credential, logon);
  if (session == nullptr) return;
  // Where nobody has taken over in the end, what the session asked for holds: under the number of
  // the logon that is the last one now.
  const bool alone = reason == TerminateReason::kInternal;
  if (alone && session->cancel_on_disconnect()) disconnects_.push_back({credential, logon});
  session->Terminate(reason);
  MarkDirty(*session);
}

}  // namespace gateway
