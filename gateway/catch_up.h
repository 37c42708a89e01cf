// Where one session is in the stream of its credential's numbered events.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gateway {

// An event that the shard tells is sent at once where it is the next one and the client keeps up.
// Else it is left to the outbox, which has it too, and asked for in pieces as the client reads.
class CatchUp {
 public:
  // `next` is the first to be sent, `end` the number that the shard's next event will have.
  // Requires: next <= end.
  void Begin(std::uint64_t next, std::uint64_t end) {
    next_ = next;
    end_ = end;
  }

  // The shard tells it. Ensures: whether it is to be sent now.
  bool TakesLive(std::uint64_t number, bool lagging) {
    end_ = std::max(end_, number + 1);
    if (number != next_ || asked_ || lagging) return false;
    ++next_;
    return true;
  }

  // Whether there are events that only the outbox has, and it was not asked.
  bool WantsMore() const { return next_ < end_ && !asked_; }
  void Asked() { asked_ = true; }
  bool asked() const { return asked_; }

  // The outbox tells it. Ensures: whether it is the next one.
  bool TakesMissed(std::uint64_t number) {
    if (!asked_ || number != next_) return false;
    ++next_;
    return true;
  }
  void PieceEnded() { asked_ = false; }

  std::uint64_t next() const { return next_; }

 private:
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;
  bool asked_ = false;
};

}  // namespace gateway
