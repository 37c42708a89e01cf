// Says in the log which operator looks into others' orders, and who is refused to.
#pragma once

#include <cstdint>

#include "absl/container/btree_map.h"
#include "engine/core/event.h"
#include "engine/runtime/clock.h"

namespace gateway {

// A line when a look begins, one with a count at its end, one for a refusal; of one credential's
// further refusals in a minute one with their count. Whatever log.level is: else whoever sets it
// could look without a trace.
//
// Thread: one owner.
class LookLog {
 public:
  // Requires: the clock outlives it.
  explicit LookLog(engine::Clock& clock) : clock_(clock) {}
  ~LookLog() { SayCounts(INT64_MAX); }
  LookLog(const LookLog&) = delete;
  LookLog& operator=(const LookLog&) = delete;

  // Takes every event for a credential, and says nothing of most. Ensures: true for what is for the
  // log alone.
  bool Take(const engine::Event& event);
  // Of minutes that are over. Called now and then.
  void SayCounts(std::int64_t now_ns);

 private:
  struct Refusals {
    std::int64_t said_ns = 0;
    std::uint64_t since = 0;  // Not said yet.
  };

  void Refused(engine::CredentialId who);

  engine::Clock& clock_;
  absl::btree_map<engine::CredentialId, Refusals> refused_;  // In the last minute.
};

}  // namespace gateway
