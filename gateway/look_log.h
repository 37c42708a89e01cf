// Says in the log which operator looked into others' orders, and who was refused to.
#pragma once

#include "engine/core/event.h"

namespace gateway {

// Takes every event for a credential, and says nothing of most. Thread: any.
void LogLook(const engine::Event& event);

}  // namespace gateway
