// Questions to the exchange: who logs on, which orders and products are open.
#pragma once

#include <cstdint>

#include "engine/core/command.h"
#include "engine/core/event_queue.h"
#include "engine/core/games.h"
#include "engine/core/listing.h"
#include "engine/core/registry.h"

namespace engine {

// An answer leaves no trace in the state; it carries the sequence of the state that it tells of.
class Questions {
 public:
  Questions(Registry& registry, EventQueue& events, Listing& listing, const Games& games)
      : registry_(registry), events_(events), listing_(listing), games_(games) {}

  // Requires: IsQuery(query's type). A logon is answered at once, and with it what is called of the
  // credential's buyers; a list begins.
  void Ask(CommandView query, std::uint64_t sequence);

 private:
  void Logon(CommandView query, std::uint64_t sequence);
  Reason FindReach(const Credential& asker, CommandType question, const OrderScopeBody& scope,
                   Listing::Reach& reach) const;
  Reason FindReachOfOrders(const Credential& asker, const OrderScopeBody& scope,
                           Listing::Reach& reach) const;

  Registry& registry_;
  EventQueue& events_;
  Listing& listing_;
  const Games& games_;
};

}  // namespace engine
