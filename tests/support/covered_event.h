// What a shard tells its outbox behind the events of its commands.
#pragma once

#include <cstdint>

#include "engine/core/event.h"

namespace engine {

inline Event CoveredEvent(std::uint64_t sequence) {
  Event event;
  event.type = EventType::kCovered;
  event.sequence = sequence;
  return event;
}

}  // namespace engine
