// Load on a server: so many connections, each with so many unanswered frames of so many orders.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/command.h"
#include "gateway/tls_identity.h"

namespace bench {

struct LoadShape {
  std::uint32_t connections = 1;
  std::uint32_t orders_a_frame = 1;
  std::uint32_t window = 1;  // Frames of a connection that may be unanswered.
};

// What one connection trades with. Its orders go round over the accounts and the products.
struct LoadAccounts {
  bool logs_on = false;  // Else the server wants no logon.
  std::string token{};
  std::shared_ptr<const gateway::TlsIdentity> tls{};  // Null: not over TLS.
  std::uint64_t first_account = 1;
  std::uint32_t accounts = 1;
};

// Closed loop: an answer that comes lets the next frame go, so that what is measured is the
// server's pace and not a queue's length.
//
// Thread: one owner, blocking. Any refusal or lost connection stops this program: a benchmark of
// refusals would be a fast one.
class RoundTripLoad {
 public:
  // Connects, shakes hands where that is wanted and logs all of them on. Requires: accounts for
  // each connection.
  RoundTripLoad(std::uint16_t port, const LoadShape& shape,
                const std::vector<LoadAccounts>& accounts, std::vector<engine::ProductId> products);
  ~RoundTripLoad();
  RoundTripLoad(const RoundTripLoad&) = delete;
  RoundTripLoad& operator=(const RoundTripLoad&) = delete;

  // Sends so many frames over all connections together and waits for their answers.
  void Run(std::uint64_t frames);

  // Of every answer to a frame of orders; 0 before the first.
  std::size_t answer_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bench
