// The whole daemon on a simulated disk, each of its threads turned by hand: gateways, shard, outbox
// and follower, with the rings between them.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "engine/runtime/follower.h"
#include "engine/runtime/outbox.h"
#include "engine/runtime/recovery.h"
#include "engine/runtime/shard.h"
#include "gateway/definitions.h"
#include "gateway/gateway.h"
#include "tests/sim/sim_clock.h"
#include "tests/support/sim_disk.h"

namespace engine {

inline constexpr std::size_t kSimGateways = 2;

// Of the disk: its cable. While it is closed no write is done.
struct SimDoor {
  bool open = true;
};

struct SimDaemonOptions {
  std::int64_t journal_keep_ns = 0;
  std::int64_t outbox_keep_ns = INT64_MAX / 4;
};

// Told of each record once it is on disk, in order, and of none twice in one life.
using DurableRecord = std::function<void(CommandView)>;

// Thread: one. A daemon whose status() is not ok has died: it is destroyed, and another started.
class SimDaemon {
 public:
  // Makes the folder's first journal of these commands.
  static absl::Status Init(SimDisk& disk, const std::function<void(Journal&)>& append);
  // What an operator does while no daemon runs: see gateway/administration.h. `durable` is told of
  // what is found, too. Ensures: all of it is on disk, or an error.
  static absl::Status Configure(SimDisk& disk, SimClock& clock, const gateway::Definitions& wanted,
                                const gateway::Actor& actor, const DurableRecord& durable);

  // What is on disk is recovered and told to `durable`, from the journal's first record that is
  // kept. Requires: all outlive it.
  SimDaemon(SimDisk& disk, SimClock& clock, const SimDoor& door, const SimDaemonOptions& options,
            DurableRecord durable);
  ~SimDaemon();

  const absl::Status& status() const { return status_; }

  void Connect(std::size_t gateway, int socket, const boost::asio::ip::address& peer);
  void TurnGateway(std::size_t gateway);
  void TurnShard();
  void TurnOutbox();
  // Ensures: DataLoss where the second exchange came to something else than the shard.
  void StepFollower();
  // Tells all clients that it ends, and ends when everything is on disk.
  void Stop();

  const Shard& shard() const { return *shard_; }
  const Outbox& outbox() const { return *outbox_; }
  const Recovery& recovered() const { return recovered_; }
  std::uint64_t snapshots() const { return snapshots_; }
  std::uint64_t segments_removed() const { return removed_; }

 private:
  absl::Status Open(const DurableRecord& durable);
  void TurnAll();

  SimDisk& disk_;
  SimClock& clock_;
  const SimDoor& door_;
  const SimDaemonOptions options_;
  absl::Status status_;
  Recovery recovered_;
  Doorbell shard_bell_;
  Doorbell outbox_bell_;
  std::list<Doorbell> gateway_bells_;
  gateway::ConnectionLimits limits_;
  std::list<gateway::Gateway> gateways_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<Follower> follower_;
  std::uint64_t snapshots_ = 0;
  std::uint64_t removed_ = 0;
};

}  // namespace engine
