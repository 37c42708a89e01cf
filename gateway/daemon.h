// What the process is made of while it serves: its threads, and what lies between them.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/core/lottery_key.h"
#include "engine/journal/data_directory.h"
#include "engine/journal/journal.h"
#include "engine/outbox/event_store.h"
#include "engine/runtime/clock.h"
#include "engine/runtime/doorbell.h"
#include "engine/runtime/outbox.h"
#include "engine/runtime/outbox_thread.h"
#include "engine/runtime/shard.h"
#include "engine/runtime/shard_thread.h"
#include "gateway/administration.h"
#include "gateway/config.h"
#include "gateway/gateway.h"
#include "gateway/gateway_thread.h"
#include "gateway/options.h"
#include "gateway/status_log.h"
#include "gateway/tls_identity.h"

namespace gateway {

// Gateway threads in front, one shard behind, the outbox beside; a ring each way between gateways
// and shard and between gateways and outbox, and one from the shard to the outbox.
//
// Thread: main's.
class Daemon {
 public:
  Daemon(const Config& config, const engine::ClusterDescription& description);

  // Serves from now on, and ends the process where the journal cannot be written. Requires: not yet
  // called; the store has all numbered events of the recovered shard.
  absl::Status Start(OpenShard recovered, std::unique_ptr<engine::Journal> journal,
                     std::unique_ptr<engine::EventStore> store, const engine::LotteryKey& lottery);

  // Requires: started, for all below.
  // Reads the certificates' files again. Ensures: where they are not good the old ones stay.
  void ReadCertificatesAgain();
  StatusLog MakeStatusLog() const;
  engine::Outbox& outbox() { return *outbox_; }
  // Against the arrows: sessions, then the shard, then the threads that took its last events.
  void Stop();

 private:
  // Null where there is no [tls].
  absl::StatusOr<std::shared_ptr<const TlsIdentity>> LoadTls() const;

  engine::Doorbell shard_bell_;
  engine::Doorbell outbox_bell_;
  const Config config_;
  GatewayOptions options_;
  engine::ExchangeClock clock_;
  ConnectionLimits limits_;
  std::deque<engine::Doorbell> gateway_bells_;
  std::deque<Gateway> gateways_;
  std::optional<engine::Outbox> outbox_;
  std::optional<engine::Shard> shard_;
  std::optional<engine::OutboxThread> outbox_thread_;
  std::optional<engine::ShardThread> shard_thread_;
  std::deque<GatewayThread> gateway_threads_;
};

}  // namespace gateway
