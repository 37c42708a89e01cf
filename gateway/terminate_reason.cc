#include "gateway/terminate_reason.h"

namespace gateway {

std::string_view TerminateReasonName(TerminateReason reason) {
  switch (reason) {
    case TerminateReason::kLogout:
      return "logout";
    case TerminateReason::kShutdown:
      return "shutdown";
    case TerminateReason::kSuperseded:
      return "superseded";
    case TerminateReason::kLogonTimeout:
      return "logon_timeout";
    case TerminateReason::kNotAuthorised:
      return "not_authorised";
    case TerminateReason::kNotLoggedOn:
      return "not_logged_on";
    case TerminateReason::kAlreadyLoggedOn:
      return "already_logged_on";
    case TerminateReason::kFrameTooLong:
      return "frame_too_long";
    case TerminateReason::kFrameLength:
      return "frame_length";
    case TerminateReason::kFrameTimeout:
      return "frame_timeout";
    case TerminateReason::kIdle:
      return "idle";
    case TerminateReason::kSlowReader:
      return "slow_reader";
    case TerminateReason::kTooManyConnections:
      return "too_many_connections";
    case TerminateReason::kOverBudget:
      return "over_budget";
    case TerminateReason::kMalformed:
      return "malformed";
    case TerminateReason::kBusy:
      return "busy";
    case TerminateReason::kInternal:
      return "internal";
    case TerminateReason::kEventsGone:
      return "events_gone";
    case TerminateReason::kCertificate:
      return "certificate";
  }
  return "unknown";
}

}  // namespace gateway
