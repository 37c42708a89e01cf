// Why the daemon ended a connection: the numbers in a Terminate message.
#pragma once

#include <cstdint>
#include <string_view>

namespace gateway {

// Numbers are permanent: new ones are added, none is reused.
enum class TerminateReason : std::uint16_t {
  kLogout = 1,               // As the client asked.
  kShutdown = 2,             // The daemon stops; connect again.
  kSuperseded = 3,           // The credential has logged on elsewhere.
  kLogonTimeout = 4,         // No Logon in time.
  kNotAuthorised = 5,        // The token is not that of a credential.
  kNotLoggedOn = 6,          // A message before the Logon was answered.
  kAlreadyLoggedOn = 7,      // A second Logon.
  kFrameTooLong = 8,         // Longer than max_frame_bytes.
  kFrameLength = 9,          // Under 16 bytes, or not a multiple of 8.
  kFrameTimeout = 10,        // A frame was begun and not completed in time.
  kIdle = 11,                // Silent for two heartbeats and some.
  kSlowReader = 12,          // Does not read what it is sent.
  kTooManyConnections = 13,  // The daemon's limit is reached.
  kOverBudget = 14,          // The memory for all connections is used up.
  kMalformed = 15,           // A body that is not a valid message of its type; an Answer said so.
  kBusy = 16,                // No room for the Logon now.
  kInternal = 17,            // A failure of the daemon, in its log.
  kEventsGone = 18,          // The Logon's next_event cannot be; its answer said why.
  kCertificate = 19,         // The client's certificate is good no more: ended or revoked.
};

// The name without its k, in snake_case: stable text for logs and the message.
std::string_view TerminateReasonName(TerminateReason reason);

}  // namespace gateway
