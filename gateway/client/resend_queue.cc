#include "gateway/client/resend_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/core/check.h"

namespace gateway {
namespace {

using engine::Reason;

// The gateway's own reasons are below: what they refuse has not come to the exchange.
constexpr Reason kFirstOfExchange = Reason::kSequenceTooOld;

bool AlwaysPostpones(Reason reason) {
  return reason == Reason::kBusy || reason == Reason::kThrottled || reason == Reason::kSequenceGap;
}

bool UsedNoNumber(const AnswerMessage& message) {
  return !message.sequenced && message.answer.reason < kFirstOfExchange;
}

MessageType TypeOf(const Bytes& frame) {
  FrameHeader header;
  CHECK(frame.size() >= sizeof(header));
  std::memcpy(&header, frame.data(), sizeof(header));
  return static_cast<MessageType>(header.type);
}

}  // namespace

bool ResendQueue::Resume(std::uint64_t expected) {
  if (expected == 0) return false;
  if (requests_.empty()) {
    next_seq_ = expected;
    return true;
  }
  // All before the oldest request have been answered, so they were on the daemon's disk.
  if (expected < requests_.front().client_seq) return false;
  // Above next_seq_: somebody else has used the credential's numbers meanwhile.
  next_seq_ = std::max(next_seq_, expected);
  return true;
}

bool ResendQueue::Keep(Bytes frame, bool connected) {
  const bool goes = connected && !postponed_;
  requests_.push_back({.client_seq = next_seq_++,
                       .frame = std::move(frame),
                       .under_way = goes,
                       .sent = goes,
                       .copied = false,
                       .filler = false});
  return goes;
}

// A type that the daemon does not know it answers without having read the number. It knows no frame
// of that type and answers in order, so the answer is that to the first one.
ResendQueue::Requests::iterator ResendQueue::Find(const AnswerMessage& message) {
  const std::uint64_t client_seq = message.answer.client_seq;
  const Reason reason = message.answer.reason;
  const bool unread =
      client_seq == 0 && (reason == Reason::kUnknownMessage || reason == Reason::kThrottled);
  return std::find_if(requests_.begin(), requests_.end(), [&](const Request& request) {
    if (!unread) return request.client_seq == client_seq;
    return request.under_way && TypeOf(request.frame) == message.message;
  });
}

ResendQueue::Taken ResendQueue::TakeAnswer(AnswerMessage& message) {
  const auto found = Find(message);
  if (found == requests_.end()) return Taken::kNotFinal;
  found->under_way = false;
  const bool waits_for_space =
      message.answer.reason == Reason::kDiskFull && (found->copied || found->filler);
  if (AlwaysPostpones(message.answer.reason) || waits_for_space) {
    postponed_ = true;
    retry_after_ms_ = std::max(retry_after_ms_, message.retry_after_ms);
    return Taken::kNotFinal;
  }
  message.answer.client_seq = found->client_seq;
  const bool filler = found->filler;
  if (filler && UsedNoNumber(message)) return Taken::kNothingGoes;
  if (UsedNoNumber(message)) {
    GiveBack(static_cast<std::size_t>(found - requests_.begin()));
  } else {
    requests_.erase(found);
  }
  return filler ? Taken::kNotFinal : Taken::kFinal;
}

void ResendQueue::GiveBack(std::size_t place) {
  Request& request = requests_[place];
  if (place + 1 != requests_.size()) {
    // The exchange knows no account 0: the one key is refused, and the number is used.
    const engine::OrderKeyBody nobody{};
    request.frame.clear();
    builder_.CancelOrders(request.client_seq, {&nobody, 1}, request.frame);
    request.filler = true;
    request.sent = false;
    request.copied = false;
    postponed_ = true;
    return;
  }
  const bool newest = request.client_seq + 1 == next_seq_;
  requests_.pop_back();
  if (!newest) return;
  --next_seq_;
  while (!requests_.empty() && requests_.back().filler && !requests_.back().sent) {
    next_seq_ = requests_.back().client_seq;
    requests_.pop_back();
  }
}

std::optional<std::chrono::milliseconds> ResendQueue::PauseBeforeSending() {
  if (!postponed_ || pausing_) return std::nullopt;
  const bool under_way = std::any_of(requests_.begin(), requests_.end(),
                                     [](const Request& request) { return request.under_way; });
  if (under_way) return std::nullopt;
  pausing_ = true;
  return std::chrono::milliseconds(std::max(std::exchange(retry_after_ms_, 0), 1U));
}

bool ResendQueue::SendAgain(Bytes& out) {
  postponed_ = false;
  pausing_ = false;
  for (Request& request : requests_) {
    out.insert(out.end(), request.frame.begin(), request.frame.end());
    request.under_way = true;
    request.sent = true;
  }
  return !requests_.empty();
}

void ResendQueue::ConnectionLost() {
  for (Request& request : requests_) {
    request.under_way = false;
    request.copied = request.sent;
  }
  retry_after_ms_ = 0;
  postponed_ = false;
  pausing_ = false;
}

}  // namespace gateway
