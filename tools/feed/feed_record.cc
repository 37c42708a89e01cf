#include "tools/feed/feed_record.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/core/limits.h"
#include "engine/journal/record.h"

namespace tools {
namespace {

using engine::CommandType;
using engine::CommandView;

bool IsDefinition(CommandType type) {
  return type >= CommandType::kGenesis && type <= CommandType::kDefineCredential;
}

// A shape that the exchange takes. What it decides itself (bands, accounts, gates) is left to it.
bool IsWellFormed(const engine::OrderBody& order) {
  return order.side <= engine::Side::kSell && order.response <= engine::Response::kLogarithmic &&
         order.time_in_force == engine::TimeInForce::kProduct && order.zero == 0;
}

bool HasToken(const engine::CredentialBody& credential) {
  return std::ranges::any_of(credential.token_hash, [](std::byte b) { return b != std::byte{}; });
}

std::string WhyNotThisBody(CommandView command) {
  const engine::CommandHeader& header = command.header();
  switch (header.type) {
    case CommandType::kSubmitOrders:
    case CommandType::kReplaceOrders:
      if (!std::ranges::all_of(command.Items<engine::OrderBody>(), IsWellFormed)) {
        return "holds an order with an unknown side, response or time in force";
      }
      return "";
    case CommandType::kDefineMarket:
      if (!engine::IsPossible(command.Items<engine::MarketDefinition>()[0])) {
        return "defines an impossible market";
      }
      return "";
    case CommandType::kDefineCredential:
      if (HasToken(command.Items<engine::CredentialBody>()[0])) return "holds a token";
      return "";
    default:
      return "";
  }
}

}  // namespace

std::string WhyNotInFeed(CommandView command, const FeedPlace& place) {
  const engine::CommandHeader& header = command.header();
  const bool from_client = engine::IsFromClient(header.type);
  if (!from_client && !IsDefinition(header.type)) {
    return absl::StrCat("is of type ", static_cast<int>(header.type), ", which no feed has");
  }
  if (const absl::Status sound = engine::CheckRecord(command.bytes()); !sound.ok()) {
    return absl::StrCat("is ", sound.message());
  }
  if ((header.type == CommandType::kGenesis) != (place.record == 1)) {
    return "stands where kGenesis does not, or is one that comes twice";
  }
  if (!from_client && !place.defining) return "is a definition after the first client's command";
  if (from_client != (header.credential != engine::CredentialId{})) {
    return "names a credential in a definition, or none in a client's command";
  }
  if (header.count == 0 || header.count > (from_client ? engine::kFrameOrdersMax : 1)) {
    return absl::StrCat("has ", header.count, " items");
  }
  if (place.record > 1 && header.time_ns < place.last_time_ns) {
    return "is older than the one before";
  }
  return WhyNotThisBody(command);
}

}  // namespace tools
