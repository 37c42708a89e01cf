// Who is logged on at one gateway thread: which session a credential's events go to.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/core/ids.h"
#include "gateway/token_bucket.h"

namespace gateway {

class Session;

// What a credential keeps between its connections, so that a new one is no way round a limit.
struct LoggedOnCredential {
  Session* session = nullptr;
  std::uint64_t last_logon = 0;  // The shard's number of the newest logon heard of.
  TokenBucket orders;
  TokenBucket cancels;  // And answers to called prices.
};

// Thread: its gateway's.
class Router {
 public:
  // Requires: Displace() was called for its logon: no other session is bound.
  void Bind(engine::CredentialId credential, Session& session);
  // Hears of a logon of the credential, here or at another gateway. Logons at two gateways may hear
  // of each other in any order: the shard's numbers say which is the newer one, and only that
  // stays. Ensures: the session that is no longer known here because of it; null where there is
  // none.
  Session* Displace(engine::CredentialId credential, std::uint64_t logon);
  // Requires: bound before, or not; a session that was displaced changes nothing.
  void Unbind(engine::CredentialId credential, Session& session);

  LoggedOnCredential& Of(engine::CredentialId credential);
  Session* Find(engine::CredentialId credential) const;
  const std::vector<Session*>& In(engine::MarketId market) const;

 private:
  // The entries stay where they are: sessions point to them.
  absl::flat_hash_map<engine::CredentialId, std::unique_ptr<LoggedOnCredential>> credentials_;
  absl::flat_hash_map<engine::MarketId, std::vector<Session*>> markets_;
  const std::vector<Session*> nobody_{};
};

}  // namespace gateway
