// The daemon's side of the wire: frames from clients become commands. FlatBuffers end here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/core/command.h"
#include "engine/core/reason.h"
#include "gateway/frame.h"

namespace gateway {

// A frame whose body is a valid message with a command in it, not yet checked order by order.
struct Request {
  engine::CommandType type{};
  std::uint64_t client_seq = 0;     // The query number of a question.
  std::uint32_t items = 0;          // At least 1.
  std::uint32_t command_bytes = 0;  // What Write() needs.
  const std::byte* wire = nullptr;  // The orders or keys, or the table.
};

// Why a frame is answered by the gateway. `index` is the item's place where one is at fault.
struct FrameRefusal {
  engine::Reason reason = engine::Reason::kNone;
  std::uint16_t index = 0;
};

// Verifies a frame of a type that becomes a command; of any other it says kUnknownMessage.
// Ensures: `request` is filled where the answer is kNone; its client_seq wherever it is known.
// Cost:    O(1).
engine::Reason Read(const Frame& frame, Request& request);

// Checks each order and writes the command, header and bodies, into `command`. Energy, prices, ids
// and rights are the exchange's to judge.
// Requires: Read() said kNone and the frame is still there; `command` begins request.command_bytes.
// Ensures:  with a refusal what is in `command` must be forgotten.
FrameRefusal Write(const Request& request, engine::CredentialId credential, std::int64_t time_ns,
                   engine::CommandHeader* command);

struct LogonRequest {
  std::string_view token;  // In the frame.
  std::uint64_t next_client_seq = 0;
  std::uint64_t next_event = 0;
  std::uint16_t heartbeat_s = 0;
  bool cancel_on_disconnect = false;
};

// Ensures: false where the body is not a valid Logon.
bool ReadLogon(const Frame& frame, LogonRequest& logon);

// Whether the body is a valid Logout or Heartbeat.
bool IsValidLogout(const Frame& frame);
bool IsValidHeartbeat(const Frame& frame);

}  // namespace gateway
