// One input of the codec's fuzzers: any bytes, taken as a stream of frames and as each message.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "engine/core/check.h"
#include "engine/core/limits.h"
#include "gateway/client_codec.h"
#include "gateway/codec.h"
#include "gateway/frame.h"

namespace gateway {

// Reads a frame as the daemon does; what is accepted must keep the codec's promises.
inline void TakeAsDaemon(const Frame& frame) {
  LogonRequest logon;
  if (ReadLogon(frame, logon)) {
    const auto* const body = reinterpret_cast<const char*>(frame.body.data());
    const char* const begin = logon.token.data();
    CHECK(begin >= body && begin + logon.token.size() < body + frame.body.size());
  }
  IsValidLogout(frame);
  IsValidHeartbeat(frame);
  Request request;
  if (Read(frame, request) != engine::Reason::kNone) return;
  CHECK(request.items >= 1 && request.items <= engine::kFrameOrdersMax);
  CHECK(request.command_bytes <= engine::kCommandBytesMax);
  std::vector<std::uint64_t> memory(request.command_bytes / 8);
  auto* command = reinterpret_cast<engine::CommandHeader*>(memory.data());
  const FrameRefusal refusal = Write(request, engine::CredentialId(1), 1, command);
  CHECK(refusal.index < request.items);
  if (refusal.reason != engine::Reason::kNone) return;
  CHECK(command->length == request.command_bytes && command->count == request.items);
  if (request.type != engine::CommandType::kSubmitOrders) return;
  for (const engine::OrderBody& order : engine::CommandView(command).Items<engine::OrderBody>()) {
    CHECK(order.side <= engine::Side::kSell && order.response <= engine::Response::kInteractive);
    CHECK(order.response != engine::Response::kFixed || order.response_param == 0);
    CHECK(order.time_in_force == engine::TimeInForce::kProduct && order.zero == 0);
  }
}

inline void TakeInput(std::span<const std::uint8_t> input) {
  constexpr std::uint16_t kTypes[] = {1,   2,   3,   16,  17,  18,  19,  21,  64,  66,  99, 129,
                                      130, 131, 132, 144, 145, 146, 147, 160, 161, 162, 192};
  std::vector<std::uint64_t> memory((input.size() + 7) / 8);
  if (memory.empty()) return;
  std::memcpy(memory.data(), input.data(), input.size());
  const std::span<const std::byte> bytes = std::as_bytes(std::span(memory));
  std::span<const std::byte> rest = bytes;
  Scan scan = ScanFrame(rest, kFrameBytesMax);
  while (scan.result == ScanResult::kFrame) {
    CHECK(scan.length >= kFrameBytesMin && scan.length <= rest.size());
    TakeAsDaemon(scan.frame);
    MessageHandler deaf;
    Deliver(scan.frame, deaf);
    rest = rest.subspan(scan.length);
    scan = ScanFrame(rest, kFrameBytesMax);
  }
  // As the body of each message, whatever the header says.
  for (const std::uint16_t type : kTypes) {
    const Frame frame{.type = MessageType(type), .version = kWireVersion, .body = bytes};
    TakeAsDaemon(frame);
    MessageHandler deaf;
    Deliver(frame, deaf);
  }
}

}  // namespace gateway
