#include "engine/core/client_sequence.h"

#include <algorithm>

namespace engine {

void ClientSequence::AddTo(Digest& digest) const {
  digest.Add(last_);
  const std::uint64_t first = last_ - std::min<std::uint64_t>(last_, kAnswersKept) + 1;
  for (std::uint64_t seq = first; seq <= last_; ++seq) {
    const KeptAnswer& kept = Answer(seq);
    digest.Add(kept.answer.client_seq);
    digest.Add(kept.answer.time_ns);
    digest.Add(kept.answer.command_sequence);
    digest.Add(kept.answer.command);
    digest.Add(kept.answer.reason);
    digest.Add(kept.answer.items);
    digest.Add(kept.answer.refused);
    for (const Refusal& refusal : kept.refusals) {
      digest.Add(refusal.index);
      digest.Add(refusal.reason);
    }
  }
}

}  // namespace engine
