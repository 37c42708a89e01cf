// A ResendQueue driven by hand, and its frames as a daemon reads them.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/client/resend_queue.h"
#include "gateway/codec.h"
#include "tests/support/exchange_driver.h"

namespace gateway {

// What was sent, read as the daemon reads it. `marker` says which request it is; 0: a filler.
struct Sent {
  std::uint64_t client_seq = 0;
  engine::CommandType type{};
  std::uint64_t marker = 0;
  FrameRefusal refusal;
};

inline Sent ReadSent(const Frame& frame) {
  Request request;
  EXPECT_EQ(Read(frame, request), engine::Reason::kNone);
  std::vector<std::uint64_t> memory(request.command_bytes / 8);
  auto* command = reinterpret_cast<engine::CommandHeader*>(memory.data());
  Sent sent{.client_seq = request.client_seq, .type = request.type, .marker = 0, .refusal = {}};
  sent.refusal = Write(request, engine::CredentialId(7), 0, command);
  const engine::CommandView view(command);
  if (request.type == engine::CommandType::kSubmitOrders) {
    sent.marker = static_cast<std::uint64_t>(view.Items<engine::OrderBody>()[0].client_order_id);
  }
  return sent;
}

inline std::vector<Sent> ReadAll(const Bytes& bytes) {
  std::vector<Sent> sent;
  std::span<const std::byte> rest = bytes;
  while (!rest.empty()) {
    const Scan scan = ScanFrame(rest, kFrameBytesMax);
    sent.push_back(ReadSent(scan.frame));
    rest = rest.subspan(scan.length);
  }
  return sent;
}

inline Bytes MakeRequest(RequestBuilder& builder, std::uint64_t client_seq, std::uint64_t marker,
                         bool good) {
  const engine::OrderBody order{
      .account = engine::AccountId(1),
      .client_order_id = engine::ClientOrderId(marker),
      .product = {},
      .side = good ? engine::Side::kBuy : static_cast<engine::Side>(7),
  };
  Bytes frame;
  builder.Orders(engine::CommandType::kSubmitOrders, client_seq, {&order, 1}, frame);
  return frame;
}

inline AnswerMessage AnswerTo(const Sent& sent, engine::Reason reason, bool sequenced) {
  AnswerMessage message;
  message.answer.client_seq = sent.client_seq;
  message.answer.reason = reason;
  message.message = static_cast<MessageType>(sent.type);
  message.sequenced = sequenced;
  return message;
}

// A queue whose connection has had a logon, and all that it sends.
struct Queue {
  explicit Queue(std::uint64_t next = 1) { EXPECT_TRUE(queue.Resume(next)); }

  std::uint64_t Keep(std::uint64_t marker, bool good) {
    const std::uint64_t client_seq = queue.next_seq();
    Bytes frame = MakeRequest(builder, client_seq, marker, good);
    if (queue.Keep(std::move(frame), true)) out = queue.newest();
    return client_seq;
  }
  ResendQueue::Taken Hear(std::uint64_t client_seq, engine::Reason reason, bool sequenced = false) {
    AnswerMessage message = AnswerTo({.client_seq = client_seq,
                                      .type = engine::CommandType::kSubmitOrders,
                                      .marker = 0,
                                      .refusal = {}},
                                     reason, sequenced);
    return queue.TakeAnswer(message);
  }
  std::vector<Sent> SendAgain() {
    Bytes bytes;
    queue.SendAgain(bytes);
    return ReadAll(bytes);
  }

  RequestBuilder builder;
  ResendQueue queue{builder};
  Bytes out;
};

}  // namespace gateway
