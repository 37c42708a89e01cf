#include "engine/journal/record.h"

#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "engine/core/act.h"
#include "engine/core/entry_version.h"

namespace engine {
namespace {

// The size of one body; unset for what does not belong into a journal. Of an act: of what it
// defines.
std::optional<std::size_t> BodyBytes(CommandType type) {
  switch (type) {
    case CommandType::kGenesis:
      return sizeof(GenesisBody);
    case CommandType::kDefineMarket:
      return sizeof(MarketDefinition);
    case CommandType::kDefineMeteringPoint:
      return sizeof(MeteringPointBody);
    case CommandType::kDefineAccount:
      return sizeof(AccountBody);
    case CommandType::kDefineCredential:
      return sizeof(CredentialBody);
    case CommandType::kDefineCertificate:
      return sizeof(CertificateBody);
    case CommandType::kSubmitOrders:
    case CommandType::kReplaceOrders:
      return sizeof(OrderBody);
    case CommandType::kCancelOrders:
      return sizeof(OrderKeyBody);
    case CommandType::kCancelAll:
      return sizeof(OrderScopeBody);
    case CommandType::kDisconnect:
      return sizeof(DisconnectBody);
    case CommandType::kOpenProduct:
    case CommandType::kCloseRound:
    case CommandType::kFinishRound:
    case CommandType::kStepGame:
    case CommandType::kContinueMatching:
      return sizeof(ProductBody);
    case CommandType::kReplyQuantities:
      return sizeof(QuantityBody);
    case CommandType::kResumeGames:
      return sizeof(ResumeBody);
    case CommandType::kAdoptEntry:
      return sizeof(EntryVersionBody);
    case CommandType::kOutcome:
      return sizeof(OutcomeBody);
    case CommandType::kRunningDigest:
      return sizeof(RunningDigestBody);
    case CommandType::kAct:
    case CommandType::kListOpenOrders:
    case CommandType::kListProducts:
    case CommandType::kLogon:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

absl::Status CheckRecord(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(CommandHeader)) {
    return absl::InvalidArgumentError("a record's header does not fit into its batch");
  }
  const CommandHeader& header = *reinterpret_cast<const CommandHeader*>(bytes.data());
  if (header.length < sizeof(CommandHeader) || header.length % 8 != 0 ||
      header.length > kCommandBytesMax || header.length > bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat("a record of ", header.length,
                                                   " bytes cannot be; ", bytes.size(),
                                                   " are left in its batch"));
  }
  const DefinitionView definitions{CommandView(&header)};
  const std::optional<std::size_t> body = BodyBytes(definitions.type());
  const std::size_t act = definitions.act() != nullptr ? sizeof(ActBody) : 0;
  if (!body || !IsKnownVersion(header.type, header.version)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a record of type ", static_cast<unsigned>(header.type), " version ", header.version,
        " is not known to this program; a newer one may have ", "written it: run that one"));
  }
  const std::uint64_t bodies = header.length - sizeof(CommandHeader) - act;
  if (bodies != header.count * *body) {
    return absl::InvalidArgumentError(
        absl::StrCat("a record of type ", static_cast<unsigned>(header.type), " has ", bodies,
                     " bytes for ", header.count, " bodies of ", *body));
  }
  if (header.type == CommandType::kAct && !IsWellFormedAct(CommandView(&header))) {
    return absl::InvalidArgumentError("an act does not say who and why as one does");
  }
  return absl::OkStatus();
}

}  // namespace engine
