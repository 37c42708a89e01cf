#include "engine/core/client_sequence.h"

#include <algorithm>

namespace engine {

void ClientSequence::Save(StateWriter& out) const {
  out.Add(last_);
  for (std::uint64_t seq = oldest_kept(); seq <= last_; ++seq) {
    const KeptAnswer& kept = Answer(seq);
    out.Add(kept.answer.time_ns);
    out.Add(kept.answer.command_sequence);
    out.Add(kept.answer.command);
    out.Add(kept.answer.reason);
    out.Add(kept.answer.items);
    out.AddCount(kept.refusals.size());
    for (const Refusal& refusal : kept.refusals) {
      out.Add(refusal.index);
      out.Add(refusal.reason);
    }
  }
}

void ClientSequence::Load(StateReader& in) {
  last_ = in.Read<std::uint64_t>();
  if (!in.Require(last_ <= kSequenceMax, "a client sequence that cannot be")) last_ = 0;
  kept_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(last_ + 1, kAnswersKept)));
  for (std::uint64_t seq = oldest_kept(); seq <= last_ && in.ok(); ++seq) {
    KeptAnswer& kept = kept_[seq % kAnswersKept];
    kept.answer.client_seq = seq;
    kept.answer.time_ns = in.Read<std::int64_t>();
    kept.answer.command_sequence = in.Read<std::uint64_t>();
    kept.answer.command = in.Read<CommandType>();
    kept.answer.reason = in.Read<Reason>();
    kept.answer.items = in.Read<std::uint32_t>();
    kept.refusals.resize(static_cast<std::size_t>(in.ReadCount(kFrameOrdersMax)));
    kept.answer.refused = static_cast<std::uint16_t>(kept.refusals.size());
    for (Refusal& refusal : kept.refusals) {
      refusal.index = in.Read<std::uint16_t>();
      refusal.reason = in.Read<Reason>();
    }
  }
}

}  // namespace engine
