// A client's requests that are not answered yet: their numbers, and when they go again.
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
//
// A final refusal by the gateway uses up no number, and the daemon waits for that number still. The
// next request gets it where none has a later one. Else a frame that does nothing uses it up, and
// what lies behind keeps its numbers and its bytes: a copy of it may be under way on a connection
// before this one, even to another thread of the daemon. Under its own number it is done once
// whichever copy comes first; under two numbers it could be done twice.
//
// What makes both safe: the gateway judges the bytes alone. A frame that it has refused so it
// refuses on every connection, so no such frame ever comes to where numbers are used up, and the
// number has not been used. A refusal goes only to the connection that the frame came by, and a
// request is not sent again there before its answer has come, so a later request under the same
// number never hears it. A full disk is another thing: what was refused for it could be done later.
// So that refusal is final only where no connection before this one may hold a copy; else it
// postpones.
class ResendQueue {
 public:
  // Requires: `builder` outlives the calls of TakeAnswer().
  explicit ResendQueue(RequestBuilder& builder) : builder_(builder) {}

  // Of the next request; 0 before the first logon.
  std::uint64_t next_seq() const { return next_seq_; }
  std::size_t size() const { return requests_.size(); }

  // After a logon whose answer says which number the daemon expects.
  // Ensures: false where it is less than what the daemon has answered: it has lost its state, and
  //          would answer everything with a gap.
  bool Resume(std::uint64_t expected);

  // Keeps the request made with next_seq(). Ensures: true where it may be sent now, and then it
  // counts as sent.
  bool Keep(Bytes frame, bool connected);
  const Bytes& newest() const { return requests_.back().frame; }

  enum class Taken : std::uint8_t {
    kNotFinal,    // Nor is one that was answered before, or that this queue has made itself.
    kFinal,       // The first final answer to a request, which is then forgotten.
    kNothingGoes  // The daemon refuses what does nothing: no number can be used up.
  };
  // Requires: the answer to a numbered message.
  // Ensures:  with kFinal message.answer.client_seq is the request's, even if the daemon did not
  //           read it.
  Taken TakeAnswer(AnswerMessage& message);

  // How long to wait before SendAgain(); none where it is not the time for that, or it was said.
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
    bool under_way = false;  // Sent on this connection, and not answered on it.
    bool sent = false;       // On any connection.
    bool copied = false;     // On one that was lost: a copy may still be under way.
    bool filler = false;     // Only there to use up the number.
  };
  using Requests = std::deque<Request>;

  Requests::iterator Find(const AnswerMessage& message);
  void GiveBack(std::size_t place);

  RequestBuilder& builder_;
  Requests requests_;  // By client_seq.
  std::uint64_t next_seq_ = 0;
  std::uint32_t retry_after_ms_ = 0;
  bool postponed_ = false;
  bool pausing_ = false;  // PauseBeforeSending() has said how long.
};

}  // namespace gateway
