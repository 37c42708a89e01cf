// One credential's place in its stream of commands, and the last answers that it was given.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/event.h"
#include "engine/core/limits.h"
#include "engine/core/state_bytes.h"

namespace engine {

// An answer as it was first given: a resend hears it again, to the byte.
struct KeptAnswer {
  AnswerEvent answer;
  std::vector<Refusal> refusals;
};

enum class SequenceState { kNext, kAnswered, kTooOld, kGap };

// Memory: grows with the answers up to kAnswersKept and is then reused.
class ClientSequence {
 public:
  std::uint64_t last() const { return last_; }

  SequenceState Judge(std::uint64_t client_seq) const {
    if (client_seq == last_ + 1) return SequenceState::kNext;
    if (client_seq > last_) return SequenceState::kGap;
    if (client_seq == 0 || last_ - client_seq >= kAnswersKept) return SequenceState::kTooOld;
    return SequenceState::kAnswered;
  }

  // Requires: Judge(client_seq) is kAnswered.
  const KeptAnswer& Answer(std::uint64_t client_seq) const {
    return kept_[client_seq % kAnswersKept];
  }

  // The place for the answer to the next command, emptied; last() is then that command.
  KeptAnswer& Advance() {
    ++last_;
    const std::size_t place = last_ % kAnswersKept;
    if (kept_.size() <= place) kept_.resize(place + 1);
    kept_[place].answer = AnswerEvent();
    kept_[place].refusals.clear();
    return kept_[place];
  }

  void Save(StateWriter& out) const;
  void Load(StateReader& in);

 private:
  std::uint64_t oldest_kept() const { return last_ < kAnswersKept ? 1 : last_ - kAnswersKept + 1; }

  std::uint64_t last_ = 0;
  std::vector<KeptAnswer> kept_;  // By client_seq modulo kAnswersKept.
};

}  // namespace engine
