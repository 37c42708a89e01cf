#include "gateway/router.h"

#include <vector>

#include "gateway/session.h"

namespace gateway {

void Router::Bind(engine::CredentialId credential, Session& session) {
  Of(credential).session = &session;
  for (const engine::MarketId market : session.markets()) markets_[market].push_back(&session);
}

Session* Router::Displace(engine::CredentialId credential, std::uint64_t logon) {
  LoggedOnCredential& entry = Of(credential);
  if (entry.last_logon >= logon) return nullptr;
  entry.last_logon = logon;
  Session* const before = entry.session;
  if (before != nullptr) Unbind(credential, *before);
  return before;
}

void Router::Unbind(engine::CredentialId credential, Session& session) {
  const auto found = credentials_.find(credential);
  if (found == credentials_.end() || found->second->session != &session) return;
  found->second->session = nullptr;
  for (const engine::MarketId market : session.markets()) {
    const auto in_market = markets_.find(market);
    if (in_market == markets_.end()) continue;
    std::erase(in_market->second, &session);
    if (in_market->second.empty()) markets_.erase(in_market);
  }
}

LoggedOnCredential& Router::Of(engine::CredentialId credential) {
  std::unique_ptr<LoggedOnCredential>& entry = credentials_[credential];
  if (entry == nullptr) entry = std::make_unique<LoggedOnCredential>();
  return *entry;
}

Session* Router::Find(engine::CredentialId credential) const {
  const auto found = credentials_.find(credential);
  return found == credentials_.end() ? nullptr : found->second->session;
}

const std::vector<Session*>& Router::In(engine::MarketId market) const {
  const auto found = markets_.find(market);
  return found == markets_.end() ? nobody_ : found->second;
}

}  // namespace gateway
