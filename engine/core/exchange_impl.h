// What an exchange is made of; for its own sources only.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "engine/core/act.h"
#include "engine/core/event_queue.h"
#include "engine/core/exchange.h"
#include "engine/core/games.h"
#include "engine/core/indicative.h"
#include "engine/core/listing.h"
#include "engine/core/matching.h"
#include "engine/core/order_entry.h"
#include "engine/core/product_table.h"
#include "engine/core/questions.h"
#include "engine/core/registry.h"
#include "engine/core/rounds.h"
#include "engine/core/running_digest.h"

namespace engine {

class Exchange::Impl {
 public:
  bool Screen(CommandView command);
  bool Apply(CommandView command);
  std::size_t Drain(std::span<Event> out);
  bool Draining() const { return !events_.empty() || !listing_.empty() || games_.Draining(); }
  std::optional<DueCommand> NextDue(Sweeps sweeps) const;
  void Save(StateWriter& out);
  bool Load(StateReader& in);

  GenesisBody genesis_;
  std::uint64_t sequence_ = 0;
  std::int64_t time_ns_ = 0;
  RunningDigest running_;
  Registry registry_;
  ProductTable products_;
  BookMemory memory_{0};
  EventQueue events_{registry_, memory_, running_};
  Matching matching_{registry_, products_, memory_, events_};
  OrderEntry entry_{registry_, products_, memory_, events_, matching_};
  Games games_{registry_, products_, memory_};
  Rounds rounds_{registry_, products_, memory_, events_, entry_, games_};
  Listing listing_{registry_, products_, memory_};
  Questions questions_{registry_, events_, listing_, games_};
  IndicativePublisher indicative_{products_, memory_, events_};

 private:
  void LoadProducts(StateReader& in);
  void SaveTraded(std::uint64_t products, StateWriter& out);
  void LoadTraded(StateReader& in);
  void CheckPhases(StateReader& in);
  bool ApplyDefinition(CommandView command);
  template <typename Body>
  bool Define(const DefinitionView& what, std::int64_t time_ns);
  bool ApplyTime(CommandView command);
  void ApplyClient(CommandView command);
  void ApplyDisconnect(const CommandHeader& header);
  template <typename Item, typename Act>
  void AnswerItems(CommandView command, KeptAnswer& kept, Act act);
  void CancelAll(CommandView command, const Entry& entry, KeptAnswer& kept);
};

}  // namespace engine
