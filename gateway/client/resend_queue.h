// A client's requests that are not answered yet, and when they go again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "gateway/client_codec.h"

namespace gateway {

// Each frame has exactly one answer on its connection. One that only postpones (busy, throttled,
// gap) stops the sending; once all that are under way are answered, the rest goes again in order.
class ResendQueue {
 public:
  // Keeps a request. Ensures: true where it may be sent now, and then it counts as sent.
  bool Keep(std::uint64_t client_seq, Bytes frame, bool connected);
  const Bytes& newest() const { return requests_.back().frame; }
  std::size_t size() const { return requests_.size(); }

  // Ensures: true where it is the first final answer to a request, which is then forgotten.
  bool TakeAnswer(const AnswerMessage& message);

  // How long to wait before SendAgain(); none where it is not the time for that.
  std::optional<std::chrono::milliseconds> PauseBeforeSending();
  // Appends every request. Ensures: false where there is none.
  bool SendAgain(Bytes& out);
  bool postponed() const { return postponed_; }

  // Nothing is under way any more.
  void ConnectionLost();

 private:
  struct Request {
    std::uint64_t client_seq = 0;
    Bytes frame;
  };

  std::deque<Request> requests_;
  std::size_t in_flight_ = 0;  // Sent on this connection, and not answered on it.
  std::uint32_t retry_after_ms_ = 0;
  bool postponed_ = false;
};

}  // namespace gateway
