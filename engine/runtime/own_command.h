// A command that a shard makes itself.
#pragma once

#include "engine/core/command.h"

namespace engine {

// Contiguous, as the exchange and the journal take it.
template <typename Body>
struct OwnCommand {
  OwnCommand(CommandType type, const Body& what) : body(what) {
    header.type = type;
    header.count = 1;
    header.length = sizeof(OwnCommand);
  }

  CommandHeader header;
  Body body;
};
static_assert(sizeof(OwnCommand<ProductBody>) == sizeof(CommandHeader) + sizeof(ProductBody));
static_assert(sizeof(OwnCommand<OutcomeBody>) == sizeof(CommandHeader) + sizeof(OutcomeBody));

}  // namespace engine
