#include "gateway/client/resend_queue.h"

#include <algorithm>
#include <utility>

namespace gateway {
namespace {

using engine::Reason;

bool Postpones(Reason reason) {
  return reason == Reason::kBusy || reason == Reason::kThrottled || reason == Reason::kSequenceGap;
}

}  // namespace

bool ResendQueue::Keep(std::uint64_t client_seq, Bytes frame, bool connected) {
  requests_.push_back({.client_seq = client_seq, .frame = std::move(frame)});
  if (!connected || postponed_) return false;
  ++in_flight_;
  return true;
}

bool ResendQueue::TakeAnswer(const AnswerMessage& message) {
  if (in_flight_ != 0) --in_flight_;
  if (Postpones(message.answer.reason)) {
    postponed_ = true;
    retry_after_ms_ = std::max(retry_after_ms_, message.retry_after_ms);
    return false;
  }
  const auto found = std::find_if(requests_.begin(), requests_.end(), [&](const Request& request) {
    return request.client_seq == message.answer.client_seq;
  });
  if (found == requests_.end()) return false;
  requests_.erase(found);
  return true;
}

std::optional<std::chrono::milliseconds> ResendQueue::PauseBeforeSending() {
  if (!postponed_ || in_flight_ != 0) return std::nullopt;
  return std::chrono::milliseconds(std::max(std::exchange(retry_after_ms_, 0), 1U));
}

bool ResendQueue::SendAgain(Bytes& out) {
  postponed_ = false;
  for (const Request& request : requests_) {
    out.insert(out.end(), request.frame.begin(), request.frame.end());
  }
  in_flight_ = requests_.size();
  return in_flight_ != 0;
}

void ResendQueue::ConnectionLost() {
  in_flight_ = 0;
  retry_after_ms_ = 0;
  postponed_ = false;
}

}  // namespace gateway
